"""More than one party brought in: each by a transfer of its own, into the same room."""

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import FailureReason, TransferState
from gateway.calls.recovery import state_of, views_of
from gateway.calls.state import Rules

from .given import (
    CALL,
    CALLER,
    OFFICER,
    OPERATOR,
    TARGET,
    Scene,
    given_handed_over,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    names,
    rules,
)

FIREMAN = f"{CALL}.target.3"
FIRE = rules(release="answered", brief_s=20) | {
    (source, "119"): Rules("talk", 0.0, 30.0, "device", designate_at=0)
    for source in ("12345", "110")
}


def given_119_rings() -> Scene:
    """Zhang, Li and the citizen are in the room; the fire brigade's phone rings."""
    scene = given_three_way(FIRE, ask=e.Ask.TRANSFER)
    scene.asks(e.Ask.TRANSFER, OPERATOR, target="119")
    scene.rings(FIREMAN)
    return scene


def given_four() -> Scene:
    scene = given_119_rings()
    scene.on(
        e.TargetAnswered,
        leg_id=FIREMAN,
        channel="PJSIP/fire-1",
        unique_id="1.30",
        party=e.Party(),
        by_agent=False,
    )
    scene.joined(FIREMAN)
    return scene


def test_the_first_transfer_is_done_and_the_second_rings() -> None:
    scene = given_three_way(FIRE, ask=e.Ask.TRANSFER)
    [ring] = scene.asks(e.Ask.TRANSFER, OPERATOR, target="119")
    assert isinstance(ring, c.RingTarget)
    assert (ring.leg_id, ring.target) == (FIREMAN, "119")
    first, second = scene.view.transfers
    assert (first.state, second.state) == (TransferState.COMPLETED, TransferState.REQUESTED)


def test_whoever_brings_in_another_is_not_released_after_the_briefing() -> None:
    scene = given_four()
    scene.wait(60)
    assert scene.hung_up() == []
    assert [leg.id for leg in scene.state.agents] == [f"{CALL}.agent.1", TARGET, FIREMAN]


def test_nobody_is_brought_in_while_another_rings() -> None:
    scene = given_ringing_transfer(FIRE)
    assert scene.refuses(e.Ask.TRANSFER, OPERATOR, target="119")
    assert scene.asks(e.Ask.TRANSFER, OPERATOR, target="110") == []


def test_a_centre_that_is_on_the_call_is_not_rung_again() -> None:
    scene = given_three_way(FIRE)
    assert scene.asks(e.Ask.TRANSFER, OPERATOR, target="110") == []
    assert scene.refuses(e.Ask.TRANSFER, OFFICER, target="12345")
    assert scene.shown.state is TransferState.THREE_WAY


def test_a_second_who_refuses_leaves_the_three_talking() -> None:
    scene = given_119_rings()
    scene.on(e.TargetRefused, leg_id=FIREMAN, reason=FailureReason.BUSY)
    assert names(scene.ended(FIREMAN)) == ["ForgetRinging"]
    assert scene.shown.state is TransferState.RETURNED_TO_AGENT
    assert scene.hung_up() == []


def test_the_operator_goes_while_it_rings_and_the_officer_keeps_the_caller() -> None:
    scene = given_119_rings()
    assert scene.hangs_up(OPERATOR) == []
    assert names(scene.ended(FIREMAN)) == ["ForgetRinging"]
    assert scene.shown.state is TransferState.RETURNED_TO_AGENT


def test_all_go_while_it_rings_and_the_caller_goes_to_the_queue_if_nobody_answers() -> None:
    scene = given_119_rings()
    scene.hangs_up(OPERATOR)
    scene.hangs_up(OFFICER)
    scene.left(CALLER)
    scene.on(e.CallerHeld)
    assert names(scene.ended(FIREMAN)) == ["RequeueCaller", "ForgetRinging"]


def test_back_ends_the_newest_party_only() -> None:
    scene = given_four()
    assert c.HangUp(FIREMAN, FIREMAN) in scene.asks(e.Ask.BACK, OPERATOR)
    scene.ended("1.30")
    assert [leg.id for leg in scene.state.agents] == [f"{CALL}.agent.1", TARGET]


def test_the_officer_brings_in_119_after_the_operator_has_gone() -> None:
    scene = given_handed_over(FIRE | {("12345", "110"): rules()["12345", "110"]})
    assert names(scene.asks(e.Ask.TRANSFER, TARGET, target="119")) == ["RingTarget"]


def test_the_caller_goes_and_the_last_one_left_is_let_go() -> None:
    scene = given_four()
    scene.hangs_up(CALLER)
    assert scene.hung_up() == []
    scene.hangs_up(OPERATOR)
    scene.hangs_up("1.30")
    assert scene.hung_up() == [TARGET]


def test_a_restart_knows_all_who_are_there() -> None:
    scene = given_four()
    state = state_of(views_of(scene.facts)[CALL], scene.state.rules)
    assert state.transfer is not None
    assert (state.transfer.leg_id, state.transfer.committed) == (FIREMAN, True)
    assert [leg.id for leg in state.agents] == [f"{CALL}.agent.1", TARGET, FIREMAN]


def test_from_the_queues_bridge_119_is_a_target_like_any_other() -> None:
    scene = given_talking(FIRE)
    assert names(scene.asks(e.Ask.TRANSFER, OPERATOR, target="119")) == ["MoveToRoom", "RingTarget"]
