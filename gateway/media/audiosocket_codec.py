"""AudioSocket frames: type (1 byte), length (2 bytes, big endian), payload.

Source: Asterisk documentation, "AudioSocket", and include/asterisk/res_audiosocket.h (22.x).
Audio is signed linear 16-bit, little endian, mono.
"""

from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from gateway.errors import FrameError

SAMPLE_RATE = 16_000
BYTES_PER_MS = SAMPLE_RATE * 2 // 1000
FRAME_MS = 20

_HEADER = 3
_UUID_BYTES = 16
_OTHER_RATES = {0x10: "8 kHz", 0x11: "12 kHz"} | {
    0x13 + i: f"{rate} kHz" for i, rate in enumerate((24, 32, 44.1, 48, 96, 192))
}


class FrameType(IntEnum):
    HANGUP = 0x00
    UUID = 0x01
    DTMF = 0x03
    AUDIO_16K = 0x12
    ERROR = 0xFF


_KINDS = {int(kind): kind for kind in FrameType}


class Frame(NamedTuple):
    type: FrameType
    payload: bytes

    @property
    def uuid(self) -> str:
        """The tap's uuid in canonical text; only for UUID frames."""
        return str(UUID(bytes=self.payload))


def encode(type_: FrameType, payload: bytes = b"") -> bytes:
    """Return one frame; `payload` is at most 65535 bytes."""
    if len(payload) > 0xFFFF:
        raise FrameError(f"payload of {len(payload)} bytes; one frame carries at most 65535")
    return bytes((type_,)) + len(payload).to_bytes(2, "big") + payload


SILENCE = encode(FrameType.AUDIO_16K, bytes(FRAME_MS * BYTES_PER_MS))
"""20 ms of digital silence, ready to send."""


class Decoder:
    """Cuts a byte stream into frames; holds at most one unfinished frame (65538 bytes)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes; raises FrameError on the first bad one."""
        rest = self._rest + data if self._rest else data
        frames: list[Frame] = []
        at, have = 0, len(rest)
        while have - at >= _HEADER:
            size = rest[at + 1] << 8 | rest[at + 2]
            kind = _kind(rest[at], size)
            end = at + _HEADER + size
            if have < end:
                break
            frames.append(Frame(kind, rest[at + _HEADER : end]))
            at = end
        self._rest = rest[at:]
        return frames


def _kind(code: int, size: int) -> FrameType:
    """Judge a header before its payload has come, so that nonsense is never collected."""
    kind = _KINDS.get(code)
    if kind is None:
        raise FrameError(
            f"{_OTHER_RATES[code]} audio; originate the tap with c(slin16)"
            if code in _OTHER_RATES
            else f"unknown frame type 0x{code:02x}"
        )
    if kind is FrameType.AUDIO_16K and size % 2:
        raise FrameError(f"{size} bytes of audio is not a whole number of 16-bit samples")
    if kind is FrameType.UUID and size != _UUID_BYTES:
        raise FrameError(f"uuid of {size} bytes; it has 16")
    return kind
