"""One scripted phone: a SIP user agent on a UDP port of its own."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from gateway.errors import PhoneError, PhoneTimeout
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.dialog import ALLOW, new_tag
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.registration import Registration
from gateway.lab.phones.sip_message import Request, respond
from gateway.lab.phones.sip_transaction import ServerTransaction, TransactionLayer
from gateway.lab.phones.trace import Trace

_CLOSING_S = 2.0

Policy = IncomingPolicy | Callable[[IncomingCall], IncomingPolicy]


class Phone:
    """``async with Phone(settings) as phone`` starts and closes it.

    `on_invite` decides what happens to the next incoming call; change it at any time.
    `trace` holds the SIP messages, `calls` every call since the start, ended ones included.
    """

    def __init__(self, settings: PhoneSettings, bind: str = "127.0.0.1") -> None:
        self.settings = settings
        self.on_invite: Policy = IncomingPolicy()
        self.trace = Trace()
        self.calls: list[PhoneCall] = []
        self._bind = bind
        self._layer: TransactionLayer | None = None
        self.registration: Registration | None = None
        self._by_dialog: dict[tuple[str, str], PhoneCall] = {}
        self._by_invite: dict[ServerTransaction, IncomingCall] = {}
        self._incoming: asyncio.Queue[IncomingCall] = asyncio.Queue()

    async def __aenter__(self) -> "Phone":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Phone {self.settings.user}>"

    @property
    def layer(self) -> TransactionLayer:
        """The SIP stack; there between `start` and `close`."""
        if self._layer is None:
            raise PhoneError(f"phone {self.settings.user} is not started")
        return self._layer

    @property
    def address(self) -> tuple[str, int]:
        """Our SIP address."""
        return self.layer.transport.address

    @property
    def malformed(self) -> int:
        """Datagrams on the SIP port that were not SIP."""
        return self.layer.transport.malformed

    @property
    def registered(self) -> bool:
        return self.registration is not None and self.registration.active

    @property
    def live_calls(self) -> list[PhoneCall]:
        return [call for call in self.calls if not call.ended]

    async def start(self) -> None:
        """Bind a free port and register. Raises PhoneError; nothing stays open then."""
        self._layer = TransactionLayer(self._bind, self.trace, self, self.settings.t1_s)
        if not self.settings.register:
            return
        self.registration = Registration(self._layer, self.settings)
        try:
            await self.registration.start()
        except BaseException:
            self._layer.close()
            self._layer = None
            raise

    async def close(self) -> None:
        """End all calls, unregister and close the port, in at most a few seconds."""
        if self._layer is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                await asyncio.gather(
                    *(call.hang_up() for call in self.live_calls), return_exceptions=True
                )
        for call in self.live_calls:
            call.abandon()
        if self.registration is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING_S):
                    await self.registration.close()
        self._layer.close()
        self._layer = None

    async def dial(
        self,
        number: str,
        *,
        caller_id: str = "",
        caller_name: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> OutgoingCall:
        """Send an INVITE; `await call.until("up")` for the rest.

        `caller_id` goes out as P-Asserted-Identity (RFC 3325): the PBX shows it when the endpoint
        has ``trust_id_inbound=yes``.
        """
        call = OutgoingCall(self, self.settings, number, caller_id, caller_name, headers or {})
        self._add(call)
        return call

    async def next_call(self, timeout_s: float = 5.0) -> IncomingCall:
        """Return the oldest incoming call not taken yet, even one that has ended since.

        Raises PhoneTimeout.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._incoming.get()
        except TimeoutError:
            raise PhoneTimeout(
                f"no call for {self.settings.user} in {timeout_s:g} s; "
                f"{self.trace.count('received', 'INVITE')} INVITEs so far"
            ) from None

    def call_ended(self, call: PhoneCall) -> None:
        self._by_dialog.pop((call.dialog.call_id, call.dialog.local_tag), None)
        if isinstance(call, IncomingCall):
            self._by_invite.pop(call.server, None)

    def on_request(self, server: ServerTransaction) -> None:
        """Take a request that is new (called by the transaction layer)."""
        request = server.request
        if request.to.tag:
            call = self._by_dialog.get((request.call_id, request.to.tag))
            if call is None:
                server.respond(respond(request, 481))
            else:
                call.on_request(server)
        elif request.method == "INVITE":
            self._invited(server)
        elif request.method in ("OPTIONS", "NOTIFY"):
            response = respond(request, 200, to_tag=new_tag())
            response.headers.add("allow", ALLOW)
            response.headers.add("accept", "application/sdp")
            server.respond(response)
        else:
            status = 481 if request.method in ("CANCEL", "BYE") else 405
            server.respond(respond(request, status, to_tag=new_tag()))

    def on_ack(self, ack: Request) -> None:
        if call := self._by_dialog.get((ack.call_id, ack.to.tag)):
            call.on_ack(ack)

    def on_cancel(self, server: ServerTransaction, invite: ServerTransaction) -> None:
        server.respond(respond(server.request, 200, to_tag=new_tag()))
        if call := self._by_invite.get(invite):
            call.on_cancel(server.request)

    def _invited(self, server: ServerTransaction) -> None:
        call = IncomingCall(self, self.settings, server)
        self._add(call)
        self._by_invite[server] = call
        call.obey(
            self.on_invite if isinstance(self.on_invite, IncomingPolicy) else self.on_invite(call)
        )
        self._incoming.put_nowait(call)

    def _add(self, call: PhoneCall) -> None:
        self.calls.append(call)
        self._by_dialog[call.dialog.call_id, call.dialog.local_tag] = call
