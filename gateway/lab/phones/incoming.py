"""A call that comes to this phone, and what the phone does with it by itself."""

import asyncio
import contextlib
from dataclasses import dataclass

from gateway.errors import MalformedMessage, PhoneError
from gateway.lab.phones import sdp, sip_address
from gateway.lab.phones.call import CallOwner, CallState, EndCause, PhoneCall, cause_of
from gateway.lab.phones.dialog import ALLOW, Dialog, with_sdp
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.sip_address import NameAddr
from gateway.lab.phones.sip_message import Request, Response, respond
from gateway.lab.phones.sip_transaction import ServerTransaction
from gateway.lab.phones.stamp import Stamp


@dataclass(frozen=True)
class IncomingPolicy:
    """What happens to an INVITE. The default rings until the script answers or rejects."""

    answer_after_s: float | None = None
    """Answer by itself after ringing this long; 0: at once."""
    status: int | None = None
    """Refuse with this status: 486 busy, 603 decline, 404, 480, 503 ..."""
    contact: str = ""
    """Contact of the refusal: where a 302 says that the phone is instead."""
    ring: bool = True
    """Send 180 first; False: only 100, then what else is asked."""
    early_media: bool = False
    """Send 183 with SDP, so that audio flows before the answer."""

    @classmethod
    def answer(cls, after_s: float = 0.0) -> "IncomingPolicy":
        return cls(answer_after_s=after_s)

    @classmethod
    def busy(cls) -> "IncomingPolicy":
        return cls(status=486, ring=False)

    @classmethod
    def reject(cls, status: int = 603) -> "IncomingPolicy":
        return cls(status=status, ring=False)

    @classmethod
    def ring_forever(cls) -> "IncomingPolicy":
        return cls()


class IncomingCall(PhoneCall):
    """`invite_at` is when the INVITE came, by the kernel's clock."""

    def __init__(
        self, owner: CallOwner, settings: PhoneSettings, server: ServerTransaction
    ) -> None:
        host = owner.layer.transport.address
        dialog = Dialog.incoming(server.request, host, settings.user, server.source)
        super().__init__(owner, settings, dialog)
        self.invite = server.request
        self.invite_at: Stamp = server.at
        self.at[CallState.DIALLING] = server.at
        self.server = server
        self._offer: sdp.MediaDescription | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._answer_sent = False

    @property
    def caller(self) -> NameAddr:
        """Who calls: P-Asserted-Identity (RFC 3325) before From."""
        asserted = self.invite.headers.lists("p-asserted-identity")
        return sip_address.parse_name_addr(asserted[0]) if asserted else self.invite.from_

    @property
    def from_number(self) -> str:
        return self.caller.user

    @property
    def from_display(self) -> str:
        return self.caller.display or self.invite.from_.display

    @property
    def to_number(self) -> str:
        return self.invite.to.user

    def obey(self, policy: IncomingPolicy) -> None:
        """Do what `policy` says; later steps go by timer."""
        self.server.respond(respond(self.invite, 100))
        if not self._read_offer():
            self._refuse(488)
            return
        if policy.ring:
            self.ring()
        if policy.early_media:
            self.early_media()
        if policy.status is not None:
            self._refuse(policy.status, policy.contact)
        elif policy.answer_after_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(policy.answer_after_s, self._send_answer)

    def ring(self) -> None:
        """Send 180."""
        self._move(CallState.RINGING, self.server.respond(self._response(180)))

    def early_media(self) -> None:
        """Send 183 with SDP."""
        response = self._response(183)
        self._start_audio(response)
        self._move(CallState.EARLY, self.server.respond(response))

    async def answer(self, timeout_s: float = 5.0) -> None:
        """Answer; returns when the PBX has acknowledged."""
        if self.ended:
            raise PhoneError(f"too late to answer: {self!r}")
        self._send_answer()
        await self.until(CallState.UP, timeout_s)

    def reject(self, status: int = 603) -> None:
        """Refuse a call that rings."""
        if self.ended or self._answer_sent:
            raise PhoneError(f"too late to reject: {self!r}")
        self._refuse(status)

    async def hang_up(self) -> None:
        """Decline (603) while it rings, BYE once answered."""
        if self.ended:
            return
        if not self._answer_sent:
            self._refuse(603)
            return
        await self.until(CallState.UP, 64 * self._owner.layer.t1_s)  # no BYE before the ACK
        await self._bye()

    def on_cancel(self, cancel: Request) -> None:
        """The caller gave up. A CANCEL after our answer changes nothing (section 9.2)."""
        if not self._answer_sent and not self.ended:
            self.server.respond(self._response(487))
            self._end("remote", cause_of(cancel))

    def on_ack(self, ack: Request) -> None:
        super().on_ack(ack)
        if self._answer_sent and ack.cseq == self.invite.cseq:
            self._move(CallState.UP)

    def _send_answer(self) -> None:
        if self.ended or self._answer_sent:
            return
        self._answer_sent = True
        response = self._response(200)
        response.headers.add("allow", ALLOW)
        self._start_audio(response)
        self._wants_ack = self.server
        self.server.respond(response, unacknowledged=self._unacknowledged)

    def _read_offer(self) -> bool:
        """Look at the INVITE's SDP; no SDP means that ours will be the offer."""
        if not self.invite.body:
            return True
        with contextlib.suppress(MalformedMessage):
            self._offer = sdp.parse(self.invite.body)
        return self._offer is not None and self._offer.takes_alaw

    def _start_audio(self, response: Response) -> None:
        with_sdp(response, self._sdp(self._offer))
        if self._offer is not None:
            self.media.connect(self._offer)

    def _unacknowledged(self) -> None:
        self._end("remote", EndCause(408, 0, "no ACK for our answer"))

    def _refuse(self, status: int, contact: str = "") -> None:
        response = self._response(status, contact)
        self.server.respond(response)
        self._end("local", EndCause(status, 0, response.reason))

    def _response(self, status: int, contact: str = "") -> Response:
        response = respond(self.invite, status, to_tag=self.dialog.local_tag)
        response.headers.add("contact", contact or self.dialog.contact)
        return response

    def _closing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
