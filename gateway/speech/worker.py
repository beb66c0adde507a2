"""The recognition worker: taps in, speech events out. One process; see `run`."""

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway import supervised
from gateway.live import names
from gateway.log import get
from gateway.media.audiosocket_server import AudioSocketServer
from gateway.media.grants import RedisGrants
from gateway.settings import Settings, SpeechSettings
from gateway.speech.calibrate import decode_cost
from gateway.speech.load import Load
from gateway.speech.models.home import model_path
from gateway.speech.pool import Pool
from gateway.speech.port import Engine
from gateway.speech.publisher import Publisher, RedisEventLog
from gateway.speech.stream import Hearing
from gateway.speech.streams import Streams
from gateway.speech.text.later import Later
from gateway.speech.turns import Turns
from gateway.speech.vosk_engine import VoskEngine

log = get("speech")

_ANNOUNCE_S = 1.0
_ANNOUNCED_FOR_S = 5
_DRAIN_S = 3.0
_AT_ONCE, _READY = 2, 4
"""Recognisers made before the first audio is taken, and before the first call of its own."""
_FIRST_WORDS_S = 1.0
"""So long the words of those who are on the line already are waited for: they come first."""


async def run(
    settings: Settings,
    *,
    worker_id: str,
    ready: Callable[[str, int], None] | None = None,
) -> None:
    """Listen to taps until SIGTERM, SIGINT or cancellation; then say what was heard and stop.

    `ready(host, port)` is called once everything is loaded; taps are taken a little earlier, as
    soon as they can be heard. Redis may be away, now or later. Raises ModelError (no usable model)
    or MediaError (address in use) before `ready`.
    """
    speech = settings.speech
    engine = await asyncio.to_thread(
        VoskEngine,
        model_path(speech),
        frames_per_chunk=speech.frames_per_chunk,
        min_active=speech.min_active,
    )
    await serve(settings, engine, worker_id=worker_id, ready=ready)


async def serve(
    settings: Settings,
    engine: Engine,
    *,
    worker_id: str,
    ready: Callable[[str, int], None] | None = None,
    load_type: type[Load] = Load,
) -> None:
    """`run` with an engine at hand; `load_type` may take notes (the bench does).

    Raises ConfigError where `[speech] name_areas` or `names_file` are wrong.
    """
    speech = settings.speech
    async with contextlib.AsyncExitStack() as stack:
        stop = stack.enter_context(_stop_signals())
        redis = await stack.enter_async_context(_redis(settings.redis.url))
        turns = Turns(_threads(speech))
        stack.callback(turns.close)
        load = load_type(turns, most=speech.max_streams)
        publisher = Publisher(RedisEventLog(redis))
        await stack.enter_async_context(_running(publisher.run()))
        later = Later(settings)
        pool = Pool(engine, recycle_s=speech.recycle_s, normalise=later.normalise)
        await asyncio.to_thread(pool.warm, _AT_ONCE)
        hearing = Hearing(pool, turns, load, speech.batch_ms)
        streams = Streams(hearing, publisher.publish)
        server = AudioSocketServer(RedisGrants(redis), streams.open)
        host, port = await server.start(speech.audiosocket_host, speech.audiosocket_port)
        stack.push_async_callback(_finish, server, streams, publisher)

        def announcement() -> str:
            load.tick(len(streams))
            return json.dumps(
                {
                    "host": host,
                    "port": port,
                    "streams": len(streams),
                    "max_streams": load.limit,
                    "room": load.room(len(streams)),
                    "wait_s": round(load.wait_s, 3),
                    "model": engine.model_version,
                    "last_lag_s": publisher.last_lag_s,
                    "at": round(time.time(), 3),
                }
            )

        changed = await stack.enter_async_context(_announced(redis, worker_id, announcement))
        log.info(
            "speech.listening",
            host=host,
            port=port,
            model=engine.model_version,
            threads=turns.threads,
        )
        supervised.ready()
        load.measured(await asyncio.to_thread(decode_cost, engine))
        changed.set()
        log.info("speech.measured", limit=load.limit)
        if len(streams):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(publisher.words.wait(), _FIRST_WORDS_S)
        await asyncio.to_thread(pool.warm, _READY)
        await asyncio.to_thread(later.load)
        if ready is not None:
            ready(host, port)
        await stop.wait()


def _threads(speech: SpeechSettings) -> int:
    """Decoding threads: the cores this process may use, shared by the workers beside it."""
    return max(1, len(os.sched_getaffinity(0)) // speech.worker_count)


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
async def _announced(
    redis: Redis, worker_id: str, text: Callable[[], str]
) -> AsyncIterator[asyncio.Event]:
    """Keep the worker's key alive; take it away at the end, so that no new tap comes here.

    Yields what makes it say at once that something has changed.
    """
    key, changed = names.worker(worker_id), asyncio.Event()

    async def announce() -> None:
        while True:
            with contextlib.suppress(RedisError, OSError):
                await redis.set(key, text(), ex=_ANNOUNCED_FOR_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _ANNOUNCE_S)
            changed.clear()

    try:
        async with _running(announce()):
            yield changed
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
