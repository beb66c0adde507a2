"""RTP packets (RFC 3550 section 5.1)."""

import secrets
import struct
from typing import NamedTuple

HEADER = struct.Struct("!BBHII")
VERSION_2 = 0x80
FRAME_MS = 20
FRAME_SAMPLES = 160
"""20 ms at 8 kHz: samples, timestamp steps and A-law bytes alike."""


class RtpPacket(NamedTuple):
    payload_type: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    payload: bytes


def unpack(data: bytes) -> RtpPacket | None:
    """Read one datagram; None for RTCP (RFC 5761 section 4) and for what is not RTP."""
    if len(data) < HEADER.size:
        return None
    first, second, seq, timestamp, ssrc = HEADER.unpack_from(data)
    if first & 0xC0 != VERSION_2 or 192 <= second <= 223:
        return None
    start = HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if end < start:
        return None
    return RtpPacket(second & 0x7F, bool(second & 0x80), seq, timestamp, ssrc, data[start:end])


class RtpWriter:
    """Numbers the packets of one outgoing stream. The timestamp moves with `advance` alone."""

    def __init__(self) -> None:
        self.ssrc = secrets.randbits(32)
        self.timestamp = secrets.randbits(32)
        self._seq = secrets.randbits(15)
        self.packets = 0

    def advance(self, samples: int = FRAME_SAMPLES) -> None:
        self.timestamp = (self.timestamp + samples) & 0xFFFFFFFF

    def pack(
        self,
        payload_type: int,
        payload: bytes,
        *,
        marker: bool = False,
        timestamp: int | None = None,
    ) -> bytes:
        """Return the next packet; `timestamp` is given for events, which keep their start's."""
        self._seq = (self._seq + 1) & 0xFFFF
        self.packets += 1
        when = self.timestamp if timestamp is None else timestamp
        kind = payload_type | (0x80 if marker else 0)
        return HEADER.pack(VERSION_2, kind, self._seq, when, self.ssrc) + payload
