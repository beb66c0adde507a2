"""One tap being listened to: from its frames to its speech events."""

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.calls.facts import GapMarked, SpeechClosed
from gateway.log import get
from gateway.media.audiosocket_codec import BYTES_PER_MS
from gateway.speech import metrics
from gateway.speech.ear import WHOLE_MS, Ear, Said, Work
from gateway.speech.inbox import STALL_MS, Chunk, Gap, Inbox
from gateway.speech.load import Load
from gateway.speech.pool import Pool
from gateway.speech.port import SpeechEvent, TapGrant
from gateway.speech.transcript import Timeline, Transcript
from gateway.speech.turns import Turns

log = get("speech")

Publish = Callable[[SpeechEvent, float | None], None]
"""Publishes an event; for a final, the monotonic time at which the end of speech arrived."""

_LOOK_MS = 100
"""Audio is looked at in pieces of at least so much."""
_MOST_MS = 2000
"""Audio taken at a time at most: under load, all that has come meanwhile."""
_GAP_SILENCE_MS = 1200
"""Silence fed for a gap, at most: enough for any endpoint, and no work for a quiet leg."""
_CRASHES = 3
"""So many in a row and the leg is given up."""


@dataclass(frozen=True)
class Hearing:
    """What all streams of a worker share."""

    pool: Pool
    turns: Turns
    load: Load
    batch_ms: int


class Stream:
    """A `Sink`: `audio` and `close` return at once, `run` does the work until all is said."""

    def __init__(self, grant: TapGrant, hearing: Hearing, publish: Publish) -> None:
        self.grant = grant
        self._hearing = hearing
        self._publish = publish
        self._ear = Ear(hearing.pool, batch_ms=hearing.batch_ms)
        self._timeline = Timeline()
        self._transcript = Transcript(grant, hearing.pool.model_version, self._timeline)
        self._inbox = Inbox(time.time() * 1000 - grant.call_started_ms, time.monotonic)
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=1500)
        self._wake = asyncio.Event()
        self._closed = False
        self._silence_ms = 0.0
        self._crashes = 0
        self._deaf_from: float | None = None

    def audio(self, pcm: bytes) -> None:
        self._inbox.put(pcm)
        if self._inbox.queued_ms >= _LOOK_MS:
            self._wake.set()

    def close(self, why: str) -> None:
        self._closed = True
        self._wake.set()
        log.info("speech.tap_closed", leg=self.grant.leg_id, why=why)

    async def run(self) -> None:
        """Listen until closed; the last event is always one SpeechClosed."""
        try:
            while await self._more():
                await self._step()
            if gap := self._inbox.stalled():
                self._mark(gap)
            await self._decode(self._ear.finish, [])
            if self._deaf_from is not None:
                self._mark(Gap(self._deaf_from, self._inbox.now_ms, "recogniser failed"))
        finally:
            self._publish(SpeechClosed(call_id=self.grant.call_id, leg_id=self.grant.leg_id), None)

    async def _more(self) -> bool:
        """Wait for some audio, or for its time; False when closed and everything was heard."""
        if not self._closed and self._inbox.queued_ms < _LOOK_MS:
            self._wake.clear()
            try:
                async with asyncio.timeout(STALL_MS / 1000):
                    await self._wake.wait()
            except TimeoutError:
                pass
        return not self._closed or self._inbox.queued_ms > 0

    async def _step(self) -> None:
        if gap := self._inbox.take_dropped():
            self._mark(gap)
            await self._feed_silence(gap.end_ms - gap.start_ms)
        chunks = self._inbox.take(_MOST_MS)
        if chunks:
            await self._feed(chunks)
        elif self._arrivals and self._inbox.silent_ms > STALL_MS:
            await self._feed_silence(STALL_MS)

    async def _feed(self, chunks: list[Chunk]) -> None:
        if gap := chunks[0].gap:
            self._mark(gap)
        fed = self._ear.fed_ms
        for chunk in chunks:
            self._timeline.mark(fed, chunk.call_ms)
            fed += chunk.ms
            self._arrivals.append((fed, chunk.arrived_s))
        self._silence_ms = 0.0
        await self._hear(b"".join(chunk.pcm for chunk in chunks))

    async def _feed_silence(self, ms: float) -> None:
        """Feed silence for audio that was not heard, up to what an endpoint needs."""
        ms = min(ms, _GAP_SILENCE_MS - self._silence_ms)
        if ms >= 1:
            self._silence_ms += ms
            await self._hear(bytes(round(ms) * BYTES_PER_MS))

    async def _hear(self, pcm: bytes) -> None:
        if self._deaf_from is not None:
            return
        metrics.AUDIO_SECONDS.inc(len(pcm) / BYTES_PER_MS / 1000)
        easy = self._hearing.load.easy
        self._ear.batch_ms = self._hearing.batch_ms if easy else WHOLE_MS
        if works := self._ear.take(pcm):
            await self._decode(lambda: self._ear.decode(works), works)

    async def _decode(self, call: Callable[[], list[Said]], works: list[Work]) -> None:
        """Run one call of the ear when it is our turn; what goes wrong in it stays here."""
        due = [(self._arrived(work.due_ms), work.due_ms) for work in works]
        since = due[0][0] if due else None
        start_ms = self._timeline.call_ms(works[0].began_ms if works else self._ear.fed_ms)
        try:
            heard = await self._hearing.turns.run(since or time.monotonic(), call)
        except Exception as error:
            self._crashed(error, start_ms)
            return
        self._crashes = 0
        for arrived, due_ms in due:
            if arrived is not None:
                wait_s = time.monotonic() - arrived
                self._hearing.load.note(wait_s, leg_id=self.grant.leg_id, due_ms=due_ms)
        for said in heard:
            self._say(said)

    def _say(self, said: Said) -> None:
        event = self._transcript.event(said)
        if said.final:
            self._timeline.forget(said.onset_ms)
        if event is not None:
            self._publish(event, self._arrived(said.end_ms) if said.final else None)

    def _arrived(self, fed_ms: float) -> float | None:
        """Return when the audio up to `fed_ms` was there; None when it was silence of our own."""
        at = bisect_left(self._arrivals, (fed_ms, 0.0))
        return self._arrivals[at][1] if at < len(self._arrivals) else None

    def _crashed(self, error: Exception, start_ms: float) -> None:
        metrics.CRASHES.inc()
        self._crashes += 1
        # The error's text may quote what was heard: only its kind is logged.
        log.error("speech.crash", leg=self.grant.leg_id, error=type(error).__name__)
        if self._crashes >= _CRASHES:
            self._deaf_from = start_ms
            return
        end_ms = max(self._timeline.call_ms(self._ear.fed_ms), start_ms)
        self._mark(Gap(start_ms, end_ms, "recogniser failed"))

    def _mark(self, gap: Gap) -> None:
        metrics.GAPS.labels(gap.why).inc()
        start_ms = max(round(gap.start_ms), 0)
        self._publish(
            GapMarked(
                call_id=self.grant.call_id,
                leg_id=self.grant.leg_id,
                start_ms=start_ms,
                end_ms=max(round(gap.end_ms), start_ms),
                why=gap.why,
            ),
            None,
        )
