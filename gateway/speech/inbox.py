"""Audio waiting for one leg's recogniser: stamped when it came, bounded, oldest dropped first."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.media.audiosocket_codec import BYTES_PER_MS
from gateway.speech import metrics

LIMIT_MS = 5000
STALL_MS = 300
"""No audio for longer than this is a gap."""
_AHEAD_MS = 500


@dataclass
class Gap:
    """Milliseconds of the call."""

    start_ms: float
    end_ms: float
    why: str


@dataclass(frozen=True)
class Chunk:
    pcm: bytes
    call_ms: float
    """When its first sample was spoken, from the start of the call."""
    arrived_s: float
    """Monotonic clock."""
    gap: Gap | None
    """What was not heard before it."""

    @property
    def ms(self) -> float:
        return len(self.pcm) / BYTES_PER_MS


class Inbox:
    """Frames are stamped one after the other, and anew by the clock where that drifts away."""

    def __init__(self, now_ms: float, monotonic: Callable[[], float]) -> None:
        """`now_ms`: milliseconds since the start of the call, now."""
        self._clock = monotonic
        self._zero_ms = now_ms - monotonic() * 1000
        self._chunks: deque[Chunk] = deque()
        self._next_ms: float | None = None
        self._last_s = monotonic()
        self._dropped: Gap | None = None
        self.queued_ms = 0.0

    @property
    def now_ms(self) -> float:
        """Milliseconds since the start of the call."""
        return self._zero_ms + self._clock() * 1000

    @property
    def silent_ms(self) -> float:
        """How long nothing has come."""
        return (self._clock() - self._last_s) * 1000

    def put(self, pcm: bytes) -> None:
        chunk = self._stamp(pcm)
        self._chunks.append(chunk)
        self.queued_ms += chunk.ms
        while self.queued_ms > LIMIT_MS:
            self._drop()

    def take(self, max_ms: float) -> list[Chunk]:
        """Return the oldest chunks, together at most `max_ms` (or one); stops before a gap."""
        taken: list[Chunk] = []
        total = 0.0
        while self._chunks:
            chunk = self._chunks[0]
            if taken and (total + chunk.ms > max_ms or chunk.gap):
                break
            taken.append(self._chunks.popleft())
            total += chunk.ms
        self.queued_ms -= total
        return taken

    def take_dropped(self) -> Gap | None:
        """Return what was dropped before the oldest chunk, once."""
        gap, self._dropped = self._dropped, None
        return gap

    def stalled(self) -> Gap | None:
        """Return the gap from the last audio to now, if there is one."""
        if self._next_ms is None or self.silent_ms <= STALL_MS:
            return None
        return Gap(self._next_ms, max(self.now_ms, self._next_ms), "no audio")

    def _stamp(self, pcm: bytes) -> Chunk:
        length = len(pcm) / BYTES_PER_MS
        spoken = self.now_ms - length
        gap, start = None, spoken if self._next_ms is None else self._next_ms
        if abs(spoken - start) > _AHEAD_MS or self.silent_ms > STALL_MS:
            if self._next_ms is not None and self.silent_ms > STALL_MS and spoken > start:
                gap = Gap(start, spoken, "no audio")
            start = spoken
        self._next_ms, self._last_s = start + length, self._clock()
        return Chunk(pcm, start, self._last_s, gap)

    def _drop(self) -> None:
        lost = self._chunks.popleft()
        self.queued_ms -= lost.ms
        metrics.DROPPED.inc()
        start = lost.gap.start_ms if lost.gap else lost.call_ms
        if self._dropped is None:
            self._dropped = Gap(start, start, "recognition behind")
        self._dropped.end_ms = max(self._dropped.end_ms, lost.call_ms + lost.ms)
