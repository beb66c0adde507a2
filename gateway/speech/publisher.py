"""Speech events on their way to Redis; waiting, bounded, while Redis is away."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.calls.facts import GapMarked, UtteranceHeard
from gateway.live import names
from gateway.log import get
from gateway.speech import metrics
from gateway.speech.port import PartialHeard, SpeechEvent, speech_event

log = get("speech")

STREAM_LENGTH = 50_000
_BATCH = 64


class EventLog(Protocol):
    async def append(self, events: Sequence[str]) -> None:
        """Append JSON events in order, all or none; raises RedisError or OSError."""
        ...


class RedisEventLog:
    """The stream `names.SPEECH`. After an error the same events may come a second time."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def append(self, events: Sequence[str]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            for event in events:
                pipe.xadd(names.SPEECH, {"event": event}, maxlen=STREAM_LENGTH, approximate=True)
            await pipe.execute()


@dataclass(frozen=True)
class _Waiting:
    event: SpeechEvent
    spoken_at: float | None


class Publisher:
    """`publish` never waits; `run` sends. At-least-once and in order, as long as there is room."""

    def __init__(
        self, log_: EventLog, *, room: int = 5000, backoff_s: tuple[float, float] = (0.1, 2.0)
    ) -> None:
        self.last_lag_s: float | None = None
        self.words = asyncio.Event()
        """Somebody's words have come."""
        self._log = log_
        self._room = room
        self._backoff_s = backoff_s
        self._waiting: deque[_Waiting] = deque()
        self._sending = 0
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def publish(self, event: SpeechEvent, spoken_at: float | None = None) -> None:
        """Queue `event`; `spoken_at`: monotonic time when the end of its speech arrived."""
        if isinstance(event, PartialHeard | UtteranceHeard):
            self.words.set()
        self._waiting.append(_Waiting(event, spoken_at))
        while len(self._waiting) > self._room and self._make_room():
            pass
        metrics.UNPUBLISHED.set(len(self._waiting))
        self._empty.clear()
        self._wake.set()

    async def drain(self, timeout_s: float) -> bool:
        """Wait until everything is sent; False when that took too long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        if self._waiting:
            log.error("speech.unpublished", events=len(self._waiting))
        return not self._waiting

    async def run(self) -> None:
        """Send for ever."""
        pause = self._backoff_s[0]
        while True:
            await self._wake.wait()
            try:
                await self._send()
                pause = self._backoff_s[0]
            except (RedisError, OSError) as error:
                log.warning("speech.redis_away", error=type(error).__name__, held=self.waiting)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._backoff_s[1])
            finally:
                self._sending = 0

    async def _send(self) -> None:
        batch = [self._waiting[i] for i in range(min(_BATCH, len(self._waiting)))]
        self._sending = len(batch)
        await self._log.append([speech_event.dump_json(item.event).decode() for item in batch])
        for item in batch:
            self._waiting.popleft()
            self._sent(item)
        metrics.UNPUBLISHED.set(len(self._waiting))
        if not self._waiting:
            self._wake.clear()
            self._empty.set()

    def _sent(self, item: _Waiting) -> None:
        if isinstance(item.event, PartialHeard):
            metrics.PARTIALS.inc()
        elif isinstance(item.event, UtteranceHeard):
            metrics.FINALS.inc()
            if item.spoken_at is not None:
                self.last_lag_s = time.monotonic() - item.spoken_at
                metrics.LAG.observe(self.last_lag_s)

    def _make_room(self) -> bool:
        """Give up a partial, else turn the oldest utterance into a gap; False: nothing can go."""
        held = range(self._sending, len(self._waiting))
        for kind in (PartialHeard, UtteranceHeard):
            for index in held:
                event = self._waiting[index].event
                if isinstance(event, kind):
                    metrics.DISCARDED.labels(event.kind).inc()
                    self._give_up(index, event)
                    return True
        return False

    def _give_up(self, index: int, event: PartialHeard | UtteranceHeard) -> None:
        if isinstance(event, PartialHeard):
            del self._waiting[index]
            return
        gap = GapMarked(
            call_id=event.call_id,
            leg_id=event.leg_id,
            start_ms=event.start_ms,
            end_ms=event.end_ms,
            why="not published",
        )
        for earlier in range(self._sending, index):
            if _same_gap(self._waiting[earlier].event, gap):
                item = self._waiting[earlier]
                wider = item.event.model_copy(update={"end_ms": gap.end_ms})
                self._waiting[earlier] = replace(item, event=wider)
                del self._waiting[index]
                return
        self._waiting[index] = _Waiting(gap, None)


def _same_gap(event: SpeechEvent, gap: GapMarked) -> bool:
    return (
        isinstance(event, GapMarked)
        and event.leg_id == gap.leg_id
        and event.why == gap.why
        and event.end_ms <= gap.start_ms
    )
