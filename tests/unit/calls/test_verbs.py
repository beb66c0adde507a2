"""Verbs and keys: back, release, who may press what; native presses; words that come twice."""

from collections.abc import Callable

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import TransferState
from gateway.calls.state import Rules

from .given import (
    CALL,
    CALLER,
    OFFICER,
    OPERATOR,
    OPERATOR_LEG,
    TARGET,
    WANG,
    Scene,
    given_briefing,
    given_early_answer,
    given_moving,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    names,
    rules,
)

Given = Callable[[], Scene]
FIRE = rules(release="talk") | {
    (source, "119"): Rules("talk", 0.0, 30.0, "device", designate_at=0)
    for source in ("12345", "110")
}
"""The two centres, and the fire brigade for both."""


# --- back and release ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [given_ringing_transfer, given_early_answer, given_briefing, given_three_way]
)
def test_back_takes_the_caller_from_the_target(given: Given) -> None:
    scene = given()
    done = scene.asks(e.Ask.BACK, OPERATOR)
    assert names(done) == ["HangUp", "ForgetRinging"]
    assert scene.hung_up() == [TARGET]
    assert scene.shown.state is TransferState.CANCELLED
    scene.ended(OFFICER)
    assert scene.shown.state is TransferState.CANCELLED


def test_back_before_the_move_is_done_rings_nobody() -> None:
    scene = given_moving()
    scene.asks(e.Ask.BACK, OPERATOR)
    assert scene.command_ended("MoveToRoom", e.Outcome.DONE) == []
    assert scene.wait(60) == []


def test_back_is_also_the_officers_key() -> None:
    scene = given_three_way()
    scene.asks(e.Ask.BACK, OFFICER)
    assert scene.hung_up() == [TARGET]


def test_the_officer_cannot_give_back_to_an_operator_who_is_going() -> None:
    scene = given_three_way(ask=e.Ask.TRANSFER)
    assert scene.refuses(e.Ask.BACK, OFFICER)
    assert scene.shown.state is TransferState.THREE_WAY


def test_release_lets_the_operator_go() -> None:
    scene = given_three_way()
    assert names(scene.asks(e.Ask.RELEASE, OPERATOR)) == ["HangUp"]
    scene.ended(OPERATOR)
    assert scene.shown.state is TransferState.COMPLETED


@pytest.mark.parametrize(
    "given", [given_talking, given_moving, given_ringing_transfer, given_early_answer]
)
def test_no_release_before_a_person_is_there(given: Given) -> None:
    assert given().refuses(e.Ask.RELEASE, OPERATOR)


def test_only_the_operator_who_asked_is_released() -> None:
    assert given_three_way().refuses(e.Ask.RELEASE, OFFICER)


# --- keys ------------------------------------------------------------------------------------


def test_the_key_twice_is_one_transfer() -> None:
    scene = given_moving()
    assert scene.asks(e.Ask.TRANSFER, OPERATOR) == []
    scene.command_ended("MoveToRoom", e.Outcome.DONE)
    assert scene.asks(e.Ask.TRANSFER, OPERATOR) == []
    assert len(scene.view.transfers) == 1
    assert len(scene.all(c.RingTarget)) == 1


def test_both_press_a_transfer_at_once_the_first_counts() -> None:
    scene = given_three_way(FIRE)
    assert names(scene.asks(e.Ask.TRANSFER, OFFICER, target="119")) == ["RingTarget"]
    assert scene.asks(e.Ask.TRANSFER, OPERATOR, target="119") == []
    assert scene.transfer.transferor == TARGET


def test_both_press_at_the_end_release_and_back() -> None:
    scene = given_three_way()
    scene.asks(e.Ask.RELEASE, OPERATOR)
    assert scene.refuses(e.Ask.BACK, OFFICER)
    assert scene.hung_up() == [OPERATOR]


def test_the_callers_own_keys_are_no_keys() -> None:
    scene = given_talking()
    assert scene.asks(e.Ask.TRANSFER, CALLER) == []
    assert scene.view.transfers == []


def test_a_key_of_nobody_on_the_call_is_ignored() -> None:
    assert given_talking().asks(e.Ask.TRANSFER, "9.9") == []


def test_the_api_finds_the_leg_by_its_agent() -> None:
    scene = given_talking()
    assert scene.asks(e.Ask.TRANSFER, agent="a1002") == []
    assert names(scene.asks(e.Ask.TRANSFER, agent="a1001")) == ["MoveToRoom", "RingTarget"]
    assert scene.shown.via == "api"


def test_a_supervisor_may_release_whoever_can_be_released() -> None:
    scene = given_three_way()
    scene.asks(e.Ask.RELEASE)
    assert scene.hung_up() == [OPERATOR]


# --- native: the dialplan has acted by itself ------------------------------------------------


def given_native() -> Scene:
    scene = given_talking()
    assert scene.asks(e.Ask.TRANSFER, OPERATOR, native=True) == []
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    return scene


def test_a_native_transfer_is_followed_not_driven() -> None:
    scene = given_native()
    assert scene.shown.via == "native"
    scene.joined("7.7")
    leg = scene.view.legs[f"{CALL}.native.2"]
    assert (leg.unique_id, leg.centre) == ("7.7", "110")
    assert scene.shown.state is TransferState.THREE_WAY
    assert scene.all(c.RingTarget) + scene.all(c.MoveToRoom) == []
    # Whether a person answered is not known: nobody is released.
    scene.wait(60)
    assert scene.hung_up() == []
    scene.hangs_up(OPERATOR)
    assert scene.shown.state is TransferState.COMPLETED


def test_a_native_target_can_be_sent_away_by_its_channel() -> None:
    scene = given_native()
    scene.joined("7.7")
    scene.asks(e.Ask.BACK, OPERATOR)
    assert scene.hung_up() == ["7.7"]


def test_a_native_target_leaves() -> None:
    scene = given_native()
    scene.joined("7.7")
    scene.joined("7.8")
    scene.hangs_up("7.7")
    assert scene.shown.state is TransferState.RETURNED_TO_AGENT


def test_a_native_ring_that_nobody_answered() -> None:
    scene = given_native()
    scene.wait(40)
    assert scene.shown.state is TransferState.RETURNED_TO_AGENT
    assert scene.hung_up() == []


# --- duplicates and ghosts -------------------------------------------------------------------


def test_the_same_word_twice_says_nothing_new() -> None:
    scene = given_three_way()
    facts = len(scene.facts)
    scene.on(e.AgentConnected, channel="PJSIP/1001-2", unique_id=OPERATOR, party=WANG)
    for unique_id in (CALLER, OPERATOR, TARGET):
        scene.joined(unique_id)
    scene.answers()
    assert len(scene.facts) == facts


def test_a_late_word_about_a_leg_that_has_ended_makes_no_ghost() -> None:
    scene = given_talking()
    scene.hangs_up(OPERATOR)
    scene.on(e.AgentConnected, channel="PJSIP/1001-2", unique_id=OPERATOR, party=WANG)
    assert scene.state.agents == ()


def test_a_late_word_of_a_requeue_does_not_end_the_next_transfer() -> None:
    scene = given_ringing_transfer()
    assert scene.on(e.CallerRequeued) == []
    assert scene.transfer.live


def test_legs_keep_their_place() -> None:
    scene = given_three_way()
    scene.left(OPERATOR)
    assert [leg.id for leg in scene.state.agents] == [OPERATOR_LEG, TARGET]


def test_an_officer_briefed_by_hand_stays_when_the_operator_presses_release() -> None:
    scene = given_three_way(rules(release="talk"), ask=e.Ask.TRANSFER)
    scene.asks(e.Ask.RELEASE, OPERATOR)
    scene.ended(OPERATOR)
    assert [leg.id for leg in scene.state.agents] == [TARGET]


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["119", "00861234567", "1"])
@pytest.mark.parametrize("ask", [e.Ask.TRANSFER, e.Ask.THREE_WAY, e.Ask.CONSULT])
def test_a_key_to_where_no_link_leads_moves_nobody(ask: e.Ask, target: str) -> None:
    scene = given_talking()
    assert scene.refuses(ask, OPERATOR, target=target)
    assert scene.view.transfers == []


def test_a_key_pressed_twice_is_no_refusal() -> None:
    assert given_ringing_transfer().asks(e.Ask.TRANSFER, OPERATOR, ref="again") == []


def test_whoever_asks_by_api_hears_no_tone() -> None:
    assert given_talking().asks(e.Ask.RELEASE, agent="a1001") == []
