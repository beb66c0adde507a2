"""Delivery over crashes, locks and rivals: at least once, never at once, always the same id."""

import asyncio
import signal
import sqlite3
from collections import Counter
from contextlib import asynccontextmanager, closing
from datetime import timedelta

import httpx
import pytest

from gateway.clock import now
from gateway.errors import LedgerError
from gateway.ledger.repository import Ledger
from gateway.tickets.delivery import AT_ONCE, Delivery
from gateway.tickets.outbox import Attempt, Outbox
from gateway.tickets.retry import Outcome
from gateway.tickets.sender import Sender

from .delivery_world import TICKET, open_world, until

LEASE = timedelta(seconds=30)


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path) as world:
        yield world


async def test_killed_between_post_and_record_sends_again_with_the_same_id(world):
    await world.fails_with(hold=True)  # the ticket is taken, the answer never comes
    await world.save()
    process = await world.process()
    try:
        await until(lambda: TICKET.ticket_id in world.orders.store.tickets)
    finally:
        process.kill()
        await process.wait()
    assert await world.states() == ["queued"]
    assert await world.attempts() == []
    await world.mended()
    assert await Outbox(world.ledger).claim("rival", 5, now(), LEASE) == []

    await world.let_leases_run_out()
    world.deliver()
    await world.reaches("delivered")
    receipts = world.orders.store.receipts
    assert {receipt.webhook_id for receipt in receipts} == {f"msg_{TICKET.ticket_id}_r1"}
    assert receipts[-1].what == "duplicate"
    assert (await world.ledger.ticket(TICKET.ticket_id))[0].attempts == 2


async def test_asked_to_stop_it_finishes_what_is_in_flight(world):
    await world.fails_with(hold=True)
    await world.save()
    process = await world.process()
    await until(lambda: TICKET.ticket_id in world.orders.store.tickets)
    process.send_signal(signal.SIGTERM)
    await world.mended()
    assert await process.wait() == 0
    assert await world.states() == ["delivered"]


async def test_two_processes_send_each_ticket_once(world):
    ids = [f"0197a000-0000-7000-8000-0000000000{number:02d}" for number in range(30)]
    for ticket_id in ids:
        await world.save(ticket_id=ticket_id)
    await world.fails_with(hold=True)
    rival = await world.process()
    world.deliver()
    await until(lambda: len(world.orders.store.tickets) == 2 * AT_ONCE)  # both are at work
    await world.mended()
    await world.reaches(*["delivered"] * len(ids))
    rival.terminate()
    assert await rival.wait() == 0
    assert world.orders.receipts() == [(200, "taken")] * len(ids)


async def test_leases_exclude_each_other(world):
    outbox = Outbox(world.ledger)
    await world.save()
    claims = await asyncio.gather(
        *(outbox.claim(f"process {n}", 5, now(), LEASE) for n in range(5))
    )
    assert sum(len(messages) for messages in claims) == 1


async def test_failure_reported_after_the_lease_was_lost_changes_nothing(world):
    outbox = Outbox(world.ledger)
    await world.save()
    [late] = await outbox.claim("slow", 1, now(), LEASE)
    await world.let_leases_run_out()
    [current] = await outbox.claim("quick", 1, now(), LEASE)
    failed = Attempt(now(), now(), Outcome("dead", 400, "400 Bad Request"))
    assert not await outbox.settle(late, failed)
    assert await world.states() == ["queued"]
    assert await outbox.settle(current, Attempt(now(), now(), Outcome("delivered", 200)))
    assert await world.states() == ["delivered"]


async def test_success_counts_though_the_lease_was_lost(world):
    outbox = Outbox(world.ledger)
    await world.save()
    [late] = await outbox.claim("slow", 1, now(), LEASE)
    await world.let_leases_run_out()
    [current] = await outbox.claim("quick", 1, now(), LEASE)
    assert await outbox.settle(late, Attempt(now(), now(), Outcome("delivered", 200)))
    failed = Attempt(now(), now(), Outcome("retry", 500, "500"), again_at=now())
    assert not await outbox.settle(current, failed)
    assert await world.states() == ["delivered"]


async def test_result_is_recorded_when_the_ledger_is_free_again(world):
    await world.fails_with(hold=True)
    await world.save()
    async with impatient_delivery(world) as outbox:
        await until(lambda: TICKET.ticket_id in world.orders.store.tickets)
        with closing(sqlite3.connect(world.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await world.mended()
            await until(lambda: outbox.failed["settle"] >= 2)
            assert await world.states() == ["queued"]
            other.execute("ROLLBACK")
        await world.reaches("delivered")
    assert world.orders.receipts() == [(200, "taken")]


async def test_outbox_that_is_locked_is_read_later(world):
    await world.save()
    with closing(sqlite3.connect(world.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with impatient_delivery(world) as outbox:
            await until(lambda: outbox.failed["claim"] >= 2)
            assert world.orders.receipts() == []
            other.execute("ROLLBACK")
            await world.reaches("delivered")


class CountingOutbox(Outbox):
    """Counts how often the ledger could not be used."""

    def __init__(self, ledger):
        super().__init__(ledger)
        self.failed = Counter()

    async def claim(self, *args):
        return await self._counted("claim", super().claim(*args))

    async def settle(self, *args):
        return await self._counted("settle", super().settle(*args))

    async def _counted(self, name, working):
        try:
            return await working
        except LedgerError:
            self.failed[name] += 1
            raise


@asynccontextmanager
async def impatient_delivery(world):
    """The delivery loop on a ledger that gives up on a lock after 10 ms, not after seconds."""
    ledger, stop = Ledger(world.settings.ledger.url, busy_ms=10), asyncio.Event()
    ledger._ready = True  # migrated by the world's own ledger
    outbox, results = CountingOutbox(ledger), []
    async with httpx.AsyncClient(trust_env=False) as client:
        sender = Sender(world.settings.orders, outbox, client)
        delivery = Delivery(outbox, sender, results.append, LEASE)
        running = asyncio.create_task(delivery.run(stop))
        try:
            yield outbox
        finally:
            stop.set()
            await running
            await ledger.close()
