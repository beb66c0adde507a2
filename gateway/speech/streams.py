"""The taps that one worker listens to: who is admitted, and how they end."""

import asyncio
import time
from collections.abc import Callable

from gateway.calls.facts import GapMarked, SpeechClosed
from gateway.log import get
from gateway.speech import metrics
from gateway.speech.port import SpeechEvent, TapGrant
from gateway.speech.stream import Hearing, Stream

log = get("speech")


class Streams:
    """Runs a `Stream` for each tap while there is room: the AudioSocket server's opener."""

    def __init__(
        self, hearing: Hearing, publish: Callable[[SpeechEvent, float | None], None]
    ) -> None:
        self._hearing = hearing
        self._publish = publish
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def open(self, grant: TapGrant) -> Stream | None:
        """Start listening; None, with a gap marked, when one more would make the others late."""
        if not self._hearing.load.room(len(self._running)):
            self._refuse(grant)
            return None
        stream = Stream(grant, self._hearing, self._publish)
        task = asyncio.create_task(stream.run(), name="speech-stream")
        self._running.add(task)
        task.add_done_callback(self._done)
        metrics.STREAMS.set(len(self._running))
        log.info("speech.tap_opened", call=grant.call_id, leg=grant.leg_id)
        return stream

    async def drain(self, timeout_s: float) -> None:
        """Wait until every closed stream has said all; cancel what has not by then."""
        if not self._running:
            return
        _, late = await asyncio.wait(set(self._running), timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            log.error("speech.streams_cut", streams=len(late))
            await asyncio.wait(late)

    def _refuse(self, grant: TapGrant) -> None:
        metrics.REFUSED.inc()
        metrics.GAPS.labels("no capacity").inc()
        log.warning("speech.no_capacity", call=grant.call_id, leg=grant.leg_id, streams=len(self))
        now_ms = max(round(time.time() * 1000) - grant.call_started_ms, 0)
        ids = {"call_id": grant.call_id, "leg_id": grant.leg_id}
        self._publish(GapMarked(**ids, start_ms=now_ms, end_ms=now_ms, why="no capacity"), None)
        self._publish(SpeechClosed(**ids), None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        metrics.STREAMS.set(len(self._running))
        if not task.cancelled() and (error := task.exception()):
            log.error("speech.stream_failed", error=type(error).__name__)
