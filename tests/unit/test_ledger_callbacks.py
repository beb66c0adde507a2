"""Call-back tasks in the record: numbered once, taken by one, finished by who took them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.calls.callback_task import Hand
from gateway.calls.facts import CallbackDue, CallbackOutcome, CallbackReason
from gateway.errors import CallbackNotFound, CallbackNotYours
from gateway.ledger.repository import open_ledger
from gateway.tickets.sample import SampleCall

NIGHT = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
"""Half past midnight of the 22nd where the calls are."""
WANG, ZHAO, BOSS = Hand("1001"), Hand("1002"), Hand("boss", any_task=True)
REACHED = CallbackOutcome.REACHED


def due(number=1, centre="12345", at=NIGHT, danger=False):
    return CallbackDue(
        call_id=f"call-{number}",
        at=at + timedelta(seconds=number),
        centre=centre,
        why=CallbackReason.CALLER_GONE,
        transfer_id=f"t{number}",
        target="110",
        danger=danger,
    )


@pytest.fixture
def url(tmp_path):
    return f"sqlite+aiosqlite:///{tmp_path}/ledger.db"


@pytest.fixture
async def ledger(url):
    ledger = await open_ledger(url)
    yield ledger
    await ledger.close()


async def numbers(ledger, states=("open", "taken"), centre=""):
    return [one.number for one in await ledger.callbacks(states, centre, 50)]


async def test_tasks_are_numbered_by_centre_and_day(ledger):
    await ledger.record(
        [due(1), due(2), due(3, centre="110"), due(4, at=NIGHT + timedelta(days=1))]
    )
    assert await numbers(ledger, centre="12345") == [
        "CB-12345-20261122-0001", "CB-12345-20261122-0002", "CB-12345-20261123-0001",
    ]  # fmt: skip
    assert await numbers(ledger, centre="110") == ["CB-110-20261122-0001"]


async def test_a_journal_told_again_opens_nothing_more(ledger):
    await ledger.record([due(1)])
    await ledger.record([due(1), due(1, danger=True), due(2)])
    assert await numbers(ledger) == ["CB-12345-20261122-0001", "CB-12345-20261122-0002"]


async def test_rivals_get_numbers_of_their_own(ledger, url):
    other = await open_ledger(url)
    facts = [due(number) for number in range(1, 13)]
    halves = [(ledger, facts[::2]), (other, facts[1::2])]
    await asyncio.gather(*(one.record([fact]) for one, half in halves for fact in half))
    await other.close()
    found = await numbers(ledger)
    assert sorted(found) == [f"CB-12345-20261122-{place:04d}" for place in range(1, 13)]


async def test_one_of_two_rivals_takes_it(ledger, url):
    await ledger.record([due()])
    other = await open_ledger(url)
    [number] = await numbers(ledger)
    taken = await asyncio.gather(
        ledger.take_callback(number, WANG),
        other.take_callback(number, ZHAO),
        return_exceptions=True,
    )
    await other.close()
    assert sum(isinstance(one, CallbackNotYours) for one in taken) == 1
    [winner] = [one.by for one in taken if not isinstance(one, Exception)]
    assert (await ledger.callback(number)).taken_by == winner


async def test_taking_it_twice_is_taking_it(ledger):
    await ledger.record([due()])
    [number] = await numbers(ledger)
    assert (await ledger.take_callback(number, WANG)).by == "1001"
    assert await ledger.take_callback(number, WANG) is None


async def test_from_open_to_done(ledger):
    await ledger.record([due()])
    [number] = await numbers(ledger)
    with pytest.raises(CallbackNotYours, match="take it before"):
        await ledger.finish_callback(number, WANG, REACHED)
    await ledger.take_callback(number, WANG)
    with pytest.raises(CallbackNotYours, match="1001"):
        await ledger.finish_callback(number, ZHAO, REACHED)
    await ledger.finish_callback(number, WANG, REACHED, "已说明")
    assert await ledger.finish_callback(number, WANG, REACHED) is None
    with pytest.raises(CallbackNotYours, match="done"):
        await ledger.take_callback(number, BOSS)
    [done] = await ledger.callbacks(["done"], "", 50)
    assert (done.state, done.done_by, done.outcome, done.note) == (
        "done", "1001", "reached", "已说明",
    )  # fmt: skip
    assert await numbers(ledger) == []


async def test_a_supervisor_takes_over(ledger):
    await ledger.record([due()])
    [number] = await numbers(ledger)
    await ledger.take_callback(number, WANG)
    await ledger.take_callback(number, BOSS)
    await ledger.finish_callback(number, BOSS, CallbackOutcome.NOT_NEEDED)
    assert await ledger.audit_broken_at() is None


async def test_danger_comes_first(ledger):
    await ledger.record([due(1), due(2, danger=True)])
    assert await numbers(ledger) == ["CB-12345-20261122-0002", "CB-12345-20261122-0001"]


async def test_what_is_known_of_the_call(ledger):
    call = SampleCall("call-1")
    await ledger.record([*call.started(), *call.rings(), *call.answers(), due(1)])
    [entry] = await ledger.callbacks(["open"], "", 50)
    assert entry.caller_number
    assert (entry.platform, entry.message_status) == ("110", "Test")
    assert entry.last_words
    assert entry.ticket_id is None


async def test_the_read_model_follows(ledger):
    await ledger.record([due()])
    [number] = await numbers(ledger)
    await ledger.take_callback(number, WANG)
    view = await ledger.call("call-1")
    assert (view.callback.state, view.callback.by) == ("taken", "1001")


async def test_no_such_task(ledger):
    for asked in (ledger.callback("CB-1"), ledger.take_callback("CB-1", WANG)):
        with pytest.raises(CallbackNotFound, match="liandong callbacks list"):
            await asked
    assert await ledger.callback_number("call-1") == ""
