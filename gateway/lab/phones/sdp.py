"""SDP offers and answers for one A-law stream with telephone-event (RFC 4566, RFC 3264)."""

from dataclasses import dataclass

from gateway.errors import MalformedMessage

PCMA = 8
"""Static payload type of A-law at 8 kHz (RFC 3551)."""
EVENTS = 101
"""Payload type we offer for telephone-event; the one agreed may differ."""

_MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly"}


@dataclass(frozen=True)
class MediaDescription:
    """The other side's audio stream. `event_type` is None when it takes no telephone-event."""

    host: str
    port: int
    payload_types: tuple[int, ...]
    event_type: int | None
    direction: str = "sendrecv"

    @property
    def takes_alaw(self) -> bool:
        return PCMA in self.payload_types and self.port != 0

    @property
    def wants_audio(self) -> bool:
        """Whether the other side will listen."""
        return self.direction in ("sendrecv", "recvonly")


def build(
    host: str,
    port: int,
    *,
    session_id: int,
    version: int,
    remote: MediaDescription | None = None,
    direction: str = "sendrecv",
) -> bytes:
    """Write an offer or, with `remote`, the answer to it, whose direction mirrors the offer's."""
    event_type: int | None = EVENTS
    if remote is not None:
        event_type = remote.event_type
        direction = _MIRROR.get(remote.direction, "inactive")
    types = [str(PCMA)] + ([str(event_type)] if event_type is not None else [])
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(types)}",
        f"a=rtpmap:{PCMA} PCMA/8000",
    ]
    if event_type is not None:
        lines += [f"a=rtpmap:{event_type} telephone-event/8000", f"a=fmtp:{event_type} 0-16"]
    lines += ["a=ptime:20", f"a={direction}", ""]
    return "\r\n".join(lines).encode()


def parse(body: bytes) -> MediaDescription:
    """Read the first audio stream. Raises MalformedMessage."""
    host, port, direction = "", -1, "sendrecv"
    types: tuple[int, ...] = ()
    event_type: int | None = None
    in_audio = False
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.partition("=")
        if kind == "m":
            if port >= 0:
                break
            in_audio = value.startswith("audio ")
            if in_audio:
                port, types = _media_line(value)
        elif kind == "c" and (in_audio or not host):
            host = value.split()[-1] if value.split() else ""
        elif kind == "a":
            if value in ("sendrecv", "sendonly", "recvonly", "inactive"):
                direction = value
            elif in_audio and value.lower().endswith("telephone-event/8000"):
                event_type = _rtpmap_type(value)
    if port < 0 or not host:
        raise MalformedMessage("SDP has no audio stream with an address")
    return MediaDescription(host, port, types, event_type, direction)


def _media_line(value: str) -> tuple[int, tuple[int, ...]]:
    fields = value.split()
    if len(fields) < 4 or not all(f.isdecimal() for f in (fields[1], *fields[3:])):
        raise MalformedMessage(f"bad media line {value[:60]!r}")
    return int(fields[1]), tuple(int(f) for f in fields[3:])


def _rtpmap_type(value: str) -> int | None:
    number = value.removeprefix("rtpmap:").split()[0]
    return int(number) if number.isdecimal() else None
