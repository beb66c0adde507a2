"""Keys as RTP telephone-events (RFC 4733): what a phone sends when a key is pressed."""

import asyncio
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.errors import PhoneError
from gateway.lab.phones.rtp import FRAME_MS, FRAME_SAMPLES
from gateway.lab.phones.stamp import Stamp

SYMBOLS = "0123456789*#ABCD"
"""Event codes 0 to 15 (RFC 4733 section 3.2)."""
END_PACKETS = 3
_EVENT = struct.Struct("!BBH")
_END_BIT = 0x80
_VOLUME = 10


@dataclass(frozen=True)
class KeyPress:
    """Digits as they left. `at` is when the first end packet of the last digit was sent."""

    digits: str
    ends: tuple[Stamp, ...]
    """The first end packet of each digit."""

    @property
    def at(self) -> Stamp:
        return self.ends[-1]


class EventPacket(NamedTuple):
    """One packet to send: `timestamp` is the start of the event, whichever packet it is."""

    payload: bytes
    timestamp: int
    marker: bool
    first_end: bool


class HeardEvent(NamedTuple):
    symbol: str
    end: bool
    duration: int
    """Timestamp units (8 per millisecond)."""


@dataclass
class _Job:
    digits: str
    tone_frames: int
    gap_frames: int
    done: asyncio.Future[KeyPress]
    ends: list[Stamp] = field(default_factory=list)


class KeySender:
    """Turns presses into one packet per 20 ms tick, in the order they were asked for."""

    def __init__(self) -> None:
        self._jobs: deque[_Job] = deque()
        self._job: _Job | None = None
        self._digit = 0
        self._frame = 0
        self._start = 0

    def press(self, digits: str, tone_ms: int, gap_ms: int) -> asyncio.Future[KeyPress]:
        """Queue `digits`; times are rounded up to 20 ms. Raises PhoneError on an unknown key."""
        if not digits or any(digit not in SYMBOLS for digit in digits):
            raise PhoneError(f"cannot press {digits!r}: keys are {SYMBOLS}")
        tone, gap = (-(-ms // FRAME_MS) for ms in (tone_ms, gap_ms))
        # The repeats of the end packet take two ticks: a shorter gap would run into them.
        job = _Job(
            digits,
            max(tone, 1),
            max(gap, END_PACKETS - 1),
            asyncio.get_running_loop().create_future(),
        )
        self._jobs.append(job)
        return job.done

    def next_packet(self, timestamp: int) -> EventPacket | None:
        """Return this tick's packet, or None when the tick belongs to audio."""
        if self._job is None:
            if not self._jobs:
                return None
            self._job, self._digit, self._frame = self._jobs.popleft(), 0, 0
        job, symbol, frame = self._job, self._job.digits[self._digit], self._frame
        if frame == 0:
            self._start = timestamp
        self._move_on(job)
        last = job.tone_frames - 1
        if frame > last + END_PACKETS - 1:
            return None
        payload = encode_event(symbol, frame >= last, min(frame, last) + 1)
        return EventPacket(payload, self._start, marker=frame == 0, first_end=frame == last)

    def sent_end(self, at: Stamp) -> None:
        """Note that a first end packet left at `at`."""
        job = self._job
        assert job is not None, "the gap keeps a job alive past its last end packet"
        job.ends.append(at)
        if len(job.ends) == len(job.digits) and not job.done.done():
            job.done.set_result(KeyPress(job.digits, tuple(job.ends)))

    def close(self) -> None:
        """Fail what was not pressed yet."""
        for job in (*self._jobs, *([self._job] if self._job else [])):
            if not job.done.done():
                job.done.set_exception(PhoneError(f"the call ended before {job.digits} was out"))
        self._jobs.clear()
        self._job = None

    def _move_on(self, job: _Job) -> None:
        self._frame += 1
        if self._frame < job.tone_frames + job.gap_frames:
            return
        self._digit, self._frame = self._digit + 1, 0
        if self._digit == len(job.digits):
            self._job = None


def encode_event(symbol: str, end: bool, frames: int) -> bytes:
    """Write the payload of an event that has lasted `frames` of 20 ms."""
    flags = _VOLUME | (_END_BIT if end else 0)
    return _EVENT.pack(SYMBOLS.index(symbol), flags, min(frames * FRAME_SAMPLES, 0xFFFF))


def decode_event(payload: bytes) -> HeardEvent | None:
    """Read an event payload; None when it is none or not a key."""
    if len(payload) < _EVENT.size:
        return None
    code, flags, duration = _EVENT.unpack_from(payload)
    if code >= len(SYMBOLS):
        return None
    return HeardEvent(SYMBOLS[code], bool(flags & _END_BIT), duration)
