"""Links that release the operator with the key: the caller hears that it rings."""

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import FailureReason, TransferState

from .given import (
    CALLER,
    OPERATOR,
    OPERATOR_LEG,
    TARGET,
    Scene,
    given_handed_over,
    given_talking,
    names,
    rules,
)

AT_ONCE = rules(release="at_once")
LET_GO = c.HangUp(OPERATOR_LEG, OPERATOR)


def given_asked() -> Scene:
    scene = given_talking(AT_ONCE)
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    return scene


def given_waiting_alone() -> Scene:
    """The caller hears ringing, the operator has gone."""
    scene = given_asked()
    scene.command_ended("HoldCaller", e.Outcome.DONE)
    scene.on(e.CallerHeld)
    scene.ended(OPERATOR)
    scene.rings(TARGET)
    return scene


def test_the_caller_is_taken_aside_and_the_target_rung_right_behind() -> None:
    scene = given_talking(AT_ONCE)
    aside, ring = scene.asks(e.Ask.TRANSFER, OPERATOR)
    assert aside == c.HoldCaller("t1", CALLER, 30.0)
    assert isinstance(ring, c.RingTarget)


def test_the_operator_is_free_only_when_the_caller_is_held() -> None:
    scene = given_asked()
    assert scene.hung_up() == []
    assert scene.command_ended("HoldCaller", e.Outcome.DONE) == [LET_GO]
    assert scene.on(e.CallerHeld) == []


def test_the_dialplans_word_does_where_the_switch_is_silent() -> None:
    scene = given_asked()
    assert scene.command_ended("HoldCaller", e.Outcome.UNKNOWN) == []
    assert scene.on(e.CallerHeld) == [LET_GO]
    assert scene.wait(3) == []


def test_a_refusal_keeps_caller_and_operator_together() -> None:
    scene = given_asked()
    done = scene.command_ended("HoldCaller", e.Outcome.REFUSED)
    assert names(done) == ["HangUp", "ForgetRinging"]
    assert scene.hung_up() == [TARGET]
    assert scene.shown.steps[-1].reason is FailureReason.SWITCH_ERROR
    assert scene.shown.state is TransferState.RETURNED_TO_AGENT


def test_silence_of_the_switch_keeps_them_together_too() -> None:
    scene = given_asked()
    assert names(scene.wait(3.1)) == ["HangUp", "ForgetRinging"]
    assert scene.hung_up() == [TARGET]


def test_the_person_at_the_target_gets_the_caller() -> None:
    scene = given_waiting_alone()
    scene.answers()
    assert names(scene.joined(TARGET)) == ["FetchCaller", "ForgetRinging"]
    assert scene.shown.state is TransferState.COMPLETED


def test_nobody_answers_and_the_caller_goes_to_the_queue() -> None:
    scene = given_waiting_alone()
    scene.on(e.TargetRefused, leg_id=TARGET, reason=FailureReason.BUSY)
    assert names(scene.ended(TARGET)) == ["RequeueCaller", "ForgetRinging"]
    assert scene.shown.state is TransferState.RETURNED_TO_QUEUE


def test_a_refusal_faster_than_the_switchs_word_lets_the_operator_go_all_the_same() -> None:
    scene = given_asked()
    done = scene.ended(TARGET)
    assert names(done) == ["HangUp", "RequeueCaller", "ForgetRinging"]
    assert done[0] == LET_GO


def given_on_the_way_to_the_queue() -> Scene:
    """The target refused faster than the switch told that the caller had been taken aside."""
    scene = given_asked()
    scene.ended(TARGET)
    return scene


def test_a_caller_on_the_way_to_the_queue_is_sent_there_once() -> None:
    scene = given_on_the_way_to_the_queue()
    assert scene.on(e.CallerHeld) == []
    assert "RequeueCaller" not in names(scene.ended(OPERATOR))
    scene.on(e.CallerRequeued)
    assert len(scene.all(c.RequeueCaller)) == 1


@pytest.mark.parametrize("outcome", [e.Outcome.REFUSED, e.Outcome.UNKNOWN])
def test_a_caller_who_waits_where_the_queue_was_refused_is_sent_again(outcome: e.Outcome) -> None:
    scene = given_on_the_way_to_the_queue()
    scene.on(e.CallerHeld)
    assert names(scene.command_ended("RequeueCaller", outcome)) == ["RequeueCaller"]
    assert scene.command_ended("RequeueCaller", outcome) == []


def test_what_came_to_nothing_keeps_nobody_from_the_queue() -> None:
    scene = given_on_the_way_to_the_queue()
    scene.wait(3)
    assert names(scene.on(e.CallerHeld)) == ["RequeueCaller"]


def test_a_caller_who_hangs_up_while_it_rings_ends_the_ringing() -> None:
    scene = given_waiting_alone()
    scene.hangs_up(CALLER)
    assert scene.hung_up() == [OPERATOR, TARGET]
    assert scene.shown.state is TransferState.CALLER_GONE


def test_three_way_keeps_the_operator() -> None:
    scene = given_talking(AT_ONCE)
    assert names(scene.asks(e.Ask.THREE_WAY, OPERATOR)) == ["MoveToRoom", "RingTarget"]


def test_from_inside_the_room_the_last_agent_is_released_after_the_caller() -> None:
    scene = given_handed_over(rules() | {("110", "12345"): AT_ONCE["110", "12345"]})
    done = scene.asks(e.Ask.TRANSFER, TARGET, target="12345")
    assert names(done) == ["HoldCaller", "RingTarget"]
    assert scene.command_ended("HoldCaller", e.Outcome.DONE) == [c.HangUp(TARGET, TARGET)]


def test_a_caller_is_not_taken_away_from_another_agent() -> None:
    scene = given_handed_over(rules() | {("110", "12345"): AT_ONCE["110", "12345"]})
    scene.on(e.AgentConnected, channel="PJSIP/1002-3", unique_id="1.30", party=e.Party("12345"))
    assert "HoldCaller" not in names(scene.asks(e.Ask.TRANSFER, TARGET, target="12345"))
