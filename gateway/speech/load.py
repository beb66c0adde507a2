"""How loaded a recognition worker is: whether one more stream would make the others late."""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from gateway.speech import metrics

LATE_S = 0.5
"""p95 of the last seconds' waits; above it nobody new is admitted, but for `FEW`."""
FEW = 4
"""So many are listened to in any case, if there is room: where words of one call are late, others
keep this machine busy, and to leave out one of its speakers would help nobody."""
_WINDOW_S = 5.0
_FULL = 0.85
"""Of the threads' time: speech comes in bursts."""
_TALK = 0.6
"""Share of a leg that is decoded, until it has been measured: half of it speech, and its edges."""
_UNMEASURED = 0.1
"""Seconds of work for a second of speech until the engine's speed has been measured: thrice what
is usual, so that callers who are on the line already need not wait for it."""
_OWN = 0.002
"""Seconds of work a second of a stream costs besides decoding."""
_EASY = 0.5
"""Share of the limit up to which words are shown as they are spoken."""
_EVIDENCE_S = 120.0
"""Stream-seconds after which what was measured counts."""
MOST = 1000


class Threads(Protocol):
    """What `turns.Turns` tells of itself."""

    threads: int
    busy_s: float

    @property
    def oldest(self) -> float | None: ...


class Load:
    """Use from one thread. `most`: streams at most; 0: as many as the speed allows."""

    def __init__(
        self,
        threads: Threads,
        *,
        most: int,
        decode_cost: float = _UNMEASURED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`decode_cost`: as `measured`, where it is known already."""
        self.easy = True
        """There is time to decode words as they are spoken; else utterances whole, which costs a
        third less: one recogniser, which knows most of the graph, takes one after the other."""
        self._threads = threads
        self._most = most or MOST
        self.measured(decode_cost)
        self._clock = clock
        self._waits: deque[tuple[float, float]] = deque()
        self._spent: deque[tuple[float, float]] = deque(maxlen=60)
        self._last_s, self._last_busy_s = clock(), 0.0

    def measured(self, decode_cost: float) -> None:
        """The engine takes `decode_cost` seconds of work for one second of speech."""
        self._prior = decode_cost * _TALK + _OWN

    def note(self, wait_s: float, *, leg_id: str = "", due_ms: float = 0.0) -> None:
        """Audio had its words `wait_s` after it came: of which leg, and up to where of its audio.

        Leg and place are for those who compare with what they sent.
        """
        del leg_id, due_ms
        metrics.WAIT.observe(wait_s)
        self._waits.append((self._clock(), wait_s))
        self._forget()

    @property
    def wait_s(self) -> float:
        """p95 of the last seconds, or how long somebody has been waiting now."""
        self._forget()
        waits = sorted(wait for _, wait in self._waits)
        now = waits[math.ceil(len(waits) * 0.95) - 1] if waits else 0.0
        oldest = self._threads.oldest
        return now if oldest is None else max(now, self._clock() - oldest)

    @property
    def cost(self) -> float:
        """Seconds of work a second of a stream costs: measured, else expected."""
        streams_s = sum(streams for _, streams in self._spent)
        if streams_s < _EVIDENCE_S:
            return self._prior
        # Legs that begin with silence are not believed altogether.
        return max(sum(busy for busy, _ in self._spent) / streams_s, self._prior / 2)

    @property
    def limit(self) -> int:
        """How many streams there can be."""
        return max(1, min(self._most, int(_FULL * self._threads.threads / self.cost)))

    def room(self, streams: int) -> int:
        """How many more than `streams` can be taken now."""
        wait_s = self.wait_s
        self.easy = streams < _EASY * self.limit and wait_s <= LATE_S / 2
        limit = self.limit if wait_s <= LATE_S else min(FEW, self.limit)
        return max(0, limit - streams)

    def tick(self, streams: int) -> None:
        """Take note of the work done since the last tick; call about once a second."""
        now, busy = self._clock(), self._threads.busy_s
        if now > self._last_s:
            self._spent.append((busy - self._last_busy_s, streams * (now - self._last_s)))
        self._last_s, self._last_busy_s = now, busy
        self.room(streams)
        metrics.LIMIT.set(self.limit)
        metrics.P95_WAIT.set(self.wait_s)

    def _forget(self) -> None:
        before = self._clock() - _WINDOW_S
        while self._waits and self._waits[0][0] < before:
            self._waits.popleft()
