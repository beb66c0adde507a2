"""The recorder on a real SQLite file."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from time import monotonic, perf_counter

import pytest
from sqlalchemy import text, update

from gateway.calls.callback_task import Hand
from gateway.calls.facts import (
    CallbackDue,
    CallbackOpened,
    LegEnded,
    TicketQueued,
    TransferChanged,
    TransferRequested,
    TransferState,
)
from gateway.calls.view import CallView
from gateway.ledger import tables as t
from gateway.ledger.recorder import Recorder
from gateway.ledger.repository import Ledger
from gateway.ledger.triggers import SPEECH_WAIT_S
from gateway.settings import Settings
from gateway.tickets.sample import CENTRES, SampleCall, fold

PATIENCE_S = 20


class Desk:
    """A recorder, the ledger it writes, and control's part: folding and publishing."""

    def __init__(self, folder, wake=None):
        self.path = folder / "ledger.db"
        self.ledger = Ledger(f"sqlite+aiosqlite:///{self.path}", busy_ms=20)
        self.views, self.told, self.wakes = {}, [], 0
        settings = Settings(centres=CENTRES, recording={"directory": folder})
        self.recorder = Recorder(self.ledger, wake or self._woken, self._publish, settings)

    def tell(self, *facts):
        for fact in facts:
            view = self.views.setdefault(fact.call_id, CallView(id=fact.call_id))
            view.apply(fact)
            self.told.append(fact)
            self.recorder.offer(fact, view)

    async def settled(self):
        async with asyncio.timeout(PATIENCE_S):
            await self.recorder.idle()

    async def revisions(self, call_id="call-1"):
        ticket = self.views[call_id].ticket
        return [(e.revision, e.phase) for e in await self.ledger.revisions(ticket.id)]

    async def document(self, call_id="call-1"):
        return (await self.ledger.ticket(self.views[call_id].ticket.id))[1]

    def queued(self):
        return [fact for fact in self.told if isinstance(fact, TicketQueued)]

    def _publish(self, fact):
        self.tell(fact)

    async def _woken(self):
        self.wakes += 1


@asynccontextmanager
async def open_desk(folder, **more):
    desk = Desk(folder, **more)
    running = asyncio.create_task(desk.recorder.run())
    try:
        yield desk
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await desk.ledger.close()


@pytest.fixture
async def desk(tmp_path):
    async with open_desk(tmp_path) as desk:
        yield desk


async def mark_delivered(ledger):
    async with ledger.write() as connection:
        await connection.execute(update(t.outbox).values(state="delivered", attempts=1))


CALL = SampleCall("call-1")
LIVE = [*CALL.started(), *CALL.rings(), *CALL.answers()]


async def test_ringing_issues_a_preliminary_ticket(desk):
    desk.tell(*CALL.started(), *CALL.rings())
    await desk.settled()
    assert await desk.revisions() == [(1, "preliminary")]
    assert [(fact.revision, fact.phase) for fact in desk.queued()] == [(1, "preliminary")]
    assert (await desk.document())["transfers"][0]["state"] == "ringing"
    assert desk.wakes == 1


async def test_preliminary_shows_the_moment_of_ringing(desk):
    desk.tell(*LIVE)  # 110 has answered before the recorder had its turn
    await desk.settled()
    document = await desk.document()
    assert document["transfers"][0]["state"] == "ringing"
    assert [leg["answered_at"] for leg in document["legs"]][-1] is None


async def test_second_ringing_issues_nothing_more(desk):
    desk.tell(*CALL.started(), *CALL.rings(), *CALL.rings(at=25))
    await desk.settled()
    assert await desk.revisions() == [(1, "preliminary")]


async def test_a_hand_back_that_rings_sends_what_is_known_by_then(desk):
    back = [one for one in CALL.answers() if not isinstance(one, LegEnded)]
    again = TransferRequested(
        call_id="call-1",
        transfer_id="back",
        transfer_kind="one_key",
        source="110",
        target="12345",
        transferor_leg=CALL.target,
        hop=2,
    )
    rings = TransferChanged(call_id="call-1", transfer_id="back", state=TransferState.RINGING)
    desk.tell(*LIVE[:-1], *back, again, rings, rings)
    await desk.settled()
    assert await desk.revisions() == [(1, "preliminary"), (2, "preliminary")]
    document = await desk.document()
    assert document["call"]["handovers"] == 1
    assert [one["hop"] for one in document["transfers"]] == [1, 2]


async def test_a_callback_gets_its_number_told_and_into_the_ticket(desk):
    due = CallbackDue(call_id="call-1", centre="12345", why="caller_gone", target="110")
    desk.tell(*CALL.started(), *CALL.rings(), due, *CALL.ends(), *CALL.closed())
    await desk.settled()
    [number] = [one.number for one in desk.told if isinstance(one, CallbackOpened)]
    assert number.startswith("CB-12345-")
    assert (await desk.document())["callback"]["callback_number"] == number
    taken = await desk.ledger.take_callback(number, Hand("1001"))
    desk.tell(taken)
    await desk.settled()
    callback = (await desk.document())["callback"]
    assert (callback["state"], callback["by"]) == ("taken", "1001")


async def test_final_comes_at_once_when_all_was_heard(desk):
    desk.tell(*LIVE, *CALL.closed())
    await desk.settled()
    began = monotonic()
    desk.tell(*CALL.ends())
    await desk.settled()
    assert monotonic() - began < SPEECH_WAIT_S
    assert await desk.revisions() == [(1, "preliminary"), (2, "final")]
    assert (await desk.document())["transcript"]["complete"]


async def test_final_goes_without_words_that_do_not_come(desk):
    desk.tell(*LIVE, *CALL.ends())
    await desk.settled()
    assert await desk.revisions() == [(1, "preliminary"), (2, "final")]
    assert not (await desk.document())["transcript"]["complete"]


async def test_late_facts_make_one_further_revision(desk):
    desk.tell(*LIVE, *CALL.ends(), *CALL.closed())
    await desk.settled()
    late = [CALL.said(f"late{n}", CALL.caller, 50 + n, "喂") for n in range(3)]
    desk.tell(*late, CALL.decided())
    await desk.settled()
    assert await desk.revisions() == [(1, "preliminary"), (2, "final"), (3, "final")]
    document = await desk.document()
    assert len(document["transcript"]["utterances"]) == 4
    assert document["decision"]["agent"] == "2001"
    assert document["created_at"] < document["updated_at"]


async def test_journal_told_again_changes_nothing(tmp_path):
    async with open_desk(tmp_path) as desk:
        desk.tell(*LIVE, *CALL.ends(), *CALL.closed(), CALL.decided())
        await desk.settled()
        journal, position = list(desk.told), await desk.ledger.position()
        before = await desk.revisions()
    async with open_desk(tmp_path) as desk:
        desk.tell(*journal)
        await desk.settled()
        assert desk.told == journal
        assert await desk.ledger.position() == position
        assert await desk.revisions() == before


async def test_ticket_saved_before_a_crash_is_told_after_it(tmp_path):
    async with open_desk(tmp_path) as desk:
        desk.tell(*LIVE)
        await desk.settled()
        journal = [fact for fact in desk.told if not isinstance(fact, TicketQueued)]
        [queued] = desk.queued()
        await mark_delivered(desk.ledger)
    async with open_desk(tmp_path) as desk:
        desk.tell(*journal)
        await desk.settled()
        assert [fact.ticket_id for fact in desk.queued()] == [queued.ticket_id]
        assert await desk.revisions() == [(1, "preliminary")]
        assert desk.views["call-1"].ticket.state == "delivered"


async def test_nothing_is_lost_while_the_ledger_is_locked(desk):
    desk.tell(*CALL.started())
    await desk.settled()
    with closing(sqlite3.connect(desk.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = perf_counter()
        desk.tell(*CALL.rings(), *CALL.answers(), *CALL.ends(), *CALL.closed())
        assert perf_counter() - began < 0.02
        position = await desk.ledger.position()
        async with asyncio.timeout(PATIENCE_S):
            while desk.recorder._pause <= 0.2:  # noqa: ASYNC110 - until it met the lock twice
                await asyncio.sleep(0)
        assert await desk.ledger.position() == position
        other.execute("ROLLBACK")
    await desk.settled()
    assert await desk.revisions() == [(1, "preliminary"), (2, "final")]
    assert await desk.ledger.call("call-1") == fold("call-1", desk.told)


async def test_fact_the_ledger_refuses_does_not_stop_the_others(desk):
    await desk.ledger.prepare()
    async with desk.ledger.write() as connection:
        await connection.execute(
            text(
                "CREATE TRIGGER no BEFORE INSERT ON facts WHEN NEW.body LIKE '%poison%' "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )
    poison = CALL.said("poison", CALL.caller, 20, "喂")
    desk.tell(*CALL.started(), poison, *CALL.rings())
    await desk.settled()
    kept = (await desk.ledger.call("call-1")).utterances
    assert [heard.utterance_id for heard in kept] == ["call-1.u1"]
    assert await desk.revisions() == [(1, "preliminary")]


async def test_wake_up_that_fails_holds_nothing_up(tmp_path):
    async def no_redis():
        raise OSError("Redis is down")

    async with open_desk(tmp_path, wake=no_redis) as desk:
        desk.tell(*LIVE, *CALL.ends(), *CALL.closed())
        await desk.settled()
        assert await desk.revisions() == [(1, "preliminary"), (2, "final")]
