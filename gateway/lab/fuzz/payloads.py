"""What strangers send: texts that mean something to a dialplan, to AMI, to SIP. Pure."""

import random
from collections.abc import Iterator

MARK = "LdForged"
"""Turns up as a header, a variable or an event where a text was read as more than a text."""
OUTSIDE = "00861234567"
"""A number that the lab's line to the world outside would take."""

TEXTS = (
    f"a\r\n{MARK}: yes",
    f"a\r\n\r\nEvent: {MARK}\r\nX: y",
    "a\0b",
    "\udcff\udcfe\udce5\udcbc",
    "😀👮‍♀️",
    "\u202e张三\u0000",
    "%s%n%x%0d%0a%00",
    f'" | "1" = "1" & "{MARK}',
    f"1,{MARK}: yes",
    f"1^{MARK}=1^x",
    f"1)^{MARK}=1",
    f"${{GLOBAL({MARK})}}",
    f"${{SET({MARK}=1)}}",
    "${SHELL(id)}",
    "$[1/0]",
    "x:0:1):0:1",
    f"1):0:1\r\n{MARK}: yes",
    "a|b;c=d&e",
    "<sip:x@y>;tag=1",
    "../../../etc/passwd",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "all",
    "/.*/",
)
"""The lone surrogates stand for bytes that are no UTF-8."""

CALL_FORGED = (
    "\r\n\r\nEvent: UserEvent\r\nUserEvent: LiandongCall\r\nCall: ld-1\r\nUniqueid: 1\r\n\r\n"
)
"""Dialled, it is an event of its own in what the switch tells: a call of no centre."""

FRAUD = (
    OUTSIDE,
    f"+{OUTSIDE[2:]}",
    "700861234567",
    "*7" + OUTSIDE,
    "16812345678",
    "13800138000",
    "s",
    "h",
    "i",
    "liandong-key",
    f"110{OUTSIDE}",
    "110,1",
    "110@outside",
    f"110&PJSIP/{OUTSIDE}@carrier",
    f"110%0d%0a{MARK}:%20yes",
    f"110,{MARK}:%20yes",
    "110;ext=9",
    '110"',
    "${EXTEN}",
    "110)^X=1",
    "1101101101101",
)
"""What a phone, a page or a program would transfer to."""

KEYS = ("*700861234", f"*7{OUTSIDE}#", f"*{OUTSIDE}", f"#{OUTSIDE}", "*8", "**1", "*799", "*112")
"""Feature codes that are none."""


def texts(rng: random.Random, many: int) -> Iterator[str]:
    """All of TEXTS once, then mixtures of their pieces, over-long ones among them."""
    yield from TEXTS[:many]
    for _ in range(many - len(TEXTS)):
        pieces = [rng.choice(TEXTS) for _ in range(rng.choice((2, 3, 40)))]
        yield "".join(piece[: rng.randint(1, 30)] for piece in pieces)


def one_line(text: str) -> str:
    """The text without what would end a SIP header: that would be another header, no abuse."""
    return text.replace("\r", "").replace("\n", "")


def user_part(text: str) -> str:
    """The text as the user part of a SIP URI, escaped where it must be (RFC 3261, 19.1.2)."""
    safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/"
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(b) if chr(b) in safe else f"%{b:02x}" for b in raw)


def datagrams(rng: random.Random, many: int, host: str) -> Iterator[bytes]:
    """What is no SIP, or nearly: cut, lengthened, with bytes changed, with lengths that lie."""
    for _ in range(many):
        yield rng.choice(_MANGLE)(rng, _request(rng, host))


def _request(rng: random.Random, host: str) -> bytes:
    method = rng.choice(("INVITE", "REGISTER", "OPTIONS", "REFER", "NOTIFY", "INFO", "CANCEL", "X"))
    tag = f"{rng.getrandbits(32):x}"
    text = one_line(rng.choice(TEXTS))
    lines = (
        f"{method} sip:{user_part(text)}@{host} SIP/2.0",
        f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{tag}",
        f'From: "{text}" <sip:city@{host}>;tag={tag}',
        f"To: <sip:12345@{host}>",
        f"Call-ID: {tag}@{text}",
        f"CSeq: {rng.choice((1, -1, 2**32, 2**70))} {method}",
        f"User-to-User: {text};encoding=hex",
        f"X-Liandong-Urgent: {text}",
        f"Content-Length: {rng.choice((0, -1, 5, 10**9))}",
        "",
        "",
    )
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(1, len(data))]


def _changed(rng: random.Random, data: bytes) -> bytes:
    other = bytearray(data)
    for _ in range(rng.randint(1, 12)):
        other[rng.randrange(len(other))] = rng.randrange(256)
    return bytes(other)


def _long(rng: random.Random, data: bytes) -> bytes:
    head, line, tail = data.partition(b"\r\n")
    filler = rng.choice((b"X: " + b"a" * 8000, b"Via: SIP/2.0/UDP h\r\n" * 200, b"From: " * 900))
    return (head + line + filler + b"\r\n" + tail)[:60_000]


def _noise(rng: random.Random, data: bytes) -> bytes:
    return rng.randbytes(len(data))


_MANGLE = (_cut, _changed, _long, _noise, lambda _rng, data: data)
