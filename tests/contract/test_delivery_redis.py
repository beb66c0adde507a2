"""Delivery beside a real Redis: woken by it, telling it, and doing without it."""

from itertools import pairwise

import pytest

from gateway.calls.facts import TicketDelivered, TicketFailed, parse
from gateway.lab.redis_lab import RedisLab
from gateway.live import names
from gateway.live.redis import connect
from gateway.tickets import delivery as delivery_module

from .delivery_world import TICKET, open_world, until


@pytest.fixture
async def lab(tmp_path):
    lab = await RedisLab.start(tmp_path)
    yield lab
    await lab.stop()


@pytest.fixture
async def redis(lab):
    redis = connect(lab.url)
    yield redis
    await redis.aclose()


async def listening(redis):
    async def heard() -> bool:
        return (await redis.pubsub_numsub(names.OUTBOX_WAKE))[0][1] == 1

    await until(heard)


async def told(redis):
    return [parse(fields["event"]) for _, fields in await redis.xrange(names.DELIVERY)]


async def test_wake_up_sends_at_once(tmp_path, lab, redis, monkeypatch):
    monkeypatch.setattr(delivery_module, "POLL_S", 3600.0)  # only Redis can wake it
    async with open_world(tmp_path, lab.url) as world:
        world.deliver()
        await listening(redis)
        await world.save()
        await redis.publish(names.OUTBOX_WAKE, "")
        await world.reaches("delivered")


async def test_results_are_told(tmp_path, lab, redis):
    async with open_world(tmp_path, lab.url, max_attempts=2) as world:
        await world.fails_with(status=500)
        await world.save(1)
        world.deliver()
        await world.reaches("dead")
        await world.mended()
        await world.save(2)
        await world.reaches("dead", "delivered")
        await world.stop()
    first, second, third = await told(redis)
    same = {"call_id": TICKET.call.call_id, "ticket_id": TICKET.ticket_id}
    error = "500 Internal Server Error"
    failed = {**same, "revision": 1, "error": error}
    assert first == TicketFailed(**failed, attempts=1, dead=False, at=first.at)
    assert second == TicketFailed(**failed, attempts=2, dead=True, at=second.at)
    assert third == TicketDelivered(**same, revision=2, attempts=1, at=third.at)
    assert all(later.at >= earlier.at for earlier, later in pairwise((first, second, third)))


async def test_redis_that_dies_is_done_without_and_told_when_back(tmp_path):
    lab = await RedisLab.start(tmp_path)
    async with open_world(tmp_path, lab.url) as world:
        world.deliver()
        redis = connect(lab.url)
        await listening(redis)
        await redis.aclose()
        await lab.stop()
        await world.save()
        await world.reaches("delivered")
        again = await RedisLab.start(tmp_path, port=lab.port)
        redis = connect(again.url)
        try:
            await listening(redis)

            async def announced() -> bool:
                return [fact.kind for fact in await told(redis)] == ["ticket.delivered"]

            await until(announced)
        finally:
            await redis.aclose()
            await world.stop()
            await again.stop()
