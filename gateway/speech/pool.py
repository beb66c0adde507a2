"""Recognisers on loan for one utterance at a time, so that few serve many legs.

Making one costs 10 ms, and a fresh one decodes at half the speed: the part of the word graph that
it needs is built up as it goes, and kept. A leg between utterances needs none.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.speech import metrics
from gateway.speech.port import Engine, Heard, Recogniser
from gateway.speech.text.spaces import plain

_IDLE_S = 120.0
"""A recogniser unused for so long is let go: most memory is needed at the busiest minute only."""


@dataclass
class Lent:
    """A recogniser with the milliseconds of audio it has taken since it was made."""

    recogniser: Recogniser
    fed_ms: float = 0.0
    since: float = 0.0
    """When it came back, by the pool's clock."""

    def accept(self, pcm: bytes, ms: float) -> Heard | None:
        self.fed_ms += ms
        return self.recogniser.accept(pcm)


class Pool:
    """Thread-safe. `recycle_s`: seconds of audio after which a recogniser is made anew."""

    def __init__(
        self,
        engine: Engine,
        *,
        recycle_s: float,
        clock: Callable[[], float] = time.monotonic,
        normalise: Callable[[str], str] = plain,
    ) -> None:
        """`normalise` writes a final's text for readers, in the thread that decoded it."""
        self.normalise = normalise
        self._engine = engine
        self._recycle_ms = recycle_s * 1000
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[Lent] = []

    @property
    def model_version(self) -> str:
        return self._engine.model_version

    def warm(self, count: int) -> None:
        """Make some beforehand, so that the first words of a rush are not late for it."""
        made = [self.take() for _ in range(count)]
        for lent in made:
            self.give(lent)

    def take(self) -> Lent:
        """Lend the recogniser used last, which knows most, or a new one; raises as the engine."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        lent = Lent(self._engine.recogniser())
        metrics.RECOGNISERS.inc()
        return lent

    def give(self, lent: Lent) -> None:
        """Take back a recogniser that has said its final, unless it is old: its memory grows."""
        lent.since = self._clock()
        with self._lock:
            if lent.fed_ms < self._recycle_ms:
                self._idle.append(lent)
            else:
                metrics.RECOGNISERS.dec()
            while self._idle and lent.since - self._idle[0].since > _IDLE_S:
                del self._idle[0]
                metrics.RECOGNISERS.dec()

    def lose(self, _lent: Lent) -> None:
        """One has failed, or was left in the middle of an utterance: it is not used again."""
        metrics.RECOGNISERS.dec()
