"""SIP over one UDP port: parses, counts what is malformed, and traces everything."""

from collections.abc import Callable

from gateway.errors import MalformedMessage
from gateway.lab.phones.sip_message import Message, Request, Response, parse
from gateway.lab.phones.stamp import Stamp
from gateway.lab.phones.trace import Trace
from gateway.lab.phones.udp import Address, open_port

OnMessage = Callable[[Request | Response, Address, Stamp], None]


class SipTransport:
    """Sends and receives SIP messages; `on_message` gets message, sender and time of arrival."""

    def __init__(self, host: str, trace: Trace, on_message: OnMessage) -> None:
        self._trace = trace
        self._on_message = on_message
        self._port = open_port(host, self._datagram)
        self.address = self._port.address
        self.malformed = 0

    def send(self, message: Message, to: Address) -> Stamp:
        """Send `message`; returns the moment before it left."""
        data = message.render()
        at = self._port.send(data, to)
        self._trace.add(at, "sent", to, data)
        return at

    def close(self) -> None:
        self._port.close()

    def _datagram(self, data: bytes, sender: Address, at: Stamp) -> None:
        if not data.strip(b"\r\n\0 "):
            return  # keep-alive (RFC 5626 section 3.5.1)
        try:
            message = parse(data)
        except MalformedMessage:
            self.malformed += 1
            self._trace.add(at, "malformed", sender, data)
            return
        self._trace.add(at, "received", sender, data)
        try:
            self._on_message(message, sender, at)
        except MalformedMessage:
            self.malformed += 1  # a header that is read only when needed
