"""A call this phone makes."""

import asyncio
from collections.abc import Mapping

from gateway.errors import PhoneError
from gateway.lab.phones import sip_auth
from gateway.lab.phones.call import CallOwner, CallState, EndCause, PhoneCall, cause_of
from gateway.lab.phones.dialog import Dialog, with_sdp
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.sip_address import format_name_addr
from gateway.lab.phones.sip_message import Request, Response
from gateway.lab.phones.sip_transaction import ClientTransaction
from gateway.lab.phones.stamp import Stamp


class OutgoingCall(PhoneCall):
    """`invite_at` is when the first INVITE left."""

    def __init__(
        self,
        owner: CallOwner,
        settings: PhoneSettings,
        number: str,
        caller_id: str,
        caller_name: str,
        extra: Mapping[str, str],
    ) -> None:
        host = owner.layer.transport.address
        dialog = Dialog.outgoing(
            settings.own_uri,
            caller_name or settings.display_name,
            settings.uri_of(number),
            host,
            settings.user,
            settings.registrar,
        )
        super().__init__(owner, settings, dialog)
        self._extra = dict(extra)
        if caller_id:
            identity = format_name_addr(settings.uri_of(caller_id), caller_name)
            self._extra["p-asserted-identity"] = identity
        self._cancelled = False
        self._cancel_sent = False
        self._authorised = False
        self._acked: Request | None = None
        self._invite = self._send_invite({})
        self.invite_at: Stamp = self._invite.sent_at

    async def hang_up(self) -> None:
        """CANCEL before the answer, BYE after it; returns when the PBX has confirmed."""
        if self.ended:
            return
        if self.state is CallState.UP:
            await self._bye()
            return
        self._cancelled = True
        if self._invite.answered:
            self._send_cancel()
        await self.until(CallState.ENDED, 64 * self._settings.t1_s)

    def _send_invite(self, extra: Mapping[str, str]) -> ClientTransaction:
        invite = self.dialog.request("INVITE", uri=self.dialog.target)
        for name, value in {**self._extra, **extra}.items():
            invite.headers.add(name, value)
        with_sdp(invite, self._sdp(None))
        client = self._owner.layer.send(invite, self.dialog.peer, self._on_response)
        client.final.add_done_callback(self._on_final)
        return client

    def _on_final(self, final: asyncio.Future[Response]) -> None:
        """Only a time-out is handled here; responses came by `_on_response` already."""
        if not final.cancelled() and final.exception() is not None:
            self._end("remote", EndCause(408, 0, "no answer to INVITE"))

    def _on_response(self, response: Response, at: Stamp) -> None:
        if response.status < 200:
            self._on_provisional(response, at)
        elif response.status < 300:
            self._on_answer(response, at)
        elif response.status in (401, 407) and not self._authorised and not self._cancelled:
            self._authorise(response)
        else:
            self._end("local" if self._cancelled else "remote", cause_of(response))

    def _on_provisional(self, response: Response, at: Stamp) -> None:
        if self._cancelled:
            self._send_cancel()
            return
        if response.status > 100 and response.to.tag:
            self.dialog.learn(response)
        if response.body and self._take_sdp(response):
            self._move(CallState.EARLY, at)
        elif response.status == 180:
            self._move(CallState.RINGING, at)

    def _on_answer(self, response: Response, at: Stamp) -> None:
        if self._acked is not None:
            self._owner.layer.transport.send(self._acked, self.dialog.peer)
            return
        self.dialog.learn(response)
        self._acked = self._ack(response)
        if self.ended:
            return
        if self._cancelled or not self._take_sdp(response):
            # The answer crossed our CANCEL, or speaks no A-law: take it and end it.
            self._owner.layer.send(self.dialog.request("BYE"), self.dialog.peer)
            self._end("local", EndCause(0, 0, "" if self._cancelled else "no common codec"))
            return
        self._move(CallState.UP, at)

    def _authorise(self, response: Response) -> None:
        self._authorised = True
        settings = self._settings
        try:
            challenge = sip_auth.challenge_of(response)
        except PhoneError as error:
            self._end("remote", EndCause(response.status, 0, str(error)))
            return
        proof = sip_auth.answer(
            challenge,
            "INVITE",
            self.dialog.target,
            settings.auth_user or settings.user,
            settings.password,
        )
        self._invite = self._send_invite({challenge.answer_header: proof})

    def _send_cancel(self) -> None:
        if not self._cancel_sent:
            self._cancel_sent = True
            self._owner.layer.send(self._invite.cancel_request(), self.dialog.peer)
