"""SIP messages on the wire (RFC 3261 section 7): parse what comes, render what goes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.errors import MalformedMessage
from gateway.lab.phones.sip_address import NameAddr, parse_name_addr, parse_params, split_list

_COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "k": "supported", "s": "subject", "r": "refer-to", "b": "referred-by",
    "x": "session-expires", "o": "event", "u": "allow-events",
}  # fmt: skip
_ODD_NAMES = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate"}
_NEEDED = ("via", "from", "to", "call-id", "cseq")
_START_REQUEST = re.compile(r"^([A-Z]+) (\S+) SIP/2\.0$")
_START_RESPONSE = re.compile(r"^SIP/2\.0 (\d{3})(?: (.*))?$")


class Headers:
    """Header fields in order; names compare without case and in their long form."""

    def __init__(self, fields: list[tuple[str, str]] | None = None) -> None:
        self._fields = [(_canonical(name), value) for name, value in fields or []]

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of `name`."""
        wanted = _canonical(name)
        return next((value for key, value in self._fields if key == wanted), default)

    def all(self, name: str) -> list[str]:
        """Return every value of `name`, in order."""
        wanted = _canonical(name)
        return [value for key, value in self._fields if key == wanted]

    def lists(self, name: str) -> list[str]:
        """Return every value of `name` with comma-separated values taken apart."""
        return [part for value in self.all(name) for part in split_list(value)]

    def add(self, name: str, value: str) -> None:
        if re.search(r"[\r\n]", value):
            raise MalformedMessage(f"header {name} must not hold a line break")
        self._fields.append((_canonical(name), value))

    def put_first(self, name: str, value: str) -> None:
        self._fields.insert(0, (_canonical(name), value))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)


@dataclass
class Message:
    """What requests and responses share."""

    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def call_id(self) -> str:
        return self.headers.get("call-id")

    @property
    def cseq(self) -> int:
        return int(self.headers.get("cseq").split()[0])

    @property
    def cseq_method(self) -> str:
        return self.headers.get("cseq").split()[1]

    @property
    def from_(self) -> NameAddr:
        return parse_name_addr(self.headers.get("from"))

    @property
    def to(self) -> NameAddr:
        return parse_name_addr(self.headers.get("to"))

    @property
    def branch(self) -> str:
        """Branch of the topmost Via."""
        vias = self.headers.lists("via")
        return parse_params(vias[0].partition(";")[2]).get("branch", "") if vias else ""

    @property
    def contact_uri(self) -> str:
        contacts = self.headers.lists("contact")
        return parse_name_addr(contacts[0]).uri if contacts else ""

    def start_line(self) -> str:
        raise NotImplementedError

    def render(self) -> bytes:
        """Return the datagram, Content-Length included."""
        lines = [self.start_line()]
        fields = [field for field in self.headers if field[0] != "content-length"]
        lines += [f"{_written(name)}: {value}" for name, value in fields]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        # Lone surrogates stand for bytes that are no UTF-8, for those who want to send them.
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


@dataclass
class Request(Message):
    method: str = ""
    uri: str = ""

    def start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"


@dataclass
class Response(Message):
    status: int = 0
    reason: str = ""

    def start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"


def parse(data: bytes) -> Request | Response:
    """Read one datagram. Raises MalformedMessage, which says what is wrong."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise MalformedMessage("no empty line after the headers")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
    headers = Headers([_field(line) for line in lines[1:]])
    message = _start(lines[0], headers)
    message.body = _body(headers, body)
    _check(message)
    return message


def respond(
    request: Request, status: int, *, to_tag: str = "", reason: str | None = None
) -> Response:
    """Start the response to `request` (RFC 3261 section 8.2.6.2), with `to_tag` if To has none."""
    headers = Headers([("via", via) for via in request.headers.all("via")])
    to = request.headers.get("to")
    if to_tag and not request.to.tag:
        to += f";tag={to_tag}"
    headers.add("from", request.headers.get("from"))
    headers.add("to", to)
    headers.add("call-id", request.call_id)
    headers.add("cseq", request.headers.get("cseq"))
    for route in request.headers.all("record-route"):
        headers.add("record-route", route)
    return Response(headers, status=status, reason=reason or REASONS.get(status, "Status"))


REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted",
    400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
    486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
    491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented",
    503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline",
}  # fmt: skip


def _canonical(name: str) -> str:
    lower = name.strip().lower()
    return _COMPACT.get(lower, lower)


def _written(name: str) -> str:
    return _ODD_NAMES.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def _field(line: str) -> tuple[str, str]:
    name, separator, value = line.partition(":")
    if not separator or not name.strip():
        raise MalformedMessage(f"not a header: {line[:80]!r}")
    return name, value.strip()


def _start(line: str, headers: Headers) -> Request | Response:
    if match := _START_REQUEST.match(line):
        return Request(headers, method=match[1], uri=match[2])
    if match := _START_RESPONSE.match(line):
        return Response(headers, status=int(match[1]), reason=match[2] or "")
    raise MalformedMessage(f"not a SIP start line: {line[:80]!r}")


def _body(headers: Headers, body: bytes) -> bytes:
    declared = headers.get("content-length")
    if not declared:
        return body
    if not declared.isdecimal() or int(declared) > len(body):
        raise MalformedMessage(f"Content-Length {declared!r}, but {len(body)} bytes came")
    return body[: int(declared)]


def _check(message: Message) -> None:
    for name in _NEEDED:
        if not message.headers.get(name):
            raise MalformedMessage(f"no {_written(name)} header")
    if not re.match(r"^\d{1,10}\s+[A-Z]+$", message.headers.get("cseq")):
        raise MalformedMessage(f"bad CSeq {message.headers.get('cseq')[:40]!r}")
    if not message.branch:
        raise MalformedMessage("no branch in the topmost Via")
    _ = message.from_, message.to
