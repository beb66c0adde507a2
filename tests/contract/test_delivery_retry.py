"""Delivery to an order system that fails, with Redis down throughout."""

from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.clock import now
from gateway.settings import OrdersSettings
from gateway.tickets.outbox import Attempt, Outbox
from gateway.tickets.replay import replay_dead, replay_ticket
from gateway.tickets.retry import Outcome

from .delivery_world import TICKET, open_world, until


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path) as world:
        yield world


async def test_ticket_arrives_whole(world):
    await world.save()
    world.deliver()
    await world.reaches("delivered")
    kept = world.orders.store.tickets[TICKET.ticket_id]
    assert kept == TICKET.model_copy(update={"revision": 1}).model_dump(mode="json")
    assert await world.attempts() == [(200, "")]


async def test_order_system_down_then_back(world):
    await world.orders.stop()
    await world.save()
    world.deliver()

    async def tried_thrice() -> bool:
        return len(await world.attempts()) >= 3

    await until(tried_thrice)
    assert await world.states() == ["retrying"]
    await world.orders.start()
    await world.reaches("delivered")
    attempts = await world.attempts()
    assert attempts[0] == (None, "no answer: ConnectError")
    assert attempts[-1] == (200, "")
    assert (await world.ledger.ticket(TICKET.ticket_id))[0].attempts == len(attempts)


async def test_no_answer_in_time_is_tried_again(tmp_path):
    async with open_world(tmp_path, timeout_s=0.2) as world:
        await world.fails_with(hold=True)
        await world.save()
        world.deliver()

        async def tried() -> bool:
            return len(await world.attempts()) >= 1

        await until(tried)
        await world.mended()
        await world.reaches("delivered")
        assert (await world.attempts())[0] == (None, "no answer in 0.2 s")
        # It had been taken, though the answer came too late: the same id tells.
        assert {receipt.webhook_id for receipt in world.orders.store.receipts} == {
            f"msg_{TICKET.ticket_id}_r1"
        }
        assert world.orders.receipts()[-1] == (200, "duplicate")


async def test_retry_after_is_kept(world):
    await world.fails_with(status=503, retry_after=1)
    await world.save()
    world.deliver()
    await until(lambda: len(world.orders.store.receipts) == 1)
    await world.mended()
    await world.reaches("delivered")
    [first, second] = world.orders.store.receipts
    assert (first.status, second.status) == (503, 200)
    assert second.at - first.at >= timedelta(seconds=1)


async def test_waits_grow_between_attempts(tmp_path):
    async with open_world(tmp_path, max_attempts=4) as world:
        await world.fails_with(status=500)
        await world.save()
        world.deliver()
        await world.reaches("dead")
        assert await world.attempts() == [(500, "500 Internal Server Error")] * 4
        times = [receipt.at for receipt in world.orders.store.receipts]
        assert all(later >= earlier for earlier, later in pairwise(times))


def test_nobody_but_a_person_ends_the_attempts():
    assert OrdersSettings().max_attempts == 0


async def test_attempts_go_on_without_end_unless_told(tmp_path):
    async with open_world(tmp_path, max_attempts=0, backoff_max_s=0.02) as world:
        await world.fails_with(status=404)
        await world.save()
        world.deliver()
        await until(lambda: len(world.orders.store.receipts) >= 30)
        assert await world.states() == ["retrying"]
        await world.mended()
        await world.reaches("delivered")


async def test_refused_ticket_is_given_up_at_once_with_its_reason(world):
    await world.fails_with(status=422)
    await world.save()
    world.deliver()
    await world.reaches("dead")
    assert len(world.orders.store.receipts) == 1
    [entry] = await world.ledger.dead()
    assert entry.attempts == 1
    assert entry.error.startswith("422 Unprocessable")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 425, 429])
async def test_what_the_order_system_can_mend_is_no_refusal(world, status):
    await world.fails_with(status=status)
    await world.save()
    world.deliver()
    await until(lambda: len(world.orders.store.receipts) >= 2)
    await world.mended()
    await world.reaches("delivered")


async def test_dead_ticket_is_sent_again_on_a_persons_word(world):
    await world.fails_with(status=400)
    await world.save()
    world.deliver()
    await world.reaches("dead")
    await world.mended()
    [replayed] = await replay_dead(world.ledger, None, now(), "test")
    assert (replayed.ticket_id, replayed.was) == (TICKET.ticket_id, "dead")
    await world.reaches("delivered")
    ids = {receipt.webhook_id for receipt in world.orders.store.receipts}
    assert ids == {f"msg_{TICKET.ticket_id}_r1"}
    assert world.orders.receipts() == [(400, "refused"), (200, "taken")]


async def test_delivered_ticket_sent_again_is_a_duplicate(world):
    await world.save()
    world.deliver()
    await world.reaches("delivered")
    await replay_ticket(world.ledger, TICKET.ticket_id, now(), "test")
    await until(lambda: len(world.orders.store.receipts) == 2)
    await world.reaches("delivered")
    assert world.orders.receipts() == [(200, "taken"), (200, "duplicate")]


async def test_gone_stops_the_ticket_and_what_follows(world):
    await world.fails_with(status=410)
    await world.save(1, "preliminary")
    await world.save(2, "final")
    world.deliver()
    await world.reaches("dead", "dead")
    await world.save(3, "final")
    await world.reaches("dead", "dead", "dead")
    assert len(world.orders.store.receipts) == 1
    await world.mended()
    await replay_dead(world.ledger, None, now(), "test")
    await world.reaches("delivered", "delivered", "delivered")


async def test_preliminary_comes_before_final(world):
    await world.fails_with(status=503)
    await world.save(1, "preliminary")
    await world.save(2, "final")
    await world.save(3, "final")
    world.deliver()
    await until(lambda: len(world.orders.store.receipts) >= 3)
    await world.mended()
    await world.reaches("delivered", "delivered", "delivered")
    receipts = world.orders.store.receipts
    taken = [receipt.webhook_id[-2:] for receipt in receipts if receipt.what == "taken"]
    assert taken == ["r1", "r2", "r3"]
    assert {receipt.webhook_id[-2:] for receipt in receipts if receipt.status == 503} == {"r1"}
    assert world.orders.store.tickets[TICKET.ticket_id]["revision"] == 3


async def test_one_stuck_ticket_holds_no_other_up(world):
    stuck = "0197a000-0000-7000-8000-00000000dead"
    await world.save(ticket_id=stuck)
    outbox = Outbox(world.ledger)
    [message] = await outbox.claim("another process", 1, now(), timedelta(minutes=5))
    assert message.ticket_id == stuck
    await world.save()
    world.deliver()
    await world.reaches("queued", "delivered")


@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(seconds=30)])
async def test_a_clock_that_was_ahead_for_a_moment_holds_no_ticket_up(world, ahead):
    """What it wrote then is in the future: when to try again, and how long others keep off."""
    await world.save()
    outbox = Outbox(world.ledger)
    [message] = await outbox.claim("ahead", 1, now() + ahead, timedelta(seconds=12))
    refused = Outcome("retry", 401, "401 Unauthorized")  # its signature was of another time
    then = now() + ahead
    assert await outbox.settle(message, Attempt(then, then, refused, then + timedelta(hours=1)))
    await world.save(2)
    world.deliver()
    await world.reaches("delivered", "delivered")


async def test_a_lease_of_a_time_to_come_is_none(world):
    await world.save()
    ahead = now() + timedelta(days=1)
    assert await Outbox(world.ledger).claim("ahead", 1, ahead, timedelta(seconds=12))
    world.deliver()
    await world.reaches("delivered")


async def test_a_ticket_queued_by_a_clock_that_was_ahead_goes_at_once(world):
    await world.ledger.save_ticket(TICKET, now() + timedelta(days=1))
    world.deliver()
    await world.reaches("delivered")


async def test_of_two_machines_whose_clocks_differ_a_little_both_wait(world):
    await world.save()
    outbox, lease = Outbox(world.ledger), timedelta(seconds=12)
    refused = Outcome("retry", 503, "503 Service Unavailable", 60.0)
    ahead = now() + timedelta(seconds=3)
    [message] = await outbox.claim("ahead", 1, ahead, lease)
    await outbox.settle(message, Attempt(ahead, ahead, refused, ahead + timedelta(seconds=60)))
    assert await outbox.claim("behind", 1, now(), lease) == []


async def test_after_a_clock_that_was_ahead_the_next_wait_counts_again(world):
    await world.save()
    outbox, lease = Outbox(world.ledger), timedelta(seconds=12)
    refused = Outcome("retry", 401, "401 Unauthorized")
    then = now() + timedelta(days=1)
    [message] = await outbox.claim("ahead", 1, then, lease)
    await outbox.settle(message, Attempt(then, then, refused, then + lease))
    [again] = await outbox.claim("after", 1, now(), lease)
    assert await outbox.claim("rival", 1, now(), lease) == []
    due = await outbox.next_due()
    assert due is not None
    assert due > now(), "else the process would look without a pause"
    await outbox.settle(again, Attempt(now(), now(), refused, now() + timedelta(minutes=1)))
    assert await outbox.claim("soon", 1, now(), lease) == []


async def test_without_an_order_system_tickets_stay_queued(tmp_path):
    async with open_world(tmp_path, url="") as world:
        await world.save()
        world.deliver()
        await world.stop()
        assert await world.states() == ["queued"]
        assert await world.attempts() == []
