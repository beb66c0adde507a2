"""One key from the operator's press to the target alone with the caller, both directions."""

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import FailureReason, LegRole, TransferKind, TransferState

from .given import (
    CALL,
    CALLER,
    LI,
    OFFICER,
    OPERATOR,
    OPERATOR_LEG,
    ROOM,
    START,
    TARGET,
    given_call_waiting,
    given_early_answer,
    given_handed_over,
    given_moving,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    names,
    rules,
)

REQUESTED, RINGING, BRIEFING, THREE_WAY = (
    TransferState.REQUESTED,
    TransferState.RINGING,
    TransferState.BRIEFING,
    TransferState.THREE_WAY,
)
HANDED_OVER = [
    REQUESTED,
    RINGING,
    BRIEFING,
    THREE_WAY,
    TransferState.RELEASED,
    TransferState.COMPLETED,
]


def test_the_key_moves_both_and_rings_the_target_right_behind() -> None:
    scene = given_talking()
    move, ring = scene.asks(e.Ask.TRANSFER, OPERATOR)
    assert move == c.MoveToRoom("t1", CALLER, OPERATOR)
    assert isinstance(ring, c.RingTarget)
    assert (ring.ref, ring.leg_id, ring.room) == ("t1", TARGET, ROOM)
    assert (ring.source, ring.target, ring.ring_s) == ("12345", "110", 30.0)
    assert ring.caller_number == "13800000001"
    assert (scene.shown.source, scene.shown.target, scene.shown.agent) == ("12345", "110", "a1001")
    assert scene.shown.via == "key"


@pytest.mark.parametrize("outcome", [e.Outcome.DONE, e.Outcome.UNKNOWN])
def test_one_press_rings_once_whatever_becomes_of_the_move(outcome: e.Outcome) -> None:
    scene = given_moving()
    assert scene.command_ended("MoveToRoom", outcome) == []
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    assert scene.command_ended("MoveToRoom", e.Outcome.DONE) == []
    assert scene.wait(3) == []
    assert scene.asks(e.Ask.TRANSFER, OPERATOR, ref="t1") == []
    assert [one.leg_id for one in scene.all(c.RingTarget)] == [TARGET]


def test_from_inside_the_room_it_rings_without_a_move() -> None:
    scene = given_ringing_transfer()
    scene.on(e.TargetFailed, leg_id=TARGET)
    assert names(scene.asks(e.Ask.TRANSFER, OPERATOR)) == ["RingTarget"]
    scene.wait(3)
    assert scene.transfer.live


def test_an_answer_before_the_move_is_seen_releases_nobody() -> None:
    scene = given_moving()
    scene.answers()
    scene.joined(TARGET)
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.joined(OPERATOR)
    assert scene.hung_up() == []
    scene.joined(CALLER)
    assert scene.hung_up() == [OPERATOR]


def test_the_operator_goes_when_the_person_at_the_target_is_in_the_room() -> None:
    scene = given_ringing_transfer()
    assert scene.answers() == []
    assert names(scene.joined(TARGET)) == ["ForgetRinging", "HangUp"]
    assert scene.hung_up() == [OPERATOR]
    scene.ended(OPERATOR)
    assert scene.history == HANDED_OVER
    assert scene.view.legs[OPERATOR_LEG].ended_by == "gateway"


def test_answer_and_join_count_in_either_order() -> None:
    scene = given_ringing_transfer()
    assert scene.joined(TARGET) == []
    assert names(scene.answers()) == ["ForgetRinging", "HangUp"]
    assert scene.view.legs[TARGET].joined_room_at is not None


def test_the_page_knows_who_answered_at_the_target() -> None:
    leg = given_three_way().view.legs[TARGET]
    assert (leg.role, leg.centre, leg.agent, leg.agent_name) == (
        LegRole.AGENT,
        LI.centre,
        LI.agent,
        LI.name,
    )
    assert leg.unique_id == OFFICER


def test_a_target_that_answers_early_releases_nobody() -> None:
    scene = given_early_answer()
    assert scene.hung_up() == []
    assert scene.history == [REQUESTED, RINGING]
    scene.wait(20)
    assert scene.hung_up() == []
    scene.answers()
    assert scene.hung_up() == [OPERATOR]


def test_a_device_is_a_person_where_the_link_says_so() -> None:
    scene = given_ringing_transfer(rules(answered_by="device"))
    scene.answers(by_agent=False)
    scene.joined(TARGET)
    assert scene.hung_up() == [OPERATOR]


def test_a_phones_own_transfer_told_after_its_leg_has_ended_keeps_the_caller_held() -> None:
    scene = given_talking()
    channel = scene.state.agents[0].channel
    scene.hangs_up(OPERATOR)
    scene.asks(e.Ask.TRANSFER, channel, native=True)
    assert scene.on(e.CallerHeld) == []
    assert scene.transfer.live
    assert scene.shown.transferor_leg == OPERATOR_LEG
    again = given_talking()
    again.hangs_up(OPERATOR)
    assert again.asks(e.Ask.TRANSFER, channel) == []


def test_a_person_behind_a_trunk_is_of_the_centre_that_was_rung() -> None:
    scene = given_ringing_transfer(rules(release="talk", answered_by="device"))
    trunk = {"channel": "PJSIP/police-1", "unique_id": "7.1", "party": e.Party()}
    scene.on(e.TargetAnswered, leg_id=TARGET, by_agent=False, **trunk)
    scene.joined(TARGET)
    assert [leg.party.centre for leg in scene.state.agents] == ["12345", "110"]
    assert scene.asks(e.Ask.TRANSFER, OPERATOR) == []


def test_a_pbx_that_answers_early_is_no_person_before_its_sign() -> None:
    scene = given_early_answer(rules(answered_by="sign"))
    scene.answers(by_agent=True)
    assert scene.hung_up() == []
    assert scene.history == [REQUESTED, RINGING]
    scene.answers(by_agent=False, by_sign=True)
    assert scene.hung_up() == [OPERATOR]


def test_without_a_sign_in_time_the_operator_keeps_the_caller() -> None:
    scene = given_early_answer(rules(answered_by="sign"))
    scene.wait(33)
    assert scene.hung_up() == [TARGET]
    assert scene.shown.steps[-1].reason is FailureReason.NO_ANSWER


def test_with_time_to_brief_the_operator_stays_that_long() -> None:
    scene = given_three_way(rules(brief_s=5), ask=e.Ask.TRANSFER)
    scene.wait(4.9)
    assert scene.hung_up() == []
    scene.wait(0.1)
    assert scene.hung_up() == [OPERATOR]


def test_talk_first_waits_for_the_operator() -> None:
    scene = given_three_way(rules(release="talk"), ask=e.Ask.TRANSFER)
    scene.wait(600)
    assert scene.hung_up() == []
    scene.hangs_up(OPERATOR)
    assert scene.history == HANDED_OVER
    assert scene.view.legs[OPERATOR_LEG].ended_by == "party"


def test_a_three_way_releases_nobody_by_itself() -> None:
    scene = given_three_way()
    scene.wait(600)
    assert scene.hung_up() == []
    assert scene.shown.kind is TransferKind.THREE_WAY


def test_no_release_before_the_caller_is_seen_in_the_room() -> None:
    scene = given_moving()
    scene.joined(OPERATOR)
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    scene.answers()
    scene.joined(TARGET)
    assert scene.hung_up() == []
    scene.joined(CALLER)
    assert scene.hung_up() == [OPERATOR]


def test_110_hands_back_to_12345_in_the_same_room() -> None:
    scene = given_handed_over()
    [ring] = scene.asks(e.Ask.TRANSFER, TARGET, target="12345")
    assert isinstance(ring, c.RingTarget)
    assert (ring.source, ring.target, ring.leg_id) == ("110", "12345", f"{CALL}.target.3")
    scene.rings(ring.leg_id)
    scene.on(
        e.TargetAnswered,
        leg_id=ring.leg_id,
        channel="PJSIP/1002-00000020",
        unique_id="1.20",
        party=LI,
    )
    scene.joined(ring.leg_id)
    # The officer's own leg is the channel in the room, not the phone that the queue found.
    assert scene.hung_up() == [OPERATOR, TARGET]
    scene.ended(OFFICER)
    assert scene.history == HANDED_OVER
    assert scene.shown.transferor_leg == TARGET


def test_a_call_that_came_to_110_goes_to_12345() -> None:
    scene = given_call_waiting()
    scene.on(e.AgentConnected, channel="PJSIP/2001-00000009", unique_id=OFFICER, party=LI)
    scene.asks(e.Ask.TRANSFER, OFFICER, target="12345")
    assert (scene.shown.source, scene.shown.target) == ("110", "12345")
    assert scene.shown.agent == "a2001"


def test_a_second_transfer_gets_a_leg_id_of_its_own() -> None:
    scene = given_ringing_transfer()
    scene.on(e.TargetFailed, leg_id=TARGET)
    [ring] = scene.asks(e.Ask.TRANSFER, OPERATOR)
    assert isinstance(ring, c.RingTarget)
    assert ring.leg_id not in {TARGET, OPERATOR_LEG}
    assert len(scene.view.transfers) == 2


@pytest.mark.parametrize("role", ["answered", "joined_room"])
def test_facts_tell_when_the_legs_came(role: str) -> None:
    scene = given_three_way()
    stamps = [getattr(leg, f"{role}_at") for leg in scene.view.legs.values()]
    assert stamps == [START] * 3
