"""A private consultation: operator and target in the second room, the caller on hold."""

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import FailureReason, TransferState
from gateway.calls.recovery import state_of, views_of

from .given import (
    CALL,
    CALLER,
    OFFICER,
    OPERATOR,
    OPERATOR_LEG,
    TARGET,
    Scene,
    given_call_waiting,
    given_consulting,
    given_moving,
    given_ringing_consult,
    given_talking,
    given_three_way,
    names,
    rules,
)

BACK = c.MoveToRoom("t1", CALLER, OPERATOR, back=True)


def test_the_caller_is_put_on_hold_and_the_target_rung_into_the_second_room() -> None:
    scene = given_talking()
    aside, ring = scene.asks(e.Ask.CONSULT, OPERATOR)
    assert aside == c.MoveAside("t1", CALLER, OPERATOR)
    assert isinstance(ring, c.RingTarget)
    assert ring.aside


def test_they_talk_and_nobody_is_released() -> None:
    scene = given_consulting(rules(brief_s=5))
    scene.wait(120)
    assert scene.history[-2:] == [TransferState.BRIEFING, TransferState.CONSULTING]
    assert scene.hung_up() == []
    assert scene.all(c.MoveToRoom) == []
    assert scene.view.on_hold
    assert [leg.aside for leg in scene.state.agents] == [True, True]


@pytest.mark.parametrize("ask", [e.Ask.JOIN, e.Ask.THREE_WAY])
def test_joined_all_three_talk(ask: e.Ask) -> None:
    scene = given_consulting()
    assert scene.asks(ask, OPERATOR) == [BACK]
    scene.joined(OPERATOR)
    scene.joined(CALLER)
    scene.left(TARGET, aside=True)
    scene.joined(TARGET)
    assert scene.shown.state is TransferState.THREE_WAY
    assert not scene.view.on_hold
    scene.asks(e.Ask.RELEASE, OPERATOR)
    assert scene.hung_up() == [OPERATOR]


def test_handed_over_the_operator_goes_once_caller_and_target_are_together() -> None:
    scene = given_consulting()
    assert scene.asks(e.Ask.RELEASE, OPERATOR) == [c.MoveToRoom("t1", CALLER, TARGET, back=True)]
    assert scene.hung_up() == []
    scene.joined(TARGET)
    assert scene.hung_up() == []
    scene.joined(CALLER)
    assert scene.hung_up() == [OPERATOR]
    scene.ended(OPERATOR)
    assert scene.shown.state is TransferState.COMPLETED


def test_an_operator_who_hangs_up_has_handed_over() -> None:
    scene = given_consulting()
    assert scene.hangs_up(OPERATOR) == [c.MoveToRoom("t1", CALLER, TARGET, back=True)]
    scene.joined(TARGET)
    scene.joined(CALLER)
    assert scene.shown.state is TransferState.COMPLETED
    assert scene.hung_up() == []


@pytest.mark.parametrize("given", [given_ringing_consult, given_consulting])
def test_back_lets_the_target_go_and_the_operator_returns(given: type[Scene]) -> None:
    scene = given()
    done = scene.asks(e.Ask.BACK, OPERATOR)
    assert names(done) == ["HangUp", "ForgetRinging", "MoveToRoom"]
    assert done[-1] == BACK
    assert scene.shown.state is TransferState.CANCELLED


@pytest.mark.parametrize("reason", [FailureReason.BUSY, FailureReason.REJECTED])
def test_refused_the_operator_returns_by_themselves(reason: FailureReason) -> None:
    scene = given_ringing_consult()
    scene.on(e.TargetRefused, leg_id=TARGET, reason=reason)
    assert names(scene.ended(TARGET)) == ["ForgetRinging", "MoveToRoom"]
    assert scene.shown.steps[-1].reason is reason


def test_nobody_answers_and_the_operator_returns() -> None:
    assert BACK in given_ringing_consult().wait(40)


def test_the_next_place_is_rung_into_the_second_room_too() -> None:
    scene = given_ringing_consult(rules(hunt=("agent",)))
    scene.on(e.TargetRefused, leg_id=TARGET, reason=FailureReason.BUSY)
    [ring] = scene.ended(TARGET)
    assert isinstance(ring, c.RingTarget)
    assert (ring.aside, ring.place) == (True, 1)


def test_the_target_leaves_and_the_operator_returns() -> None:
    scene = given_consulting()
    assert scene.hangs_up(OFFICER)[-1] == BACK
    assert scene.shown.steps[-1].reason is FailureReason.TARGET_LEFT


def test_the_operator_hangs_up_while_it_rings_and_the_target_gets_the_caller() -> None:
    scene = given_ringing_consult()
    assert names(scene.hangs_up(OPERATOR)) == ["HoldCaller"]
    scene.on(e.CallerHeld)
    scene.answers()
    assert names(scene.joined(TARGET)) == ["FetchCaller", "ForgetRinging"]
    assert scene.shown.state is TransferState.COMPLETED


def test_the_operator_hangs_up_while_it_rings_in_vain_and_a_queue_gets_the_caller() -> None:
    scene = given_ringing_consult()
    scene.hangs_up(OPERATOR)
    scene.on(e.CallerHeld)
    assert names(scene.ended(TARGET)) == ["RequeueCaller", "ForgetRinging"]


def test_both_hang_up_and_a_queue_gets_the_caller() -> None:
    scene = given_consulting()
    scene.hangs_up(OPERATOR)
    assert "RequeueCaller" in names(scene.hangs_up(OFFICER))


def test_the_caller_leaves_and_both_are_told() -> None:
    scene = given_consulting()
    told = scene.hangs_up(CALLER)
    assert [one.announcement for one in told if isinstance(one, c.Tell)] == ["caller-gone"] * 2
    assert scene.shown.state is TransferState.CALLER_GONE
    assert scene.hung_up() == []
    scene.hangs_up(OFFICER)
    assert scene.hung_up() == [OPERATOR]


def test_the_caller_leaves_while_it_rings_and_nobody_is_kept() -> None:
    scene = given_ringing_consult()
    scene.hangs_up(CALLER)
    assert scene.hung_up() == [TARGET, OPERATOR]


def test_a_refused_move_rings_nobody_and_moves_nobody() -> None:
    scene = given_moving(ask=e.Ask.CONSULT)
    done = scene.command_ended("MoveAside", e.Outcome.REFUSED)
    assert names(done) == ["HangUp", "ForgetRinging"]
    assert scene.shown.state is TransferState.RETURNED_TO_AGENT


def test_a_move_in_doubt_that_was_made_after_all_is_undone() -> None:
    scene = given_moving(ask=e.Ask.CONSULT)
    scene.wait(4)
    assert scene.on(e.CallerOnHold) == [BACK]


def test_a_refused_way_out_leaves_them_consulting() -> None:
    scene = given_consulting()
    scene.asks(e.Ask.JOIN, OPERATOR)
    scene.command_ended("MoveToRoom", e.Outcome.REFUSED)
    assert scene.asks(e.Ask.JOIN, OPERATOR) == [BACK]


def test_on_hold_again_on_the_way_out_they_go_on_consulting_in_the_end() -> None:
    scene = given_consulting()
    scene.asks(e.Ask.RELEASE, OPERATOR)
    scene.on(e.CallerHeld)
    scene.wait(4)
    scene.on(e.CallerOnHold)
    assert scene.wait(4) == []
    assert scene.transfer.aside
    assert names(scene.asks(e.Ask.BACK, OPERATOR)) == ["HangUp", "ForgetRinging", "MoveToRoom"]


def test_the_switch_takes_the_operator_back_and_the_caller_follows() -> None:
    scene = given_ringing_consult()
    scene.left(OPERATOR, aside=True)
    assert names(scene.joined(OPERATOR)) == ["FetchCaller"]


def test_who_else_serves_the_caller_keeps_the_operator_from_consulting() -> None:
    assert given_three_way().refuses(e.Ask.CONSULT, OPERATOR, target="119")
    assert given_call_waiting().asks(e.Ask.CONSULT, agent="a1001") == []
    assert given_consulting().refuses(e.Ask.CONSULT, OPERATOR, target="119")


def test_only_the_operator_who_consults_may_join_or_hand_over() -> None:
    scene = given_consulting()
    assert scene.refuses(e.Ask.JOIN, OFFICER)
    assert scene.refuses(e.Ask.RELEASE, OFFICER)


def test_a_native_consultation_is_followed() -> None:
    scene = given_talking()
    assert scene.asks(e.Ask.CONSULT, OPERATOR, native=True) == []
    scene.on(e.CallerOnHold)
    scene.joined(OPERATOR, aside=True)
    scene.joined("7.7", aside=True)
    assert scene.shown.state is TransferState.CONSULTING
    scene.asks(e.Ask.RELEASE, OPERATOR)
    assert c.MoveToRoom("t1", CALLER, "7.7", back=True) in scene.commands


def test_a_way_out_that_the_switch_forgot_is_taken_again() -> None:
    """It forgets a redirect of a phone whose key it is just acting on."""
    scene = given_consulting()
    scene.asks(e.Ask.BACK, OPERATOR)
    back = c.MoveToRoom("t1", CALLER, OPERATOR, back=True)
    assert scene.all(c.MoveToRoom) == [back]
    scene.on(e.DeadlinePassed, deadline=e.Deadline.CROSS, ref=OPERATOR_LEG)
    assert scene.all(c.MoveToRoom) == [back, back]
    scene.joined(OPERATOR)
    scene.on(e.DeadlinePassed, deadline=e.Deadline.CROSS, ref=OPERATOR_LEG)
    assert scene.all(c.MoveToRoom) == [back, back]


def test_a_caller_with_nobody_is_brought_to_an_operator_who_is_still_aside() -> None:
    scene = given_consulting()
    scene.asks(e.Ask.BACK, OPERATOR)
    scene.on(e.CallerHeld)
    assert scene.commands[-2:] == [
        c.MoveToRoom("t1", CALLER, OPERATOR, back=True),
        scene.all(c.Arm)[-1],
    ]
    assert scene.all(c.RequeueCaller) == []


@pytest.mark.parametrize("last", [OPERATOR, CALLER])
def test_two_rooms_of_one_name_become_one(last: str) -> None:
    """The caller came into a room that ended in that moment; neither would hear the other."""
    scene = given_consulting()
    scene.asks(e.Ask.BACK, OPERATOR)
    first = CALLER if last == OPERATOR else OPERATOR
    scene.joined(first, bridge="old")
    assert scene.all(c.FetchCaller) == []
    scene.joined(last, bridge="new")
    assert scene.all(c.FetchCaller) == [c.FetchCaller("t1", CALLER)]
    scene.left(CALLER)
    scene.joined(CALLER, bridge="new" if last == OPERATOR else "old")
    assert len(scene.all(c.FetchCaller)) == 1


def test_a_restart_knows_who_consults() -> None:
    scene = given_consulting()
    state = state_of(views_of(scene.facts)[CALL], scene.state.rules)
    assert state.transfer is not None
    assert (state.on_hold, state.transfer.aside, state.transfer.committed) == (True, True, True)
    assert [leg.aside for leg in state.agents] == [True, True]


def test_what_the_leg_log_is_told() -> None:
    scene = given_consulting()
    rooms = [one.room for one in scene.facts if isinstance(one, f.LegJoinedRoom)]
    assert rooms == ["consult", "consult"]
