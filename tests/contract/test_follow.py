"""Following a stream of a real Redis: from now on, in order, over outages, past bad entries."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.lab.redis_lab import RedisLab
from gateway.live.follow import follow
from gateway.live.redis import connect

STREAM = "ld:test"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisLab]:
    lab = await RedisLab.start(tmp_path)
    yield lab
    await lab.stop()


@pytest.fixture
async def redis(server: RedisLab) -> AsyncIterator[Redis]:
    client = connect(server.url)
    yield client
    await client.aclose()


class Follower:
    """Follows in a task; `heard` grows, `until` waits for it."""

    def __init__(self, url: str) -> None:
        self.redis = connect(url)
        self.heard: list[str] = []
        self.refuses = ""
        self._news = asyncio.Event()
        self.task = asyncio.create_task(follow(self.redis, STREAM, self._hear))

    def _hear(self, event: str) -> None:
        self.heard.append(event)
        self._news.set()
        if event == self.refuses:
            raise ValueError("this one is bad")

    async def until(self, last: str) -> list[str]:
        async with asyncio.timeout(15):
            while not self.heard or self.heard[-1] != last:
                self._news.clear()
                await self._news.wait()
        return self.heard

    async def ready(self, redis: Redis) -> None:
        """Wait until the follower waits at the end of the stream."""
        async with asyncio.timeout(15):
            while "xread" not in {one["cmd"] for one in await redis.client_list()}:
                pass

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.redis.aclose()


@pytest.fixture
async def follower(server: RedisLab, redis: Redis) -> AsyncIterator[Follower]:
    await redis.xadd(STREAM, {"event": "before"})
    follower = Follower(server.url)
    yield follower
    await follower.close()


async def _add(redis: Redis, *events: str) -> None:
    for event in events:
        await redis.xadd(STREAM, {"event": event})


async def test_from_now_on_and_in_order(follower: Follower, redis: Redis) -> None:
    await follower.ready(redis)
    await _add(redis, "1", "2", "3")
    assert await follower.until("3") == ["1", "2", "3"]


async def test_more_than_one_batch(follower: Follower, redis: Redis) -> None:
    await follower.ready(redis)
    numbers = [str(number) for number in range(600)]
    async with redis.pipeline(transaction=True) as pipe:
        for number in numbers:
            pipe.xadd(STREAM, {"event": number})
        await pipe.execute()
    assert await follower.until("599") == numbers


async def test_a_bad_entry_is_passed_over(follower: Follower, redis: Redis) -> None:
    await follower.ready(redis)
    follower.refuses = "bad"
    await redis.xadd(STREAM, {"other": "field"})
    await _add(redis, "bad", "good")
    assert await follower.until("good") == ["", "bad", "good"]


async def test_an_outage_is_waited_out(server: RedisLab, tmp_path: Path) -> None:
    redis = connect(server.url)
    follower = Follower(server.url)
    await follower.ready(redis)
    await _add(redis, "1")
    await follower.until("1")
    await server.stop()
    again = await RedisLab.start(tmp_path, port=server.port)
    try:
        await follower.ready(redis)
        await _add(redis, "2", "3")
        assert await follower.until("3") == ["1", "2", "3"]
    finally:
        await follower.close()
        await redis.aclose()
        await again.stop()


async def test_it_may_start_before_redis_does(tmp_path: Path) -> None:
    first = await RedisLab.start(tmp_path)
    await first.stop()
    follower = Follower(first.url)
    again = await RedisLab.start(tmp_path, port=first.port)
    redis = connect(again.url)
    try:
        await follower.ready(redis)
        await _add(redis, "1")
        assert await follower.until("1") == ["1"]
    finally:
        await follower.close()
        await redis.aclose()
        await again.stop()


async def test_it_goes_on_where_the_connection_was_cut(follower: Follower, redis: Redis) -> None:
    await follower.ready(redis)
    await _add(redis, "1")
    await follower.until("1")
    await follower.ready(redis)
    await redis.client_kill_filter(_type="normal", skipme=True)
    await _add(redis, "2")
    assert await follower.until("2") == ["1", "2"]


async def test_a_cancellation_that_the_client_swallows_ends_it_all_the_same(
    follower: Follower, redis: Redis
) -> None:
    await follower.ready(redis)
    await _add(redis, "1")
    await follower.until("1")
    # It is on its way into the next read, where redis-py waits with wait_for.
    follower.task.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([follower.task])
    assert follower.task.cancelled()


async def test_what_came_while_nobody_followed_is_told_first_and_apart(
    server: RedisLab, redis: Redis
) -> None:
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def tell(what: str) -> Callable[[str], None]:
        return lambda event: told.put_nowait((what, event))

    await redis.xadd(STREAM, {"event": "long ago"}, id="1000-0")
    await _add(redis, "missed", "as well")
    since = datetime.now(UTC) - timedelta(minutes=1)
    client = connect(server.url)
    work = follow(client, STREAM, tell("heard"), missed=tell("missed"), since=since)
    task = asyncio.create_task(work)
    async with asyncio.timeout(15):
        found = [await told.get(), await told.get()]
        await _add(redis, "now")
        found.append(await told.get())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.aclose()
    assert found == [("missed", "missed"), ("missed", "as well"), ("heard", "now")]


async def test_a_clock_that_is_ahead_of_rediss_loses_nothing(
    server: RedisLab, redis: Redis
) -> None:
    missed: list[str] = []
    client = connect(server.url)
    await _add(redis, "before")
    since = datetime.now(UTC) + timedelta(days=1)
    heard: asyncio.Queue[str] = asyncio.Queue()
    work = follow(client, STREAM, heard.put_nowait, missed=missed.append, since=since)
    task = asyncio.create_task(work)
    async with asyncio.timeout(15):
        while "xread" not in {one["cmd"] for one in await redis.client_list()}:
            pass
        await _add(redis, "now")
        assert await heard.get() == "now"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.aclose()
    assert missed == []
