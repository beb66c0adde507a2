"""A caller who has gone while nobody had them is to be called back; any other is not."""

import pytest

from gateway.calls import events as e
from gateway.calls.facts import CallbackDue, CallbackReason, CallEnded
from gateway.calls.facts import TransferState as S
from gateway.calls.recovery import state_of, views_of

from .given import (
    CALL,
    CALLER,
    OPERATOR,
    SECOND_OPERATOR,
    TARGET,
    WANG,
    Scene,
    given_briefing,
    given_call_waiting,
    given_consulting,
    given_early_answer,
    given_handed_over,
    given_held,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    rules,
)


def _due(scene: Scene) -> list[CallbackDue]:
    return [one for one in scene.facts if isinstance(one, CallbackDue)]


def given_requeued() -> Scene:
    """Zhang has left, 110 has rung in vain: the citizen waits in 12345's queue."""
    scene = given_held()
    scene.ended(TARGET)
    scene.on(e.CallerRequeued)
    return scene


@pytest.mark.parametrize("given", [given_ringing_transfer, given_held, given_early_answer])
def test_gone_while_the_target_rings(given: type[Scene]) -> None:
    scene = given()
    scene.hangs_up(CALLER)
    [due] = _due(scene)
    assert (due.centre, due.target, due.transfer_id) == ("12345", "110", "t1")
    assert due.why is CallbackReason.CALLER_GONE
    assert scene.history[-1] is S.CALLER_GONE
    assert TARGET in scene.hung_up()


def test_gone_from_the_queue_after_having_been_served() -> None:
    scene = given_requeued()
    assert scene.history[-1] is S.RETURNED_TO_QUEUE
    scene.hangs_up(CALLER)
    [due] = _due(scene)
    assert (due.centre, due.target, due.why) == ("12345", "110", CallbackReason.QUEUE_LEFT)


def test_gone_on_the_way_to_the_queue() -> None:
    scene = given_held()
    scene.ended(TARGET)
    scene.hangs_up(CALLER)
    assert [due.why for due in _due(scene)] == [CallbackReason.QUEUE_LEFT]


def test_gone_from_hold_while_they_were_consulted_about() -> None:
    scene = given_consulting()
    scene.hangs_up(CALLER)
    assert [due.why for due in _due(scene)] == [CallbackReason.CALLER_GONE]


def test_the_task_is_told_before_the_end() -> None:
    scene = given_ringing_transfer()
    scene.hangs_up(CALLER)
    kinds = [type(one) for one in scene.facts]
    assert kinds.index(CallbackDue) < kinds.index(CallEnded)


def test_danger_goes_with_it() -> None:
    scene = given_ringing_transfer()
    scene.on(e.DangerMarked, danger=True)
    scene.hangs_up(CALLER)
    assert [due.danger for due in _due(scene)] == [True]


@pytest.mark.parametrize("given", [given_talking, given_briefing, given_three_way])
def test_who_was_talking_to_somebody_needs_no_call(given: type[Scene]) -> None:
    scene = given()
    scene.hangs_up(CALLER)
    assert _due(scene) == []


def test_nor_who_was_handed_over() -> None:
    scene = given_handed_over()
    scene.hangs_up(CALLER)
    assert _due(scene) == []


def test_nor_who_was_served_again() -> None:
    scene = given_requeued()
    scene.on(e.AgentConnected, channel="PJSIP/1002-1", unique_id=SECOND_OPERATOR, party=WANG)
    scene.hangs_up(CALLER)
    assert _due(scene) == []


def test_who_was_never_served_is_an_abandoned_call() -> None:
    scene = given_call_waiting()
    scene.on(e.CallerRequeued)
    scene.hangs_up(CALLER)
    assert _due(scene) == []


def test_a_restart_still_knows_that_they_wait() -> None:
    scene = given_requeued()
    assert state_of(views_of(scene.facts)[CALL], rules()).forsaken
    scene.wait(1)
    scene.on(e.AgentConnected, channel="PJSIP/1002-1", unique_id=SECOND_OPERATOR, party=WANG)
    assert not state_of(views_of(scene.facts)[CALL], rules()).forsaken


def test_the_read_model_has_the_task() -> None:
    scene = given_ringing_transfer()
    scene.hangs_up(CALLER)
    assert scene.view.callback is not None
    assert (scene.view.callback.state, scene.view.callback.number) == ("open", "")


def test_an_operator_who_leaves_before_it_makes_no_difference() -> None:
    scene = given_ringing_transfer()
    scene.hangs_up(OPERATOR)
    scene.hangs_up(CALLER)
    assert len(_due(scene)) == 1
