"""From the journal's facts back to live state: what a restarted gateway knows and arms."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.events import Deadline
from gateway.calls.facts import FailureReason, TransferState
from gateway.calls.machine import step
from gateway.calls.recovery import deadlines, state_of, views_of
from gateway.calls.state import CallState
from gateway.calls.transfer import RING_GRACE_S

from .given import (
    CALL,
    CALLER,
    CALLER_LEG,
    LI,
    OFFICER,
    OPERATOR,
    OPERATOR_LEG,
    ROOM,
    SECOND_OPERATOR,
    START,
    TARGET,
    WANG,
    ZHANG,
    Scene,
    given_briefing,
    given_call_waiting,
    given_handed_over,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    rules,
)


def restart(scene: Scene) -> CallState:
    """The gateway dies; another one reads the journal. The scene goes on with it."""
    view = views_of(scene.facts)[CALL]
    scene.state = state_of(view, scene.state.rules)
    scene.view = view
    return scene.state


def given_native(scene: Scene) -> Scene:
    """The dialplan itself has rung 110 after Zhang's key."""
    scene.asks(e.Ask.TRANSFER, OPERATOR, native=True)
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    return scene


def test_views_of_keeps_calls_apart() -> None:
    mine = given_talking().facts
    other = f.CallStarted(
        call_id="call-2", at=START, room="ld-2.1", caller_number="", called_number="", centre="110"
    )
    views = views_of([mine[0], other, *mine[1:]])
    assert set(views) == {CALL, "call-2"}
    assert views["call-2"].legs == {}
    assert list(views[CALL].legs) == [CALLER_LEG, OPERATOR_LEG]


def test_a_call_in_talk_comes_back_as_it_was() -> None:
    scene = given_talking()
    before = scene.state
    assert restart(scene) == before


def test_a_caller_whom_nobody_has_served_is_abandoned_when_they_go() -> None:
    scene = given_call_waiting()
    assert not restart(scene).served
    scene.hangs_up(CALLER)
    assert scene.view.end_reason == "abandoned"


def test_ended_legs_stay_gone() -> None:
    scene = given_handed_over()
    state = restart(scene)
    assert [leg.id for leg in state.agents] == [TARGET]
    assert state.gone == {OPERATOR}
    # A late word about the operator's channel does not bring them back.
    scene.on(e.AgentConnected, channel="PJSIP/1001-2", unique_id=OPERATOR, party=ZHANG)
    assert [leg.id for leg in scene.state.agents] == [TARGET]


def test_an_ended_call_is_over() -> None:
    scene = given_talking()
    scene.hangs_up(CALLER)
    scene.ended(OPERATOR)
    state = restart(scene)
    assert state.ended
    assert state.caller is None
    assert state.agents == ()


def test_a_room_is_remembered_for_those_who_were_in_it() -> None:
    state = restart(given_three_way())
    assert state.caller is not None
    assert state.room == ROOM
    legs = {leg.id: leg.in_room for leg in [state.caller, *state.agents]}
    assert legs == {CALLER_LEG: True, OPERATOR_LEG: True, TARGET: True}


def test_a_ringing_target_is_not_rung_again_and_its_leg_is_known() -> None:
    scene = given_ringing_transfer()
    transfer = restart(scene).transfer
    assert transfer is not None
    assert (transfer.leg_id, transfer.rung, transfer.answered) == (TARGET, True, False)
    scene.commands.clear()
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    assert scene.all(c.RingTarget) == []
    scene.answers()
    scene.joined(TARGET)
    assert scene.history[-1] is TransferState.THREE_WAY


def test_briefing_waits_for_the_room_still() -> None:
    scene = given_briefing()
    transfer = restart(scene).transfer
    assert transfer is not None
    assert (transfer.answered, transfer.joined) == (True, False)
    scene.joined(TARGET)
    assert scene.history[-1] is TransferState.THREE_WAY


def test_a_three_way_talk_is_completed_by_the_operators_end() -> None:
    scene = given_three_way()
    restart(scene)
    assert scene.transfer.committed
    scene.hangs_up(OPERATOR)
    assert scene.history[-2:] == [TransferState.RELEASED, TransferState.COMPLETED]


@pytest.mark.parametrize("restarts", [1, 2, 3])
def test_the_ringing_leg_is_found_after_any_number_of_restarts(restarts: int) -> None:
    scene = given_three_way()
    scene.hangs_up(OFFICER)
    scene.ended(TARGET)
    for _ in range(restarts):
        restart(scene)
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    told = [one.leg_id for one in scene.all(c.RingTarget)]
    for _ in range(restarts):
        assert restart(scene).transfer is not None
        assert scene.transfer.leg_id == told[-1]
    assert len(set(told)) == 2


def test_leg_ids_are_not_given_twice() -> None:
    scene = given_ringing_transfer()
    scene.ended(TARGET)
    restart(scene)
    scene.on(e.AgentConnected, channel="PJSIP/1002-3", unique_id=SECOND_OPERATOR, party=WANG)
    restart(scene)
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    legs = [TARGET, *scene.view.legs, scene.transfer.leg_id]
    numbers = [leg.rpartition(".")[2] for leg in legs if leg != CALLER_LEG]
    assert len(set(numbers)) == len(numbers)


def test_a_number_whose_fact_was_lost_is_not_given_again() -> None:
    scene = given_briefing()
    view = views_of([one for one in scene.facts if not one.kind.startswith("transfer.")])[CALL]
    assert state_of(view, rules()).spent == 2


def test_a_native_ring_is_not_ours_to_look_for() -> None:
    scene = given_native(given_talking())
    before = scene.transfer
    restart(scene)
    assert scene.transfer.native
    assert (scene.transfer.rung, scene.transfer.leg_id) == (before.rung, before.leg_id)


def test_whoever_comes_in_natively_after_the_restart_is_the_target() -> None:
    scene = given_native(given_talking())
    restart(scene)
    scene.joined("1.77")
    assert scene.history[-1] is TransferState.THREE_WAY


def test_a_native_talk_releases_nobody_after_a_restart() -> None:
    scene = given_native(given_talking())
    scene.joined("1.77")
    before = scene.transfer
    state = restart(scene)
    assert scene.transfer == before
    assert deadlines(state, START) == []


# --- deadlines -------------------------------------------------------------------------------


def test_nothing_is_armed_without_a_live_transfer() -> None:
    assert deadlines(restart(given_talking()), START) == []
    assert deadlines(restart(given_handed_over()), START) == []


def test_an_unanswered_target_gets_its_whole_ring_time_again() -> None:
    state = restart(given_ringing_transfer())
    due = START + timedelta(seconds=30 + RING_GRACE_S)
    assert deadlines(state, START) == [c.Arm(Deadline.RING, TARGET, due)]


def test_a_ring_deadline_returns_the_caller_to_the_operator() -> None:
    scene = given_ringing_transfer()
    restart(scene)
    [arm] = deadlines(scene.state, scene.at)
    scene.state, _ = step(scene.state, e.DeadlinePassed(arm.at, arm.deadline, arm.ref))
    assert scene.transfer.state is TransferState.RETURNED_TO_AGENT


def test_a_briefing_operator_is_released_in_time() -> None:
    scene = given_three_way(rules(brief_s=8), ask=e.Ask.TRANSFER)
    restart(scene)
    scene.armed = deadlines(scene.state, scene.at)
    assert scene.armed == [c.Arm(Deadline.RELEASE, "t1", scene.at + timedelta(seconds=8))]
    scene.wait(8)
    assert scene.hung_up() == [OPERATOR]


@pytest.mark.parametrize(
    ("links", "ask"),
    [(rules(), e.Ask.THREE_WAY), (rules(release="talk"), e.Ask.TRANSFER)],
    ids=["three-way key", "release by talk"],
)
def test_nobody_is_released_who_would_not_have_been(
    links: dict[tuple[str, str], object], ask: e.Ask
) -> None:
    scene = given_three_way(links, ask)  # type: ignore[arg-type]
    assert deadlines(restart(scene), START) == []


def test_a_link_taken_out_of_the_settings_has_the_default_rules() -> None:
    scene = given_ringing_transfer()
    view = views_of(scene.facts)[CALL]
    state = state_of(view, {})
    assert state.transfer is not None
    assert state.transfer.rules.ring_s == 30.0
    assert deadlines(replace(state, transfer=None), START) == []


def test_the_party_of_each_leg_is_known_again() -> None:
    state = restart(given_three_way())
    assert [leg.party for leg in state.agents] == [ZHANG, LI]


def test_a_failed_transfer_stays_failed() -> None:
    scene = given_ringing_transfer()
    scene.ended(TARGET)
    restart(scene)
    assert not scene.transfer.live
    assert scene.shown.steps[-1].reason is FailureReason.NO_ANSWER
    scene.answers()
    assert [leg.id for leg in scene.state.agents] == [OPERATOR_LEG]
