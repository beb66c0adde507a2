"""A target that gives nobody: the link's next place is rung, for the same key press."""

from dataclasses import replace

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import FailureReason, TransferState
from gateway.calls.recovery import state_of, views_of
from gateway.calls.state import Rules

from .given import (
    CALL,
    CALLER,
    OPERATOR,
    TARGET,
    Scene,
    given_moving,
    given_ringing_transfer,
    given_three_way,
    names,
    rules,
)

SECOND, THIRD = f"{CALL}.target.3", f"{CALL}.target.4"
HUNT = rules(hunt=("device", "agent"))
Links = dict[tuple[str, str], Rules]


def _rung(scene: Scene) -> list[tuple[str, int]]:
    return [(ring.leg_id, ring.place) for ring in scene.all(c.RingTarget)]


def _refuses(scene: Scene, leg_id: str, reason: FailureReason) -> list[c.Command]:
    scene.rings(leg_id)
    scene.on(e.TargetRefused, leg_id=leg_id, reason=reason)
    return scene.ended(leg_id)


@pytest.mark.parametrize("reason", [FailureReason.BUSY, FailureReason.REJECTED])
def test_a_refusal_rings_the_next_place(reason: FailureReason) -> None:
    scene = given_moving(HUNT)
    assert names(_refuses(scene, TARGET, reason)) == ["RingTarget"]
    assert _rung(scene) == [(TARGET, 0), (SECOND, 1)]
    assert (scene.shown.state, scene.shown.steps[-1].reason) == (TransferState.REQUESTED, reason)


def test_each_place_rings_its_whole_time_and_the_last_one_ends_with_the_operator() -> None:
    scene = given_ringing_transfer(HUNT)
    assert names(scene.wait(33.1)) == ["HangUp", "RingTarget"]
    assert names(scene.wait(32.8)) == []
    assert names(scene.wait(0.3)) == ["HangUp", "RingTarget"]
    assert names(scene.wait(33)) == ["HangUp", "ForgetRinging"]
    assert scene.hung_up() == [TARGET, SECOND, THIRD]
    assert scene.shown.state is TransferState.RETURNED_TO_AGENT
    assert scene.shown.steps[-1].reason is FailureReason.NO_ANSWER


def test_the_deadline_of_an_earlier_place_does_not_end_the_next() -> None:
    scene = given_ringing_transfer(HUNT)
    _refuses(scene, TARGET, FailureReason.BUSY)
    assert scene.on(e.DeadlinePassed, deadline=e.Deadline.RING, ref=TARGET) == []
    assert scene.transfer.live


def test_a_device_counts_as_a_person_where_the_place_says_so() -> None:
    scene = given_ringing_transfer(HUNT)
    scene.ended(TARGET)
    scene.answers(SECOND, by_agent=False)
    scene.joined(SECOND)
    assert scene.history[-2:] == [TransferState.BRIEFING, TransferState.THREE_WAY]


def test_where_it_does_not_the_device_is_not_believed() -> None:
    scene = given_ringing_transfer(HUNT)
    scene.ended(TARGET)
    scene.ended(SECOND)
    scene.answers(THIRD, by_agent=False)
    scene.joined(THIRD)
    assert not scene.transfer.answered


def test_a_place_that_shows_life_after_it_was_given_up_is_hung_up() -> None:
    scene = given_ringing_transfer(HUNT)
    scene.wait(33.1)
    life = scene.on(e.TargetRinging, leg_id=TARGET)
    assert life == [c.HangUp(TARGET, TARGET)]
    assert scene.transfer.leg_id == SECOND


def test_the_caller_waits_on_while_the_next_place_rings_without_the_operator() -> None:
    scene = given_ringing_transfer(HUNT)
    scene.hangs_up(OPERATOR)
    scene.left(CALLER)
    scene.on(e.CallerHeld)
    assert names(_refuses(scene, TARGET, FailureReason.BUSY)) == ["RingTarget"]
    scene.answers(SECOND, by_agent=False)
    assert names(scene.joined(SECOND)) == ["FetchCaller", "ForgetRinging"]


def test_after_the_last_place_a_caller_without_operator_goes_to_the_queue() -> None:
    scene = given_ringing_transfer(rules(hunt=("agent",)))
    scene.hangs_up(OPERATOR)
    scene.left(CALLER)
    scene.on(e.CallerHeld)
    scene.ended(TARGET)
    assert names(scene.ended(SECOND)) == ["RequeueCaller", "ForgetRinging"]
    assert scene.shown.state is TransferState.RETURNED_TO_QUEUE


@pytest.mark.parametrize("ask", [e.Ask.BACK], ids=["taken back"])
def test_the_operator_takes_the_caller_back_from_any_place(ask: e.Ask) -> None:
    scene = given_ringing_transfer(HUNT)
    scene.ended(TARGET)
    assert c.HangUp(SECOND, SECOND) in scene.asks(ask, OPERATOR)
    assert scene.shown.state is TransferState.CANCELLED
    assert scene.ended(SECOND) == []
    assert len(scene.all(c.RingTarget)) == 2


def test_nobody_is_rung_for_a_caller_who_has_gone() -> None:
    scene = given_ringing_transfer(HUNT)
    scene.on(e.HangupRequested, unique_id=CALLER)
    scene.ended(TARGET)
    assert len(scene.all(c.RingTarget)) == 1


def test_a_person_who_leaves_is_not_replaced_by_the_next_place() -> None:
    scene = given_three_way(rules(release="talk", hunt=("agent",)))
    scene.hangs_up(TARGET)
    assert len(scene.all(c.RingTarget)) == 1
    assert scene.shown.steps[-1].reason is FailureReason.TARGET_LEFT


def test_a_move_that_is_refused_ends_it_at_every_place() -> None:
    scene = given_moving(HUNT)
    scene.command_ended("MoveToRoom", e.Outcome.REFUSED)
    assert len(scene.all(c.RingTarget)) == 1
    assert scene.shown.steps[-1].reason is FailureReason.SWITCH_ERROR


def test_a_restart_knows_which_place_rings() -> None:
    scene = given_ringing_transfer(HUNT)
    scene.ended(TARGET)
    state = state_of(views_of(scene.facts)[CALL], scene.state.rules)
    assert state.transfer is not None
    assert (state.transfer.leg_id, state.transfer.tried) == (SECOND, 1)
    assert state.spent == scene.state.spent
    scene.state = state
    scene.ended(SECOND)
    assert _rung(scene)[-1] == (THIRD, 2)


# --- a place that shows no sign of life -------------------------------------------------------

TRUNKS = rules(answered_by="device", hunt=("device",))
DEAD = (TransferState.REQUESTED, FailureReason.UNREACHABLE)


def _steps(scene: Scene) -> list[tuple[TransferState, FailureReason | None]]:
    return [(one.state, one.reason) for one in scene.shown.steps]


def _given_called(links: Links) -> Scene:
    """Something is called at 110, and has said nothing yet."""
    scene = given_moving(links)
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    scene.on(e.TargetTried, leg_id=TARGET)
    return scene


def test_a_trunk_that_says_nothing_is_given_up_and_the_next_place_is_rung() -> None:
    scene = _given_called(TRUNKS)
    assert scene.wait(3.9) == []
    assert names(scene.wait(0.2)) == ["HangUp", "RingTarget"]
    assert _steps(scene) == [(TransferState.REQUESTED, None), DEAD]
    assert _rung(scene) == [(TARGET, 0), (SECOND, 1)]


def test_the_last_place_is_given_longer() -> None:
    scene = _given_called(rules(answered_by="device"))
    assert scene.wait(11.9) == []
    assert names(scene.wait(0.2)) == ["HangUp", "ForgetRinging"]
    assert _steps(scene)[1:] == [(TransferState.RETURNED_TO_AGENT, FailureReason.UNREACHABLE)]


def test_what_rings_in_time_rings_on() -> None:
    scene = _given_called(TRUNKS)
    scene.wait(3.9)
    scene.on(e.TargetRinging, leg_id=TARGET)
    assert scene.wait(25) == []
    assert scene.history == [TransferState.REQUESTED, TransferState.RINGING]


def test_a_leg_in_the_room_is_alive_though_its_ringing_was_not_told() -> None:
    scene = _given_called(TRUNKS)
    scene.joined(TARGET)
    assert scene.wait(25) == []


def test_the_next_thing_that_is_called_has_its_own_time() -> None:
    scene = _given_called(TRUNKS)
    scene.wait(3)
    scene.on(e.TargetTried, leg_id=TARGET)
    assert scene.wait(3) == []
    assert names(scene.wait(1.1)) == ["HangUp", "RingTarget"]


@pytest.mark.parametrize(
    "links",
    [HUNT, {between: replace(one, alive_s=0.0) for between, one in TRUNKS.items()}],
    ids=["a queue goes from phone to phone by itself", "switched off"],
)
def test_not_every_place_is_held_to_it(links: Links) -> None:
    scene = _given_called(links)
    assert scene.wait(29) == []
    assert names(scene.wait(5)) == ["HangUp", "RingTarget"]
