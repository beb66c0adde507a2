"""Whose call it is, as the API asks call control; and facts of calls long gone."""

from pathlib import Path

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import TransferKind
from gateway.calls.port import TransferOrder
from gateway.calls.state import Rules
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.errors import DesignationNeeded, IllegalVerb

from .given import CALLER, LI, OFFICER, OPERATOR, ROOM
from .test_registry import BOSS, OPERATOR_ACTOR, TO_110, Office

THREE_WAY = TransferOrder("110", TransferKind.THREE_WAY)


@pytest.fixture
async def office(tmp_path: Path) -> Office:  # type: ignore[misc]
    office = Office(tmp_path)
    # The first hand-over asks already.
    once = Rules(designate_at=1)
    office.registry._tools.rules.update(  # type: ignore[attr-defined]
        {("12345", "110"): once, ("110", "12345"): once}
    )
    yield office  # type: ignore[misc]
    await office.registry.close()
    office.journal.close()


async def test_a_hand_over_too_many_says_what_it_needs(office: Office) -> None:
    view = await office.talking()
    for key in ("one", "one", "two"):
        order = TransferOrder("110", TransferKind.ONE_KEY, key)
        with pytest.raises(DesignationNeeded, match="a supervisor has to designate"):
            await office.registry.transfer(view.id, order, OPERATOR_ACTOR)
    await office.settled()
    assert view.designation_asked is not None
    assert office.switch.all(c.RingTarget) == []
    assert [one.announcement for one in office.switch.all(c.Tell)] == ["designation-asked"] * 3


async def test_designated_it_rings(office: Office) -> None:
    view = await office.talking()
    with pytest.raises(DesignationNeeded):
        await office.registry.transfer(view.id, TO_110, OPERATOR_ACTOR)
    found = await office.registry.designate(view.id, "110", "", BOSS)
    assert found.owner is not None
    assert (found.owner.centre, found.owner.by) == ("110", "boss")
    made = await office.registry.transfer(view.id, TO_110, OPERATOR_ACTOR)
    assert made.hop == 1


async def test_only_centres_accept(office: Office) -> None:
    view = await office.talking()
    with pytest.raises(IllegalVerb, match="110, 12345"):
        await office.registry.designate(view.id, "119", "", BOSS)
    office.ends(CALLER)
    await office.settled()
    with pytest.raises(IllegalVerb, match="ended"):
        await office.registry.designate(view.id, "110", "", BOSS)


async def test_there_is_nothing_to_settle_before_a_three_way(office: Office) -> None:
    view = await office.talking()
    with pytest.raises(IllegalVerb, match="three-way"):
        await office.registry.settle(view.id, "110", OPERATOR_ACTOR)


async def test_a_three_way_is_settled(office: Office) -> None:
    view = await office.talking()
    await office.registry.transfer(view.id, THREE_WAY, OPERATOR_ACTOR)
    await office.settled()
    for unique_id in (CALLER, OPERATOR):
        office.sees(e.RoomJoined(now(), unique_id, ""), room=ROOM)
    [ring] = office.switch.all(c.RingTarget)
    answered = e.TargetAnswered(now(), ring.leg_id, "PJSIP/2001-1", OFFICER, LI)
    office.sees(answered, room=ROOM)
    office.sees(e.RoomJoined(now(), ring.leg_id, ""), room=ROOM)
    await office.settled()
    settled = await office.registry.settle(view.id, "", OPERATOR_ACTOR)
    assert settled.owner is not None
    assert (settled.owner.centre, settled.owner.how) == ("12345", "first_answer")


async def test_a_fact_of_a_call_long_gone_is_passed_on(office: Office) -> None:
    told: list[tuple[f.Fact, CallView]] = []
    object.__setattr__(
        office.registry._tools, "on_fact", lambda fact, view: told.append((fact, view))
    )
    view = CallView(id="of-last-week")
    taken = f.CallbackTaken(call_id=view.id, number="CB-12345-20261122-0001", by="1001")
    office.registry.tell(taken, view)
    assert told == [(taken, view)]
