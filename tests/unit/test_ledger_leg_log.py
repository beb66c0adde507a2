"""The leg log and the figures on a real SQLite ledger."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from gateway.calls import facts as f
from gateway.calls.facts import FailureReason, LegRole, TransferState
from gateway.calls.figures import Limits, Noted, Scope
from gateway.calls.view import CallView
from gateway.ledger.recorder import Recorder
from gateway.ledger.repository import open_ledger
from gateway.settings import Settings
from gateway.tickets.sample import CENTRES, START, SampleCall

ZONE = ZoneInfo("Asia/Shanghai")
LIMITS = Limits(answer_within_s=15, short_abandon_s=5)
DAY = Scope(START - timedelta(hours=12), START + timedelta(hours=12), message_status="Test")
CAP_S = 600


@pytest.fixture
async def ledger(tmp_path):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
    yield ledger
    await ledger.close()


def call_id(number):
    return f"0197a000-0000-7000-8000-{number:012d}"


def whole(number, start=START):
    """A call that 12345 answers after 4 s and hands to 110, who answers 5 s after the request."""
    call = SampleCall(call_id(number), start)
    return [*call.started(), *call.rings(), *call.answers(), *call.ends()]


def unanswered(number, wait_s, ended_by="party", start=START, centre="12345"):
    head = {"call_id": call_id(number)}
    end = start + timedelta(seconds=wait_s)
    caller = f"{call_id(number)}.caller.0"
    return [
        f.CallStarted(
            **head, at=start, room=f"ld-{number}", caller_number="13812341234",
            called_number=centre, centre=centre, message_status="Test",
        ),
        f.LegAdded(
            **head, at=start, leg_id=caller, role=LegRole.CALLER, channel="c", unique_id="1.1"
        ),
        f.LegEnded(**head, at=end, leg_id=caller, ended_by=ended_by),
        f.CallEnded(**head, at=end, reason="abandoned"),
    ]  # fmt: skip


def returned(number, start=START):
    """110 does not answer, the operator of 12345 goes on."""
    call = SampleCall(call_id(number), start)
    back = f.TransferChanged(
        call_id=call.call_id,
        at=start + timedelta(seconds=45),
        transfer_id=f"{call.call_id}.t1",
        state=TransferState.RETURNED_TO_AGENT,
        reason=FailureReason.NO_ANSWER,
    )
    return [*call.started(), call.rings()[1], back, *call.ends()[1:]]


async def given(ledger, *calls):
    for facts in calls:
        await ledger.record(facts)
        await ledger.log_calls([facts[0].call_id])


async def in_one(ledger, scope=DAY, per="range", centre="12345"):
    """The figures of one centre, or of each period of it."""
    found = await ledger.figures(replace(scope, centre=centre), per, ZONE, LIMITS)
    return found[0] if per == "range" else found


# --- the log ----------------------------------------------------------------------------------


async def test_log_is_written_once_however_often_it_is_asked_for(ledger):
    await given(ledger, whole(1))
    before = await ledger.leg_log(None, call_id(1), 50, "", CAP_S)
    await ledger.log_calls([call_id(1), call_id(1)])
    assert await ledger.leg_log(None, call_id(1), 50, "", CAP_S) == before
    assert {leg.role for leg in before} == {"caller", "agent", "target"}
    target = next(leg for leg in before if leg.role == "target")
    assert (target.centre, target.agent, target.wait_ms, target.ring_ms) == (
        "110", "2001", 5000, 4000,
    )  # fmt: skip


async def test_what_comes_after_the_end_is_folded_in(ledger):
    facts = whole(1)
    of_target = SampleCall(call_id(1)).target
    last = [one for one in facts if isinstance(one, f.LegEnded) and one.leg_id == of_target]
    await given(ledger, [fact for fact in facts if fact not in last])
    assert (await in_one(ledger)).estimated == 1
    await given(ledger, facts)
    assert (await in_one(ledger)).estimated == 0


async def test_a_call_that_goes_on_has_no_log(ledger):
    await given(ledger, whole(1)[:-1])
    assert await ledger.leg_log(None, call_id(1), 50, "", CAP_S) == []
    assert await ledger.unlogged(DAY) == 0


async def test_old_calls_are_found_and_logged(ledger):
    for number in range(5):
        await ledger.record(whole(number))
    await ledger.log_calls([call_id(2)])
    assert await ledger.unlogged(DAY) == 4
    assert await ledger.ended_calls(2) == [call_id(0), call_id(1)]
    assert await ledger.ended_calls(9, after=call_id(1)) == [call_id(3), call_id(4)]
    assert len(await ledger.ended_calls(9, logged=True)) == 5


async def test_wrap_up_lasts_until_the_agents_next_answer_and_no_longer_than_the_cap(ledger):
    later = START + timedelta(seconds=100)
    await given(ledger, whole(1), whole(2, start=later), whole(3, start=START + timedelta(days=2)))
    legs = await ledger.leg_log(None, "", 50, "", CAP_S)
    wrap_up = {(leg.call_id, leg.agent): leg.wrap_up_ms for leg in legs if leg.agent}
    # 1001 leaves the first call at 30 s and answers the next at 104 s.
    assert wrap_up[call_id(1), "1001"] == 74_000
    assert wrap_up[call_id(2), "1001"] == CAP_S * 1000
    assert wrap_up[call_id(3), "1001"] is None
    assert all(leg.wrap_up_ms is None for leg in legs if leg.role == "caller")


async def test_legs_page_by_page(ledger):
    await given(ledger, *(whole(number, START + timedelta(minutes=number)) for number in range(4)))
    everything = await ledger.leg_log(DAY, "", 50, "", CAP_S)
    paged, last = [], ""
    while page := await ledger.leg_log(DAY, "", 5, last, CAP_S):
        paged += page
        last = page[-1].id
    assert len(paged) == 12
    assert paged == everything
    assert await ledger.leg_log(DAY, "", 5, "no such leg", CAP_S) == []
    of_110 = await ledger.leg_log(replace(DAY, centre="110"), "", 50, "", CAP_S)
    assert {leg.agent for leg in of_110} == {"2001"}


async def test_recorder_writes_the_log_when_the_call_has_ended(tmp_path):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db")

    async def nobody():
        pass

    settings = Settings(centres=CENTRES, recording={"directory": tmp_path})
    recorder = Recorder(ledger, nobody, lambda fact: None, settings)
    view = CallView(id=call_id(1))
    running = asyncio.create_task(recorder.run())
    for fact in whole(1):
        view.apply(fact)
        recorder.offer(fact, view)
    async with asyncio.timeout(60):
        await recorder.idle()
    running.cancel()
    assert (await in_one(ledger)).answered == 1
    await ledger.close()


# --- figures ----------------------------------------------------------------------------------


async def test_nothing_yet(ledger):
    empty = await in_one(ledger)
    assert (empty.offered, empty.connection_rate, empty.wait.p95_ms) == (0, None, None)


async def test_who_was_served_and_who_was_not(ledger):
    await given(
        ledger, whole(1), whole(2), returned(3), unanswered(4, 40), unanswered(5, 3),
        unanswered(6, 20, ended_by="switch"), unanswered(7, 9, centre="110"),
    )  # fmt: skip
    found = await in_one(ledger)
    assert (found.offered, found.answered, found.answered_in_time) == (6, 3, 3)
    assert (found.abandoned, found.short_abandoned, found.lost, found.returned) == (2, 1, 1, 1)
    assert (found.connection_rate, found.in_time_rate) == (0.5, 0.5)
    assert (found.wait.mean_ms, found.wait.p50_ms, found.wait.p95_ms) == (4000, 4000, 4000)
    everywhere = await ledger.figures(DAY, "range", ZONE, LIMITS)
    assert [(one.centre, one.offered) for one in everywhere] == [("110", 1), ("12345", 6), ("", 7)]


async def test_calls_to_look_at_one_by_one(ledger):
    await given(
        ledger, whole(1), returned(3), unanswered(4, 40), unanswered(5, 3),
        unanswered(6, 20, ended_by="switch"),
    )  # fmt: skip

    async def ids(which, limit=50, before=""):
        found = await ledger.noted(DAY, which, LIMITS, limit, before)
        return [int(call.id[-1]) for call in found]

    assert await ids(Noted.ABANDONED) == [5, 4]
    assert await ids(Noted.ABANDONED, 1) == [5]
    assert await ids(Noted.ABANDONED, 1, call_id(5)) == [4]
    assert await ids(Noted.SHORT_ABANDONED) == [5]
    assert await ids(Noted.LOST) == [6]
    assert await ids(Noted.GAVE_UP) == []
    (back,) = await ledger.noted(DAY, Noted.RETURNED, LIMITS, 50, "")
    assert (back.id, back.caller_number) == (call_id(3), "13812341234")
    (transfer,) = back.transfers_returned
    assert (transfer.outcome, transfer.reason) == ("returned_to_agent", "no_answer")


async def test_transfers_by_outcome(ledger):
    await given(ledger, whole(1), whole(2), returned(3))
    counts = [(one.outcome, one.reason, one.count) for one in await ledger.transfer_counts(DAY)]
    assert counts == [("completed", "", 2), ("returned_to_agent", "no_answer", 1)]
    assert len(await ledger.transfer_counts(replace(DAY, centre="110"))) == 2
    assert await ledger.transfer_counts(replace(DAY, centre="119")) == []


async def test_drills_are_counted_only_when_asked_for(ledger):
    await given(ledger, whole(1))
    assert (await in_one(ledger, replace(DAY, message_status="Actual"))).offered == 0
    assert (await in_one(ledger)).offered == 1


async def test_days_are_shanghais(ledger):
    # 2026-03-02 01:30 UTC is 09:30 there; midnight there is 16:00 UTC.
    before, after = START.replace(hour=15, minute=59), START.replace(hour=16, minute=0)
    late = before + timedelta(days=1)
    long = unanswered(4, 86_460, start=late)
    await given(
        ledger, whole(1), unanswered(2, 30, start=before), unanswered(3, 9, start=after), long
    )
    scope = replace(DAY, start=START - timedelta(days=1), end=START + timedelta(days=3))
    days = [(one.start.isoformat(), one.offered) for one in await in_one(ledger, scope, "day")]
    # The last one came on the third, waited over two midnights, and counts where it came in.
    assert days == [("2026-03-02T00:00:00+08:00", 2), ("2026-03-03T00:00:00+08:00", 2)]
    hours = [(one.start.hour, one.offered) for one in await in_one(ledger, scope, "hour")]
    assert hours == [(9, 1), (23, 1), (0, 1), (23, 1)]


async def test_end_of_a_range_is_left_out(ledger):
    await given(ledger, whole(1))
    assert (await in_one(ledger, replace(DAY, start=START))).offered == 1
    assert (await in_one(ledger, replace(DAY, end=START))).offered == 0


# --- migration --------------------------------------------------------------------------------


async def test_migration_up_down_and_up_again_keeps_the_facts(ledger):
    await given(ledger, whole(1))

    def to(connection, revision):
        config = Config()
        config.set_main_option("script_location", "gateway.ledger:migrations")
        config.attributes["connection"] = connection
        move = command.downgrade if revision == "0001" else command.upgrade
        move(config, revision)
        return set(inspect(connection).get_table_names())

    async with ledger.write() as connection:
        tables = await connection.run_sync(to, "0001")
        assert not tables & {"call_log", "leg_log"}
    async with ledger.write() as connection:
        assert {"call_log", "leg_log"} <= await connection.run_sync(to, "0002")
        assert await connection.scalar(text("SELECT count(*) FROM facts")) == len(whole(1))
    assert await ledger.unlogged(DAY) == 1
    await ledger.log_calls(await ledger.ended_calls(10))
    assert (await in_one(ledger)).answered == 1
