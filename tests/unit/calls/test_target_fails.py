"""No person at the target: the operator keeps the caller, or the queue takes them back."""

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import FailureReason, TransferState

from .given import (
    CALLER,
    OFFICER,
    OPERATOR,
    TARGET,
    WANG,
    Scene,
    given_early_answer,
    given_held,
    given_moving,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    names,
    rules,
)

BACK_WITH_AGENT = TransferState.RETURNED_TO_AGENT
BACK_IN_QUEUE = TransferState.RETURNED_TO_QUEUE


def _stays_with_operator(scene: Scene, reason: FailureReason) -> None:
    assert (scene.shown.state, scene.shown.steps[-1].reason) == (BACK_WITH_AGENT, reason)
    assert OPERATOR not in scene.hung_up()
    assert not scene.all(c.RequeueCaller)
    assert scene.commands.count(c.ForgetRinging("call-1", CALLER)) == 1


@pytest.mark.parametrize("refusal", [FailureReason.BUSY, FailureReason.REJECTED])
def test_a_refusal_returns_to_the_operator_with_its_reason(refusal: FailureReason) -> None:
    scene = given_ringing_transfer()
    scene.on(e.TargetRefused, leg_id=TARGET, reason=refusal)
    assert scene.transfer.live
    scene.on(e.TargetFailed, leg_id=TARGET)
    _stays_with_operator(scene, refusal)


def test_the_leg_that_ends_unanswered_is_no_answer() -> None:
    scene = given_ringing_transfer()
    scene.on(e.ChannelEnded, unique_id=TARGET, cause=0)
    _stays_with_operator(scene, FailureReason.NO_ANSWER)


def test_a_target_that_answered_early_and_found_nobody() -> None:
    scene = given_early_answer()
    scene.ended(TARGET)
    _stays_with_operator(scene, FailureReason.NO_ANSWER)


def test_a_switch_that_refuses_to_ring_is_unreachable() -> None:
    scene = given_moving()
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.command_ended("RingTarget", e.Outcome.REFUSED)
    _stays_with_operator(scene, FailureReason.UNREACHABLE)


def test_a_switch_that_says_so_although_a_person_answered_is_not_believed() -> None:
    scene = given_moving()
    scene.answers()
    assert scene.command_ended("RingTarget", e.Outcome.REFUSED) == []
    assert scene.shown.state is TransferState.BRIEFING


def test_a_move_that_is_refused_drops_the_target_at_once() -> None:
    scene = given_moving()
    done = scene.command_ended("MoveToRoom", e.Outcome.REFUSED)
    assert done == [c.HangUp(TARGET, TARGET), c.ForgetRinging("call-1", CALLER)]
    _stays_with_operator(scene, FailureReason.SWITCH_ERROR)
    # The hang-up may have come before the switch had made the channel.
    assert scene.on(e.TargetTried, leg_id=TARGET) == [c.HangUp(TARGET, TARGET)]
    assert scene.command_ended("RingTarget", e.Outcome.DONE) == []


def test_a_person_who_answered_before_the_move_was_refused_is_let_go() -> None:
    scene = given_moving()
    scene.answers()
    scene.joined(TARGET)
    assert "HangUp" in names(scene.command_ended("MoveToRoom", e.Outcome.REFUSED))
    assert scene.hung_up() == [TARGET]
    assert (scene.shown.state, scene.shown.steps[-1].reason) == (
        BACK_WITH_AGENT,
        FailureReason.SWITCH_ERROR,
    )


def test_a_refusal_after_which_the_caller_is_in_the_room_all_the_same() -> None:
    """Of the two, the switch had moved the caller and not found the operator's channel."""
    scene = given_moving()
    scene.joined(CALLER)
    assert scene.command_ended("MoveToRoom", e.Outcome.REFUSED) == []
    assert names(scene.hangs_up(OPERATOR)) == ["HoldCaller"]
    scene.left(CALLER)
    # Between room and hold: the deadline of the move has nothing more to say.
    assert scene.wait(10) == []
    assert scene.transfer.live


def test_silence_of_the_switch_ends_the_ringing_at_the_deadline() -> None:
    scene = given_ringing_transfer()
    scene.wait(32.9)
    assert scene.transfer.live
    assert names(scene.wait(0.2)) == ["HangUp", "ForgetRinging"]
    assert scene.hung_up() == [TARGET]
    _stays_with_operator(scene, FailureReason.NO_ANSWER)


def test_a_move_of_unknown_outcome_is_settled_by_the_room_not_by_a_retry() -> None:
    scene = given_moving()
    assert scene.command_ended("MoveToRoom", e.Outcome.UNKNOWN) == []
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    assert scene.wait(3) == []
    assert scene.transfer.live
    assert len(scene.all(c.MoveToRoom)) == 1


@pytest.mark.parametrize("heard", [True, False], ids=["unknown", "no word at all"])
def test_a_move_of_which_nothing_is_seen_drops_the_target_and_ends_with_the_operator(
    heard: bool,
) -> None:
    scene = given_moving()
    if heard:
        scene.command_ended("MoveToRoom", e.Outcome.UNKNOWN)
    scene.rings(TARGET)
    assert scene.wait(2.9) == []
    assert names(scene.wait(0.1)) == ["HangUp", "ForgetRinging"]
    assert scene.hung_up() == [TARGET]
    _stays_with_operator(scene, FailureReason.SWITCH_ERROR)
    # The answer comes after all: the operator has been told that it failed.
    assert scene.command_ended("MoveToRoom", e.Outcome.DONE) == []
    assert len(scene.all(c.RingTarget)) == 1


def test_a_move_that_the_switch_reports_done_needs_no_word_of_the_room() -> None:
    scene = given_moving()
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    assert scene.wait(10) == []
    assert scene.transfer.live


def test_a_room_into_which_only_the_operator_came_is_no_moved_caller() -> None:
    scene = given_moving()
    scene.joined(OPERATOR)
    assert names(scene.wait(3)) == ["HangUp", "ForgetRinging"]
    _stays_with_operator(scene, FailureReason.SWITCH_ERROR)


def test_a_ring_of_unknown_outcome_is_never_sent_again() -> None:
    scene = given_moving()
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    assert scene.command_ended("RingTarget", e.Outcome.UNKNOWN) == []
    assert scene.command_ended("MoveToRoom", e.Outcome.DONE) == []
    scene.wait(40)
    assert len(scene.all(c.RingTarget)) == 1
    assert scene.hung_up() == [TARGET]


def test_a_ring_of_unknown_outcome_may_have_worked() -> None:
    scene = given_moving()
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.command_ended("RingTarget", e.Outcome.UNKNOWN)
    scene.rings(TARGET)
    scene.answers()
    scene.joined(TARGET)
    assert scene.hung_up() == [OPERATOR]


def test_a_late_answer_to_another_transfers_command_is_ignored() -> None:
    scene = given_ringing_transfer()
    scene.on(e.TargetFailed, leg_id=TARGET)
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    before = scene.state
    assert scene.command_ended("RingTarget", e.Outcome.REFUSED, ref="t1") == []
    assert scene.on(e.TargetFailed, leg_id=TARGET) == []
    assert scene.state == before


def test_the_target_leaves_while_three_talk() -> None:
    scene = given_three_way()
    scene.hangs_up(OFFICER)
    assert scene.shown.state is BACK_WITH_AGENT
    assert scene.shown.steps[-1].reason is FailureReason.TARGET_LEFT
    assert scene.hung_up() == []
    assert scene.on(e.ChannelEnded, unique_id=TARGET, cause=16) == []


def test_a_colleague_who_was_busy_is_not_why_the_target_left() -> None:
    scene = given_ringing_transfer()
    scene.on(e.TargetRefused, leg_id=TARGET, reason=FailureReason.BUSY)
    scene.answers()
    scene.hangs_up(OFFICER)
    assert scene.shown.steps[-1].reason is FailureReason.TARGET_LEFT


def test_the_target_leaves_while_being_briefed() -> None:
    scene = given_three_way(rules(brief_s=10), ask=e.Ask.TRANSFER)
    scene.hangs_up(OFFICER)
    assert scene.shown.state is BACK_WITH_AGENT
    scene.wait(20)
    assert scene.hung_up() == []


def test_the_target_leaves_while_the_operator_is_being_released() -> None:
    scene = given_three_way(ask=e.Ask.TRANSFER)
    assert scene.hung_up() == [OPERATOR]
    done = scene.hangs_up(OFFICER)
    assert names(done) == ["RequeueCaller", "ForgetRinging"]
    assert scene.shown.state is BACK_IN_QUEUE
    assert scene.ended(OPERATOR) == []


def test_a_release_that_the_switch_refused_leaves_the_operator_on_the_call() -> None:
    scene = given_three_way(ask=e.Ask.TRANSFER)
    scene.command_ended("HangUp", e.Outcome.REFUSED, ref="call-1.agent.1")
    scene.hangs_up(OFFICER)
    assert scene.shown.state is BACK_WITH_AGENT
    assert names(scene.asks(e.Ask.TRANSFER, OPERATOR)) == ["RingTarget"]


def test_held_and_the_target_fails_the_caller_goes_to_the_queue() -> None:
    scene = given_held()
    scene.on(e.TargetRefused, leg_id=TARGET, reason=FailureReason.BUSY)
    done = scene.on(e.ChannelEnded, unique_id=TARGET, cause=17)
    # In this order: a held caller for whom nothing rings is let go by the dialplan.
    assert names(done) == ["RequeueCaller", "ForgetRinging"]
    assert scene.shown.state is BACK_IN_QUEUE
    assert scene.shown.steps[-1].reason is FailureReason.BUSY


def test_held_and_nobody_answers_the_caller_goes_to_the_queue() -> None:
    scene = given_held()
    assert names(scene.wait(40)) == ["HangUp", "RequeueCaller", "ForgetRinging"]
    assert scene.hung_up() == [TARGET]


def test_the_dialplan_requeues_by_itself_and_the_target_stops_ringing() -> None:
    scene = given_held()
    assert names(scene.on(e.CallerRequeued)) == ["HangUp", "ForgetRinging"]
    assert scene.shown.state is BACK_IN_QUEUE
    assert scene.wait(40) == []


def test_the_queues_next_operator_can_transfer_again() -> None:
    scene = given_held()
    scene.on(e.CallerRequeued)
    scene.on(e.AgentConnected, channel="PJSIP/1002-00000020", unique_id="1.20", party=WANG)
    move, ring = scene.asks(e.Ask.TRANSFER, "1.20")
    assert move == c.MoveToRoom("t2", CALLER, "1.20")
    assert isinstance(ring, c.RingTarget)
    assert ring.ref == "t2"
    assert ring.leg_id != TARGET


def test_an_operator_from_the_queue_ends_what_still_rings_for_the_caller() -> None:
    scene = given_held()
    done = scene.on(e.AgentConnected, channel="PJSIP/1002-00000020", unique_id="1.20", party=WANG)
    assert names(done) == ["HangUp", "ForgetRinging"]
    assert scene.shown.state is BACK_IN_QUEUE
    assert not scene.wait(60)


def test_a_target_that_lives_on_after_it_was_given_up_is_hung_up_again() -> None:
    """Its first hang-up may have reached the switch before the channel was made."""
    scene = given_moving()
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.asks(e.Ask.BACK, OPERATOR)
    assert scene.hung_up() == [TARGET]
    scene.on(e.TargetRinging, leg_id=TARGET)
    assert scene.hung_up() == [TARGET, TARGET]
    scene.on(e.ChannelEnded, unique_id=TARGET, cause=16)
    scene.on(e.TargetRinging, leg_id=TARGET)
    assert scene.hung_up() == [TARGET, TARGET]


def test_a_failed_first_try_leaves_nothing_in_the_way() -> None:
    scene = given_talking()
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    scene.command_ended("MoveToRoom", e.Outcome.REFUSED)
    assert names(scene.asks(e.Ask.TRANSFER, OPERATOR)) == ["MoveToRoom", "RingTarget"]
    first, second = scene.all(c.RingTarget)
    assert first.leg_id != second.leg_id
    # What is still said of the first try means nothing to the second.
    assert scene.command_ended("MoveToRoom", e.Outcome.REFUSED, ref="t1") == []
    assert scene.transfer.live
