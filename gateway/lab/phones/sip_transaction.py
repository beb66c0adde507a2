"""SIP transactions over UDP (RFC 3261 section 17): each request sent until answered, and each
answer repeated when the request comes again."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from gateway.errors import PhoneTimeout
from gateway.lab.phones.resend import GIVE_UP, T1_S, Resend
from gateway.lab.phones.sip_message import Headers, Request, Response
from gateway.lab.phones.sip_transport import SipTransport
from gateway.lab.phones.stamp import Stamp
from gateway.lab.phones.trace import Trace
from gateway.lab.phones.udp import Address

OnResponse = Callable[[Response, Stamp], None]
_Key = tuple[str, str]


class TransactionUser(Protocol):
    """What the phone does with requests that are new."""

    def on_request(self, server: "ServerTransaction") -> None: ...

    def on_ack(self, ack: Request) -> None: ...

    def on_cancel(self, server: "ServerTransaction", invite: "ServerTransaction") -> None: ...


class ClientTransaction:
    """A request on its way. `on_response` sees every response; `final` is the last one.

    `final` raises PhoneTimeout when nothing came for 64 T1. After a 2xx to an INVITE, repeats of
    it still reach `on_response`, since each wants its own ACK.
    """

    def __init__(
        self, layer: "TransactionLayer", request: Request, to: Address, on_response: OnResponse
    ) -> None:
        self.request = request
        self._layer = layer
        self._to = to
        self._on_response = on_response
        self.final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.answered = False
        self.sent_at = self._send()
        invite = request.method == "INVITE"
        self._resend = Resend(self._send, self._expired, t1_s=layer.t1_s, capped=not invite)

    def received(self, response: Response, at: Stamp) -> None:
        invite = self.request.method == "INVITE"
        if response.status >= 200 or invite:
            self._resend.stop()
        if invite and response.status >= 300:
            self._layer.transport.send(self._ack(response), self._to)
        repeated = self.final.done() and response.status >= 300
        self.answered = True
        if response.status >= 200 and not self.final.done():
            self.final.set_result(response)
        if not repeated:
            self._on_response(response, at)

    def close(self) -> None:
        self._resend.stop()
        self.final.cancel()

    def cancel_request(self) -> Request:
        """Build the CANCEL of this INVITE (section 9.1)."""
        return self._same_hop("CANCEL", self.request.headers.get("to"))

    def _ack(self, response: Response) -> Request:
        return self._same_hop("ACK", response.headers.get("to"))

    def _same_hop(self, method: str, to: str) -> Request:
        old = self.request.headers
        headers = Headers([("via", old.get("via")), ("max-forwards", "70")])
        headers.add("from", old.get("from"))
        headers.add("to", to)
        headers.add("call-id", old.get("call-id"))
        headers.add("cseq", f"{self.request.cseq} {method}")
        for route in old.all("route"):
            headers.add("route", route)
        return Request(headers, method=method, uri=self.request.uri)

    def _send(self) -> Stamp:
        return self._layer.transport.send(self.request, self._to)

    def _expired(self) -> None:
        if not self.final.done():
            host, port = self._to
            self.final.set_exception(
                PhoneTimeout(f"no answer to {self.request.method} from {host}:{port}")
            )
            self.final.exception()  # asked for here: not everyone waits for it


class ServerTransaction:
    """A request that came. Repeats are answered by the layer with what was said last."""

    def __init__(
        self, layer: "TransactionLayer", request: Request, source: Address, at: Stamp
    ) -> None:
        self.request = request
        self.source = source
        self.at = at
        self._layer = layer
        self._last: Response | None = None
        self._resend: Resend | None = None
        self.completed = False

    def respond(
        self, response: Response, *, unacknowledged: Callable[[], None] = lambda: None
    ) -> Stamp:
        """Send `response`; a final one to an INVITE is repeated until the ACK.

        `unacknowledged` is called when that ACK never comes.
        """
        self._last = response
        self.completed = response.status >= 200
        at = self.repeat()
        if self.request.method == "INVITE" and self.completed:
            self._resend = Resend(self.repeat, unacknowledged, t1_s=self._layer.t1_s)
        assert at is not None
        return at

    def repeat(self) -> Stamp | None:
        return self._layer.transport.send(self._last, self.source) if self._last else None

    def acknowledged(self) -> None:
        self.close()

    def close(self) -> None:
        if self._resend is not None:
            self._resend.stop()


class TransactionLayer:
    """Matches what comes to what was sent; new requests go to the transaction user."""

    def __init__(self, host: str, trace: Trace, user: TransactionUser, t1_s: float = T1_S) -> None:
        self.t1_s = t1_s
        self._user = user
        self._clients: dict[_Key, ClientTransaction] = {}
        self._servers: dict[_Key, ServerTransaction] = {}
        self.transport = SipTransport(host, trace, self._message)

    def send(
        self, request: Request, to: Address, on_response: OnResponse = lambda _r, _at: None
    ) -> ClientTransaction:
        """Send `request` under a Via of its own (a CANCEL keeps that of its INVITE)."""
        if request.method != "CANCEL":
            self.add_via(request)
        self._forget_old()
        client = ClientTransaction(self, request, to, on_response)
        self._clients[request.branch, request.method] = client
        return client

    def add_via(self, request: Request) -> None:
        """Put our Via on top, with a branch of its own."""
        host, port = self.transport.address
        branch = "z9hG4bK" + secrets.token_hex(8)
        request.headers.put_first("via", f"SIP/2.0/UDP {host}:{port};rport;branch={branch}")

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        for server in self._servers.values():
            server.close()
        self._clients.clear()
        self._servers.clear()
        self.transport.close()

    def _message(self, message: Request | Response, source: Address, at: Stamp) -> None:
        if isinstance(message, Response):
            if client := self._clients.get((message.branch, message.cseq_method)):
                client.received(message, at)
            return
        self._request(message, source, at)

    def _request(self, request: Request, source: Address, at: Stamp) -> None:
        if request.method == "ACK":
            if refused := self._servers.get((request.branch, "INVITE")):
                refused.acknowledged()
            self._user.on_ack(request)
            return
        key = (request.branch, request.method)
        if known := self._servers.get(key):
            known.repeat()
            return
        self._forget_old()
        server = self._servers[key] = ServerTransaction(self, request, source, at)
        invite = self._servers.get((request.branch, "INVITE"))
        if request.method == "CANCEL" and invite is not None:
            self._user.on_cancel(server, invite)
        else:
            self._user.on_request(server)

    def _forget_old(self) -> None:
        """Drop transactions past their 64 T1; nobody repeats them any more."""
        oldest = time.monotonic_ns() - GIVE_UP * self.t1_s * 1e9
        for key, server in list(self._servers.items()):
            if server.completed and server.at.mono_ns < oldest:
                server.close()
                del self._servers[key]
        for key, client in list(self._clients.items()):
            if client.final.done() and client.sent_at.mono_ns < oldest:
                client.close()
                del self._clients[key]
