"""The live stream against a real Redis: order, resume, trimming, outage, slow pages."""

import asyncio
import time
from contextlib import aclosing

import pytest

from gateway.lab.redis_lab import RedisLab
from gateway.live.item import HELLO, RESET, RESUMED, STALLED
from gateway.live.names import LIVE
from gateway.live.redis import connect
from gateway.live.streams import LivePublisher, RedisLiveReader


@pytest.fixture
async def server(tmp_path):
    lab = await RedisLab.start(tmp_path)
    yield lab
    await lab.stop()


@pytest.fixture
async def redis(server):
    client = connect(server.url)
    yield client
    await client.aclose()


@pytest.fixture
def reader(redis):
    return RedisLiveReader(redis, block_s=0.2, retry_s=0.02)


@pytest.fixture
async def publisher(redis):
    async with LivePublisher(redis, retry_s=0.02) as publisher:
        yield publisher


async def first(items, count):
    return [await anext(items) for _ in range(count)]


def publish(publisher, *numbers):
    for number in numbers:
        publisher.publish("c1", "k", f'{{"n": {number}}}')


async def stored(redis, count):
    """Wait until the stream holds `count` entries; return their ids."""
    async with asyncio.timeout(5):
        while len(entries := await redis.xrange(LIVE)) < count:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.005)
    return [entry_id for entry_id, _ in entries]


async def test_what_is_published_is_read_in_order(publisher, reader):
    async with aclosing(reader.read(None)) as items:
        assert (await anext(items)).kind == HELLO
        publish(publisher, *range(200))
        read = await first(items, 200)
    assert [item.data for item in read] == [f'{{"n": {n}}}' for n in range(200)]
    assert {(item.call_id, item.kind) for item in read} == {("c1", "k")}
    assert len({item.id for item in read}) == 200


async def test_hello_starts_at_the_newest(publisher, reader, redis):
    publish(publisher, 1, 2)
    ids = await stored(redis, 2)
    async with aclosing(reader.read(None)) as items:
        assert (await anext(items)).id == ids[-1]
        publish(publisher, 3)
        assert (await anext(items)).data == '{"n": 3}'


async def test_resume_misses_and_repeats_nothing(publisher, reader, redis):
    publish(publisher, *range(100))
    ids = await stored(redis, 100)
    async with aclosing(reader.read(ids[9])) as items:
        mark, *read = await first(items, 91)
    assert (mark.kind, mark.id) == (RESUMED, ids[9])
    assert [item.id for item in read] == ids[10:]


async def test_resume_at_the_very_end(publisher, reader, redis):
    publish(publisher, 1)
    (last,) = await stored(redis, 1)
    async with aclosing(reader.read(last)) as items:
        assert (await anext(items)).kind == RESUMED
        publish(publisher, 2)
        assert (await anext(items)).data == '{"n": 2}'


async def test_resume_from_what_was_trimmed(publisher, reader, redis):
    publish(publisher, *range(10))
    ids = await stored(redis, 10)
    await redis.xtrim(LIVE, maxlen=3, approximate=False)
    async with aclosing(reader.read(ids[2])) as items:
        mark = await anext(items)
        assert (mark.kind, mark.id) == (RESET, ids[-1])
        publish(publisher, 11)
        assert (await anext(items)).data == '{"n": 11}'


@pytest.mark.parametrize("after", ["99999999999999-0", "rubbish", "1", "-", "1-1; DROP"])
async def test_resume_from_nowhere(publisher, reader, redis, after):
    publish(publisher, 1)
    (last,) = await stored(redis, 1)
    async with aclosing(reader.read(after)) as items:
        mark = await anext(items)
    assert (mark.kind, mark.id) == (RESET, last)


async def test_slow_page_that_fell_behind_is_told(publisher, reader, redis):
    publish(publisher, *range(10))
    ids = await stored(redis, 10)
    async with aclosing(reader.read(ids[0])) as items:
        await first(items, 2)
        publish(publisher, *range(10, 200))
        ids = await stored(redis, 200)
        await redis.xtrim(LIVE, maxlen=5, approximate=False)
        seen = []
        while (item := await anext(items)).kind != RESET:
            seen.append(item.id)
    assert item.id == ids[-1]
    assert len(seen) <= 64


async def test_entries_are_trimmed(redis):
    async with LivePublisher(redis, maxlen=100) as publisher:
        publish(publisher, *range(3000))
    assert 100 <= await redis.xlen(LIVE) < 400


async def test_publishing_never_waits_and_drops_the_oldest(redis, server):
    await server.stop()
    async with LivePublisher(redis, capacity=50, retry_s=0.01) as publisher:
        start = time.perf_counter()
        publish(publisher, *range(1000))
        assert time.perf_counter() - start < 5
        assert publisher.dropped == 950
        await publisher.aclose(flush_s=0.05)
    assert publisher.dropped == 1000


async def test_outage(server, tmp_path, redis):
    """Told once; what still fits is kept; a page that missed something reloads, then goes on."""
    reader = RedisLiveReader(redis, block_s=0.2, retry_s=0.02)
    async with (
        LivePublisher(redis, capacity=10, retry_s=0.02) as publisher,
        aclosing(reader.read(None)) as items,
    ):
        assert (await anext(items)).kind == HELLO
        publish(publisher, 1)
        assert (await anext(items)).data == '{"n": 1}'
        await server.stop()
        stalled = await anext(items)
        assert (stalled.kind, stalled.id) == (STALLED, "")
        publish(publisher, *range(30))
        again = await RedisLab.start(tmp_path, port=server.port)
        try:
            async with asyncio.timeout(10):
                assert (await anext(items)).kind == RESET
                await publisher.aclose()
                kinds = [fields["kind"] for _, fields in await redis.xrange(LIVE)]
        finally:
            await again.stop()
    assert kinds[0] == RESET
    assert kinds.count("k") == 10
    assert publisher.dropped == 20


async def test_two_pages_read_each_at_its_own_pace(publisher, reader, redis):
    async with aclosing(reader.read(None)) as one, aclosing(reader.read(None)) as other:
        await anext(one), await anext(other)
        publish(publisher, 1, 2, 3)
        assert [item.data for item in await first(one, 3)] == [f'{{"n": {n}}}' for n in (1, 2, 3)]
        assert (await anext(other)).data == '{"n": 1}'
