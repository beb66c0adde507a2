"""Operators and callers who leave, in every state."""

from collections.abc import Callable

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import TransferState

from .given import (
    CALL,
    CALLER,
    OFFICER,
    OPERATOR,
    TARGET,
    WANG,
    Scene,
    given_briefing,
    given_call_waiting,
    given_early_answer,
    given_handed_over,
    given_held,
    given_moving,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    names,
)

Given = Callable[[], Scene]
GONE = TransferState.CALLER_GONE


# --- the operator leaves ---------------------------------------------------------------------


def test_operator_leaves_while_it_rings_and_the_person_gets_the_caller() -> None:
    scene = given_held()
    scene.answers()
    done = scene.joined(TARGET)
    assert names(done) == ["FetchCaller", "ForgetRinging"]
    assert scene.shown.state is TransferState.COMPLETED
    scene.joined(CALLER)
    assert not scene.state.caller_held
    assert scene.hung_up() == []


def test_the_person_is_there_before_the_caller_is_held() -> None:
    scene = given_ringing_transfer()
    scene.hangs_up(OPERATOR)
    scene.answers()
    scene.joined(TARGET)
    scene.left(CALLER)
    assert names(scene.on(e.CallerHeld)) == ["FetchCaller"]


def test_the_person_leaves_before_the_fetched_caller_arrives() -> None:
    scene = given_held()
    scene.answers()
    scene.joined(TARGET)
    scene.hangs_up(OFFICER)
    assert names(scene.joined(CALLER)) == ["RequeueCaller"]


def test_the_person_is_in_the_room_when_the_dialplan_has_just_requeued() -> None:
    scene = given_ringing_transfer()
    scene.hangs_up(OPERATOR)
    scene.left(CALLER)
    scene.answers()
    scene.joined(TARGET)
    assert names(scene.on(e.CallerRequeued)) == ["FetchCaller"]
    assert scene.shown.state is TransferState.COMPLETED


def test_a_held_caller_waits_while_an_early_target_still_rings_its_agents() -> None:
    scene = given_early_answer()
    scene.hangs_up(OPERATOR)
    assert scene.on(e.CallerHeld) == []
    assert scene.transfer.live


def test_operator_leaves_between_answer_and_join() -> None:
    scene = given_briefing()
    scene.hangs_up(OPERATOR)
    assert scene.transfer.live
    scene.joined(TARGET)
    assert scene.shown.state is TransferState.COMPLETED


@pytest.mark.parametrize(("after_s", "goes_on"), [(0.0, True), (1.5, True), (30.0, False)])
def test_a_hang_up_that_is_why_the_move_was_refused_is_told_behind_the_refusal(
    after_s: float, goes_on: bool
) -> None:
    scene = given_moving()
    scene.command_ended("MoveToRoom", e.Outcome.REFUSED)
    scene.wait(after_s)
    assert names(scene.hangs_up(OPERATOR)) == (["RequeueCaller"] if goes_on else [])


def test_operator_leaves_before_the_move_is_refused_the_caller_goes_to_the_queue() -> None:
    scene = given_moving()
    assert scene.hangs_up(OPERATOR) == []
    done = scene.command_ended("MoveToRoom", e.Outcome.REFUSED)
    assert names(done) == ["HangUp", "RequeueCaller", "ForgetRinging"]
    assert scene.hung_up() == [TARGET]
    assert scene.shown.state is TransferState.RETURNED_TO_QUEUE


def test_operator_leaves_and_of_the_move_nothing_is_heard() -> None:
    scene = given_moving()
    scene.hangs_up(OPERATOR)
    scene.command_ended("MoveToRoom", e.Outcome.UNKNOWN)
    assert names(scene.wait(3)) == ["HangUp", "RequeueCaller", "ForgetRinging"]
    assert scene.shown.state is TransferState.RETURNED_TO_QUEUE


@pytest.mark.parametrize("outcome", [e.Outcome.REFUSED, e.Outcome.UNKNOWN])
def test_operator_leaves_before_the_move_and_the_dialplan_holds_the_caller(
    outcome: e.Outcome,
) -> None:
    """The target rings on: its person gets the caller."""
    scene = given_moving()
    scene.hangs_up(OPERATOR)
    scene.on(e.CallerHeld)
    assert scene.command_ended("MoveToRoom", outcome) == []
    assert scene.wait(3) == []
    scene.answers()
    assert names(scene.joined(TARGET)) == ["FetchCaller", "ForgetRinging"]
    assert scene.shown.state is TransferState.COMPLETED


def test_operator_has_put_down_the_phone_when_the_target_fails() -> None:
    scene = given_ringing_transfer()
    scene.on(e.HangupRequested, unique_id=OPERATOR)
    assert "RequeueCaller" in names(scene.on(e.TargetFailed, leg_id=TARGET))
    assert scene.shown.state is TransferState.RETURNED_TO_QUEUE


def test_all_put_down_their_phones_after_the_talk() -> None:
    scene = given_three_way()
    scene.on(e.HangupRequested, unique_id=OPERATOR)
    scene.hangs_up(OFFICER)
    scene.ended(OPERATOR)
    assert not scene.all(c.RequeueCaller)


def test_operator_who_never_came_into_the_room_leaves_the_caller_on_hold() -> None:
    """Only an agent's leaving lets a caller out of the room: here none ever came in."""
    scene = given_moving()
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.joined(CALLER)
    assert names(scene.hangs_up(OPERATOR)) == ["HoldCaller"]


def test_the_caller_comes_into_the_room_after_the_operator_has_left() -> None:
    scene = given_moving()
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    assert scene.hangs_up(OPERATOR) == []
    assert names(scene.joined(CALLER)) == ["HoldCaller"]


def test_held_after_the_target_has_failed_the_caller_is_requeued() -> None:
    """The operator left as the target failed; the dialplan did not know yet."""
    scene = given_ringing_transfer()
    scene.on(e.TargetFailed, leg_id=TARGET)
    assert scene.shown.state is TransferState.RETURNED_TO_AGENT
    scene.left(CALLER)
    assert scene.on(e.CallerHeld) == []
    assert names(scene.hangs_up(OPERATOR)) == ["RequeueCaller"]


def test_an_ordinary_end_is_no_transfer() -> None:
    scene = given_talking()
    assert scene.hangs_up(OPERATOR) == []
    scene.ended(CALLER)
    assert scene.view.end_reason == "last_agent_left"


def test_the_officer_ends_the_call_that_was_handed_over() -> None:
    scene = given_handed_over()
    assert scene.hangs_up(OFFICER) == []
    scene.ended(CALLER)
    assert scene.view.end_reason == "last_agent_left"


# --- the caller leaves -----------------------------------------------------------------------


def _operator_alone(scene: Scene) -> None:
    assert scene.hung_up()[-1] == OPERATOR


@pytest.mark.parametrize(
    "given", [given_moving, given_ringing_transfer, given_early_answer, given_held]
)
def test_caller_gone_before_anybody_answered(given: Given) -> None:
    scene = given()
    scene.hangs_up(CALLER)
    assert scene.shown.state is GONE
    assert scene.hung_up().count(TARGET) == 1
    assert scene.view.end_reason == "caller_hung_up"
    # Whatever the switch still says, nobody is rung.
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.wait(60)
    assert len(scene.all(c.RingTarget)) == 1


def test_caller_puts_down_the_phone_and_so_the_move_is_refused() -> None:
    scene = given_moving()
    scene.on(e.HangupRequested, unique_id=CALLER)
    done = scene.command_ended("MoveToRoom", e.Outcome.REFUSED)
    assert names(done) == ["HangUp", "ForgetRinging"]
    assert scene.hung_up() == [TARGET]
    assert (scene.shown.state, scene.shown.steps[-1].reason) == (GONE, None)
    assert scene.ended(CALLER) == []
    assert scene.view.end_reason == "caller_hung_up"


def test_caller_gone_while_it_rings_the_operator_is_let_go() -> None:
    scene = given_ringing_transfer()
    scene.hangs_up(CALLER)
    _operator_alone(scene)


def test_caller_gone_while_moving_the_operator_is_let_go_on_coming_into_the_room() -> None:
    scene = given_moving()
    scene.hangs_up(CALLER)
    assert scene.hung_up() == [TARGET]
    scene.joined(OPERATOR)
    _operator_alone(scene)


def test_caller_gone_while_three_talk_the_two_may_go_on() -> None:
    scene = given_three_way()
    scene.hangs_up(CALLER)
    assert scene.shown.state is GONE
    assert scene.hung_up() == []
    scene.hangs_up(OFFICER)
    _operator_alone(scene)


def test_caller_gone_while_the_officer_alone_has_them() -> None:
    scene = given_handed_over()
    scene.hangs_up(CALLER)
    assert scene.hung_up()[-1] == TARGET
    assert scene.shown.state is TransferState.COMPLETED


def test_caller_gone_and_the_answering_target_comes_into_an_empty_room() -> None:
    scene = given_held()
    scene.answers()
    scene.hangs_up(CALLER)
    scene.joined(TARGET)
    assert scene.hung_up() == [TARGET]


def test_who_hung_up_is_known_also_after_the_caller() -> None:
    scene = given_three_way()
    scene.hangs_up(CALLER)
    scene.hangs_up(OFFICER)
    assert scene.view.legs[TARGET].ended_by == "party"


def test_a_target_that_rings_on_after_the_caller_has_gone_is_hung_up_again() -> None:
    scene = given_moving()
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.hangs_up(CALLER)
    scene.on(e.TargetRinging, leg_id=TARGET)
    assert scene.hung_up().count(TARGET) == 2


def test_caller_gives_up_in_the_queue() -> None:
    scene = given_call_waiting()
    scene.ended(CALLER)
    assert scene.view.end_reason == "abandoned"


def test_the_switch_ends_the_callers_leg() -> None:
    scene = given_talking()
    scene.ended(CALLER, cause=38)
    assert scene.view.end_reason == "switch"
    assert scene.view.legs[f"{CALL}.caller.0"].cause == 38


def test_ended_stays_ended() -> None:
    scene = given_talking()
    scene.hangs_up(CALLER)
    before = len(scene.commands)
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    scene.on(e.AgentConnected, channel="PJSIP/1002-2", unique_id="1.20", party=WANG)
    scene.on(e.CallerHeld)
    scene.on(e.CallerRequeued)
    assert len(scene.commands) == before


def test_held_with_another_agent_on_the_call_who_then_leaves() -> None:
    scene = given_held()
    scene.on(e.CallerRequeued)
    scene.on(e.AgentConnected, channel="PJSIP/1002-2", unique_id="1.20", party=WANG)
    assert scene.on(e.CallerHeld) == []
    assert names(scene.ended("1.20")) == ["RequeueCaller"]
