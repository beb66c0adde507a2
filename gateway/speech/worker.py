"""The recognition worker: taps in, speech events out. One process; see `run`."""

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.calls.facts import GapMarked, SpeechClosed
from gateway.live import names
from gateway.log import get
from gateway.media.audiosocket_server import AudioSocketServer
from gateway.media.grants import RedisGrants
from gateway.settings import Settings, SpeechSettings
from gateway.speech import metrics
from gateway.speech.models.home import model_path
from gateway.speech.port import Engine, TapGrant
from gateway.speech.publisher import Publisher, RedisEventLog
from gateway.speech.stream import Stream, Tuning
from gateway.speech.vosk_engine import VoskEngine

log = get("speech")

_ANNOUNCE_S = 1.0
_ANNOUNCED_FOR_S = 5
_DRAIN_S = 3.0


class Streams:
    """Admits taps up to `max_streams` and runs a `Stream` for each: the server's opener."""

    def __init__(
        self, speech: SpeechSettings, engine: Engine, pool: Executor, publisher: Publisher
    ) -> None:
        self._max = speech.max_streams
        self._tuning = Tuning(batch_ms=speech.batch_ms, recycle_s=speech.recycle_s)
        self._engine = engine
        self._pool = pool
        self._publisher = publisher
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def open(self, grant: TapGrant) -> Stream | None:
        """Start listening; None, with the leg's whole speech marked as a gap, when full."""
        if len(self._running) >= self._max:
            self._refuse(grant)
            return None
        stream = Stream(grant, self._engine, self._tuning, self._pool, self._publisher.publish)
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
        log.warning("speech.no_capacity", call=grant.call_id, leg=grant.leg_id, max=self._max)
        now_ms = max(round(time.time() * 1000) - grant.call_started_ms, 0)
        ids = {"call_id": grant.call_id, "leg_id": grant.leg_id}
        gap = GapMarked(**ids, start_ms=now_ms, end_ms=now_ms, why="no capacity")
        self._publisher.publish(gap)
        self._publisher.publish(SpeechClosed(**ids))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        metrics.STREAMS.set(len(self._running))
        if not task.cancelled() and (error := task.exception()):
            log.error("speech.stream_failed", error=type(error).__name__)


async def run(
    settings: Settings,
    *,
    worker_id: str,
    ready: Callable[[str, int], None] | None = None,
) -> None:
    """Listen to taps until SIGTERM, SIGINT or cancellation; then say what was heard and stop.

    `ready(host, port)` is called once the AudioSocket server listens. Redis may be away, now or
    later. Raises ModelError (no usable model) or MediaError (address in use) before `ready`.
    """
    engine = await asyncio.to_thread(VoskEngine, model_path(settings.speech))
    await serve(settings, engine, worker_id=worker_id, ready=ready)


async def serve(
    settings: Settings,
    engine: Engine,
    *,
    worker_id: str,
    ready: Callable[[str, int], None] | None = None,
) -> None:
    """`run` with an engine at hand."""
    speech = settings.speech
    async with contextlib.AsyncExitStack() as stack:
        stop = stack.enter_context(_stop_signals())
        redis = await stack.enter_async_context(_redis(settings.redis.url))
        pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="speech")
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        publisher = Publisher(RedisEventLog(redis))
        await stack.enter_async_context(_running(publisher.run()))
        streams = Streams(speech, engine, pool, publisher)
        server = AudioSocketServer(RedisGrants(redis), streams.open)
        host, port = await server.start(speech.audiosocket_host, speech.audiosocket_port)
        stack.push_async_callback(_finish, server, streams, publisher)

        def announcement() -> str:
            return json.dumps(
                {
                    "host": host,
                    "port": port,
                    "streams": len(streams),
                    "max_streams": speech.max_streams,
                    "model": engine.model_version,
                    "last_lag_s": publisher.last_lag_s,
                    "at": round(time.time(), 3),
                }
            )

        await stack.enter_async_context(_announced(redis, worker_id, announcement))
        log.info("speech.listening", host=host, port=port, model=engine.model_version)
        if ready is not None:
            ready(host, port)
        await stop.wait()


async def _finish(server: AudioSocketServer, streams: Streams, publisher: Publisher) -> None:
    await server.stop()
    await streams.drain(_DRAIN_S)
    await publisher.drain(_DRAIN_S)


@contextlib.asynccontextmanager
async def _redis(url: str) -> AsyncIterator[Redis]:
    redis: Redis = Redis.from_url(
        url, socket_connect_timeout=1.0, socket_timeout=1.0, retry=Retry(NoBackoff(), 1)
    )
    try:
        yield redis
    finally:
        await redis.aclose()


@contextlib.asynccontextmanager
async def _running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@contextlib.asynccontextmanager
async def _announced(redis: Redis, worker_id: str, text: Callable[[], str]) -> AsyncIterator[None]:
    """Keep the worker's key alive; take it away at the end, so that no new tap comes here."""
    key = names.worker(worker_id)

    async def announce() -> None:
        while True:
            with contextlib.suppress(RedisError, OSError):
                await redis.set(key, text(), ex=_ANNOUNCED_FOR_S)
            await asyncio.sleep(_ANNOUNCE_S)

    try:
        async with _running(announce()):
            yield
    finally:
        with contextlib.suppress(RedisError, OSError):
            await redis.delete(key)


@contextlib.contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """Yield an event that SIGTERM and SIGINT set (signals reach only the main thread)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    in_main = threading.current_thread() is threading.main_thread()
    handled = (signal.SIGTERM, signal.SIGINT) if in_main else ()
    for number in handled:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
