"""The health of delivery, on a real ledger."""

from datetime import timedelta
from unittest import mock

import pytest
from sqlalchemy import update

from gateway.clock import now
from gateway.ledger import tables as t
from gateway.probes import Probes
from gateway.tickets.replay import replay_dead

from .delivery_world import open_world, until


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path) as world:
        yield world


def delivery(world, *, delivers=True):
    nothing = mock.Mock()
    return Probes(nothing, nothing, world.ledger, nothing, delivers=delivers).delivery()


async def age(world, column, **age):
    async with world.ledger.write() as connection:
        await connection.execute(update(t.outbox).values({column: now() - timedelta(**age)}))


async def test_given_up_is_unwell_for_a_day_and_told_for_as_long_as_it_lasts(world):
    await world.fails_with(status=422)
    await world.save()
    world.deliver()
    await world.reaches("dead")
    health = await delivery(world)
    assert (health.ok, health.detail) == (False, "oldest ticket waits 0 s; 1 dead, 1 since a day")
    assert (await delivery(world, delivers=False)).ok is False
    await age(world, t.outbox.c.settled_at, days=1, seconds=1)
    health = await delivery(world)
    assert (health.ok, health.detail) == (True, "oldest ticket waits 0 s; 1 dead, 0 since a day")
    await world.mended()
    await replay_dead(world.ledger, None, now(), "test")
    await world.reaches("delivered")
    health = await delivery(world)
    assert (health.ok, health.detail) == (True, "oldest ticket waits 0 s; 0 dead, 0 since a day")


async def test_a_ticket_that_waits_is_unwell_where_somebody_should_take_it(world):
    await world.fails_with(status=404)
    await world.save()
    world.deliver()
    await until(lambda: len(world.orders.store.receipts) >= 2)
    assert (await delivery(world)).ok
    await age(world, t.outbox.c.created_at, seconds=61)
    assert not (await delivery(world)).ok
    assert (await delivery(world, delivers=False)).ok


async def test_without_a_ledger_nobody_knows(tmp_path):
    async with open_world(tmp_path) as world:
        world.ledger = type(world.ledger)(f"sqlite+aiosqlite:///{tmp_path}/none/ledger.db")
        health = await delivery(world)
    assert (health.ok, health.detail) == (False, "LedgerError")
