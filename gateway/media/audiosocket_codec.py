"""AudioSocket frames: type (1 byte), length (2 bytes, big endian), payload.

Source: Asterisk documentation, "AudioSocket", and include/asterisk/res_audiosocket.h (22.x).
Audio is signed linear 16-bit, little endian, mono.
"""

from dataclasses import dataclass
from enum import IntEnum
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


@dataclass(frozen=True)
class Frame:
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
        self._rest += data
        frames, at = [], 0
        while len(self._rest) - at >= _HEADER:
            size = int.from_bytes(self._rest[at + 1 : at + _HEADER], "big")
            _check(self._rest[at], size)
            end = at + _HEADER + size
            if len(self._rest) < end:
                break
            frames.append(Frame(FrameType(self._rest[at]), self._rest[at + _HEADER : end]))
            at = end
        self._rest = self._rest[at:]
        return frames


def _check(kind: int, size: int) -> None:
    """Judge a header before its payload has come, so that nonsense is never collected."""
    if kind in _OTHER_RATES:
        raise FrameError(f"{_OTHER_RATES[kind]} audio; originate the tap with c(slin16)")
    if kind not in FrameType.__members__.values():
        raise FrameError(f"unknown frame type 0x{kind:02x}")
    if kind == FrameType.UUID and size != _UUID_BYTES:
        raise FrameError(f"uuid of {size} bytes; it has 16")
    if kind == FrameType.AUDIO_16K and size % 2:
        raise FrameError(f"{size} bytes of audio is not a whole number of 16-bit samples")
