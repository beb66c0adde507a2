"""All calls: routing, verbs by API, Idempotency-Keys, reconciliation, forgetting."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import TransferKind, TransferState
from gateway.calls.journal import Journal
from gateway.calls.port import Actor, TransferOrder, Verb
from gateway.calls.registry import KEEP_ENDED, Registry
from gateway.calls.session import Session, Tools
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.errors import CallNotFound, IdempotencyConflict, IllegalVerb, NotInControl
from gateway.telephony.fakes import FakeSwitch
from gateway.telephony.port import Sighting

from .given import CALLER, LI, OFFICER, OPERATOR, ROOM, ZHANG, rules

OPERATOR_ACTOR = Actor("张敏", "operator", ZHANG.agent)
BOSS = Actor("boss", "supervisor")
TO_110 = TransferOrder("110", TransferKind.ONE_KEY)
KEYS = {(Verb.TRANSFER, "110"): "*110", (Verb.THREE_WAY, "110"): "*3", (Verb.BACK, ""): "*0"}


class Office:
    def __init__(self, folder: Path) -> None:
        self.switch = FakeSwitch()
        self.journal = Journal(folder)
        self.in_control = True
        tools = Tools(
            self.switch,
            self.journal,
            lambda _fact, _view: None,
            rules(),
            in_control=lambda: self.in_control,
        )
        self.registry = Registry(tools, KEYS)

    def sees(self, event: e.Event, unique_id: str = "", room: str = "") -> None:
        self.registry.sight(Sighting(event, unique_id, room))

    def arrives(self, room: str = ROOM, unique_id: str = CALLER) -> None:
        arrived = e.CallArrived(
            now(),
            room=room,
            channel="PJSIP/city-00000001",
            unique_id=unique_id,
            caller_number="13800000001",
            called_number="12345",
            centre="12345",
        )
        self.sees(arrived, room=room)

    @property
    def session(self) -> Session:
        """The newest call's."""
        newest = max(self.registry.calls(), key=lambda view: view.id)
        found = self.registry.session_of_leg(newest.id)
        assert found is not None
        return found

    async def settled(self) -> None:
        for view in self.registry.calls():
            session = self.registry.session_of_leg(view.id)
            assert session is not None
            await session.ask(e.Event(now()))
            while session._doing:
                await asyncio.gather(*session._doing)
                await session.ask(e.Event(now()))

    async def talking(self) -> CallView:
        self.arrives()
        connected = e.AgentConnected(now(), "PJSIP/1001-00000002", OPERATOR, ZHANG)
        self.sees(connected, unique_id=CALLER)
        await self.settled()
        return self.session.view

    async def ringing(self) -> tuple[CallView, str]:
        """Transferred by the API; the target's leg id, which the switch has taken."""
        view = await self.talking()
        await self.registry.transfer(view.id, TO_110, OPERATOR_ACTOR)
        await self.settled()
        for unique_id in (CALLER, OPERATOR):
            self.sees(e.RoomJoined(now(), unique_id, ""), room=ROOM)
        [ring] = self.switch.all(c.RingTarget)
        self.sees(e.TargetRinging(now(), ring.leg_id), unique_id=ring.leg_id)
        await self.settled()
        return view, ring.leg_id

    def ends(self, unique_id: str) -> None:
        self.sees(e.ChannelEnded(now(), unique_id, 16), unique_id=unique_id)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    yield office
    await office.registry.close()
    office.journal.close()


async def test_a_call_arrives_once_however_often_it_is_told(office: Office) -> None:
    office.arrives()
    office.arrives()
    await office.settled()
    [view] = office.registry.calls()
    assert (view.room, view.caller_number) == (ROOM, "13800000001")
    assert len(view.legs) == 1


async def test_two_calls_do_not_hear_of_each_other(office: Office) -> None:
    office.arrives()
    office.arrives(room="ld-2.1", unique_id="2.1")
    office.ends("2.1")
    await office.settled()
    # Live calls come before those that have ended.
    first, second = office.registry.calls()
    assert (first.room, first.ended_at) == (ROOM, None)
    assert (second.room, second.end_reason) == ("ld-2.1", "abandoned")


async def test_what_concerns_no_call_is_dropped(office: Office) -> None:
    office.sees(e.ChannelEnded(now(), "9.9", 16), unique_id="9.9")
    office.sees(e.CallerHeld(now()), room="ld-9.9")
    office.sees(e.TargetRinging(now(), "gone.target.1"), unique_id="gone.target.1")
    office.registry.record(f.SpeechClosed(call_id="gone", leg_id="gone.caller.0"))
    assert office.registry.calls() == []


async def test_the_targets_phone_is_found_by_its_own_channel(office: Office) -> None:
    view, leg_id = await office.ringing()
    answered = e.TargetAnswered(now(), leg_id, "PJSIP/2001-9", OFFICER, LI)
    office.sees(answered, unique_id=leg_id)
    office.ends(OFFICER)
    await office.settled()
    assert view.legs[leg_id].ended_at is not None


async def test_a_native_targets_hang_up_finds_its_call(office: Office) -> None:
    view = await office.talking()
    asked = e.Asked(
        now(), ask=e.Ask.TRANSFER, ref="t1", target="110", unique_id=OPERATOR, native=True
    )
    office.sees(e.KeyPressed(now(), asked, 0.1), room=ROOM)
    office.sees(e.RoomJoined(now(), "7.7", "Local/110@x-1;1"), room=ROOM)
    office.ends("7.7")
    await office.settled()
    assert view.transfers[0].state is TransferState.RETURNED_TO_AGENT


async def test_a_transfer_by_api(office: Office) -> None:
    view, _ = await office.ringing()
    [transfer] = view.transfers
    assert (transfer.via, transfer.agent, transfer.state) == ("api", "a1001", TransferState.RINGING)


async def test_the_same_key_gives_the_same_transfer(office: Office) -> None:
    view = await office.talking()
    order = TransferOrder("110", TransferKind.ONE_KEY, "k-1")
    first = await office.registry.transfer(view.id, order, OPERATOR_ACTOR)
    again = await office.registry.transfer(view.id, order, OPERATOR_ACTOR)
    assert first.id == again.id
    await office.settled()
    assert len(office.switch.all(c.RingTarget)) == 1
    other = TransferOrder("110", TransferKind.THREE_WAY, "k-1")
    with pytest.raises(IdempotencyConflict):
        await office.registry.transfer(view.id, other, OPERATOR_ACTOR)


async def test_out_of_control_nothing_is_taken_and_the_same_key_may_come_again(
    office: Office,
) -> None:
    view = await office.talking()
    order = TransferOrder("110", TransferKind.ONE_KEY, "k-1")
    office.in_control = False
    with pytest.raises(NotInControl, match="try again"):
        await office.registry.transfer(view.id, order, OPERATOR_ACTOR)
    assert view.transfers == []
    office.in_control = True
    await office.registry.transfer(view.id, order, OPERATOR_ACTOR)
    assert len(view.transfers) == 1


async def test_the_key_holds_when_its_client_went_away_too_soon(office: Office) -> None:
    view = await office.talking()
    order = TransferOrder("110", TransferKind.ONE_KEY, "k-1")
    request = asyncio.create_task(office.registry.transfer(view.id, order, OPERATOR_ACTOR))
    await asyncio.sleep(0)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await office.settled()
    again = await office.registry.transfer(view.id, order, OPERATOR_ACTOR)
    assert again.id == view.transfers[0].id
    assert len(view.transfers) == 1


async def test_a_refused_order_leaves_its_key_free(office: Office) -> None:
    office.arrives()
    await office.settled()
    view = office.session.view
    order = TransferOrder("110", TransferKind.ONE_KEY, "k-1")
    with pytest.raises(IllegalVerb):
        await office.registry.transfer(view.id, order, OPERATOR_ACTOR)
    connected = e.AgentConnected(now(), "PJSIP/1001-2", OPERATOR, ZHANG)
    office.sees(connected, unique_id=CALLER)
    await office.settled()
    await office.registry.transfer(view.id, order, OPERATOR_ACTOR)


@pytest.mark.parametrize(
    ("order", "by"),
    [
        (TransferOrder("119", TransferKind.ONE_KEY), OPERATOR_ACTOR),
        (TransferOrder("12345", TransferKind.ONE_KEY), OPERATOR_ACTOR),
        (TO_110, Actor("王芳", "operator", "a1002")),
    ],
)
async def test_illegal_transfers_are_refused(
    office: Office, order: TransferOrder, by: Actor
) -> None:
    view = await office.talking()
    with pytest.raises(IllegalVerb):
        await office.registry.transfer(view.id, order, by)
    assert view.transfers == []


async def test_verbs_that_are_not_legal_now(office: Office) -> None:
    view = await office.talking()
    for verb in (office.registry.back, office.registry.release):
        with pytest.raises(IllegalVerb):
            await verb(view.id, OPERATOR_ACTOR)
    with pytest.raises(CallNotFound):
        await office.registry.back("no-such-call", BOSS)


def _offered(office: Office, view: CallView) -> set[tuple[Verb, str, str]]:
    return {(one.verb, one.target, one.key) for one in office.registry.legal(view.id)}


async def test_what_is_offered_is_what_is_legal(office: Office) -> None:
    view = await office.talking()
    assert _offered(office, view) == {
        (Verb.TRANSFER, "110", "*110"),
        (Verb.THREE_WAY, "110", "*3"),
        (Verb.CONSULT, "110", ""),
    }
    await office.registry.transfer(view.id, TO_110, BOSS)
    assert _offered(office, view) == {(Verb.BACK, "", "*0")}
    await office.registry.back(view.id, BOSS)
    assert view.transfers[0].state is TransferState.CANCELLED


async def test_a_supervisor_can_do_what_is_offered(office: Office) -> None:
    view, leg_id = await office.ringing()
    office.sees(e.TargetAnswered(now(), leg_id, "PJSIP/2001-9", OFFICER, LI), unique_id=leg_id)
    office.sees(e.RoomJoined(now(), leg_id, ""), room=ROOM)
    office.ends(OPERATOR)
    await office.settled()
    # 110's officer alone has the caller: the only link offered is theirs.
    assert {target for _, target, _ in _offered(office, view)} == {"12345"}
    await office.registry.transfer(view.id, TransferOrder("12345", TransferKind.ONE_KEY), BOSS)
    assert view.transfers[-1].transferor_leg == leg_id


async def test_decisions_name_the_suggestion_that_was_seen(office: Office) -> None:
    view = await office.talking()
    made = f.SuggestionMade(
        call_id=view.id,
        suggestion_id="s1",
        platform="110",
        item="B1",
        urgency="urgent",
        confidence=0.8,
        version="t",
    )
    office.registry.record(made)
    decide: Any = office.registry.decide
    with pytest.raises(IllegalVerb):
        await decide(view.id, "s0", "accepted", "110", "B1", OPERATOR_ACTOR)
    await decide(view.id, "s1", "changed", "12345", None, OPERATOR_ACTOR)
    assert view.decision is not None
    assert (view.decision.decision, view.decision.agent) == ("changed", "a1001")


async def test_accepting_an_emergency_marks_the_call(office: Office) -> None:
    view = await office.talking()
    made = {"call_id": view.id, "platform": "110", "item": "B1", "confidence": 0.9, "version": "t"}
    decide: Any = office.registry.decide
    for number, urgency in enumerate(("urgent", "emergency")):
        suggested = f.SuggestionMade(suggestion_id=f"s{number}", urgency=urgency, **made)  # type: ignore[arg-type]
        office.registry.record(suggested)
        await decide(view.id, f"s{number}", "accepted", "110", "B1", OPERATOR_ACTOR)
        assert view.danger is (urgency == "emergency")
    await office.registry.transfer(view.id, TO_110, OPERATOR_ACTOR)
    await office.settled()
    assert [ring.urgent for ring in office.switch.all(c.RingTarget)] == [True]


async def test_an_ended_call_is_not_marked(office: Office) -> None:
    view = await office.talking()
    office.ends(CALLER)
    await office.settled()
    with pytest.raises(IllegalVerb):
        await office.registry.mark(view.id, True, OPERATOR_ACTOR)


async def test_reconcile_ends_what_is_gone_and_leaves_what_lives(office: Office) -> None:
    view, leg_id = await office.ringing()
    office.registry.reconcile({CALLER, OPERATOR, leg_id})
    await office.settled()
    assert view.transfers[0].state is TransferState.RINGING
    office.registry.reconcile({CALLER, OPERATOR})
    await office.settled()
    assert view.transfers[0].state is TransferState.RETURNED_TO_AGENT
    office.registry.reconcile({OPERATOR})
    await office.settled()
    assert view.ended_at is not None


async def test_reconcile_spares_what_came_after_the_question(office: Office) -> None:
    office.arrives()
    await office.settled()
    known = office.registry.channels()
    connected = e.AgentConnected(now(), "PJSIP/1001-2", OPERATOR, ZHANG)
    office.sees(connected, unique_id=CALLER)
    await office.settled()
    office.registry.reconcile({CALLER}, known)
    await office.settled()
    assert [leg.ended_at for leg in office.session.view.legs.values()] == [None, None]


async def test_reconcile_knows_a_target_by_the_leg_in_the_room(office: Office) -> None:
    """The phone that the queue found may change; the leg that we rang is what counts."""
    view, leg_id = await office.ringing()
    office.sees(e.TargetAnswered(now(), leg_id, "PJSIP/2001-9", OFFICER, LI), unique_id=leg_id)
    await office.settled()
    office.registry.reconcile({CALLER, OPERATOR, leg_id})
    await office.settled()
    assert view.legs[leg_id].ended_at is None


async def test_ended_calls_are_forgotten_after_a_while(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await office.talking()
    for unique_id in (CALLER, OPERATOR):
        office.ends(unique_id)
    await office.settled()
    old = office.session
    office.arrives(room="ld-2.1", unique_id="2.1")
    assert office.registry.call(view.id) is view
    later = now() + KEEP_ENDED + timedelta(seconds=1)
    monkeypatch.setattr("gateway.calls.registry.now", lambda: later)
    office.arrives(room="ld-3.1", unique_id="3.1")
    with pytest.raises(CallNotFound):
        office.registry.call(view.id)
    assert office.registry.session_of_leg(f"{view.id}.caller.0") is None
    assert old._task is not None
    await asyncio.wait([old._task])
    assert old._task.cancelled()
    # Its room name may be told again without waking it.
    office.sees(e.CallerHeld(now()), room=ROOM)
    assert len(office.registry.calls()) == 2


async def test_a_call_with_somebody_still_on_it_is_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await office.talking()
    office.ends(CALLER)
    await office.settled()
    later = now() + KEEP_ENDED * 2
    monkeypatch.setattr("gateway.calls.registry.now", lambda: later)
    office.arrives(room="ld-2.1", unique_id="2.1")
    assert office.registry.call(view.id) is view


async def test_the_end_of_an_operator_who_came_unseen_is_routed(office: Office) -> None:
    office.arrives()
    await office.settled()
    connected = e.AgentConnected(now(), "PJSIP/1001-00000002", OPERATOR, ZHANG)
    office.registry.catch_up(lambda _state: [connected])
    await office.settled()
    office.ends(OPERATOR)
    await office.settled()
    [leg] = [leg for leg in office.session.view.legs.values() if leg.unique_id == OPERATOR]
    assert leg.ended_at is not None
