"""The third hand-over asks who is to accept; three-way talks come to something."""

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import DesignationAsked, OwnershipDesignated, OwnershipSettled
from gateway.calls.facts import TransferState as S
from gateway.calls.recovery import state_of, views_of
from gateway.calls.state import Rules

from .given import (
    CALL,
    CALLER,
    LI,
    OFFICER,
    OPERATOR,
    TARGET,
    ZHANG,
    Scene,
    given_talking,
    given_three_way,
    names,
    rules,
)

ANNOUNCED = "designation-asked"


def hand_over(scene: Scene, by: str, target: str, party: e.Party, unique_id: str) -> None:
    """The operator on channel `by` presses the key, `party` answers, the operator is let go."""
    scene.asks(e.Ask.TRANSFER, by, target=target)
    for channel in (CALLER, by):
        scene.joined(channel)
    leg_id = scene.transfer.leg_id
    scene.rings(leg_id)
    answered = {"leg_id": leg_id, "channel": f"PJSIP/x-{unique_id}", "unique_id": unique_id}
    scene.on(e.TargetAnswered, party=party, **answered)
    scene.joined(leg_id)
    scene.ended(by)
    assert scene.history[-1] is S.COMPLETED


def given_handed_back() -> Scene:
    """12345 -> 110 -> 12345: two hand-overs have rung, Zhang has the citizen again."""
    scene = given_talking()
    hand_over(scene, OPERATOR, "110", LI, OFFICER)
    hand_over(scene, OFFICER, "12345", ZHANG, "1.30")
    return scene


def _rings(scene: Scene) -> int:
    return len(scene.all(c.RingTarget))


def test_two_hand_overs_ring_and_are_counted() -> None:
    scene = given_handed_back()
    assert _rings(scene) == 2
    assert [one.hop for one in scene.view.transfers] == [1, 2]
    assert [one.hop for one in scene.all(c.RingTarget)] == [1, 2]
    assert scene.state.handovers == scene.view.handovers == 2


def test_the_third_asks_for_a_designation_instead() -> None:
    scene = given_handed_back()
    [told] = scene.asks(e.Ask.TRANSFER, "1.30")
    assert isinstance(told, c.Tell)
    assert (told.channel, told.announcement) == ("PJSIP/x-1.30", ANNOUNCED)
    asked = scene.view.designation_asked
    assert asked is not None
    assert (asked.source, asked.target, asked.hop, asked.agent) == ("12345", "110", 3, "a1001")
    assert _rings(scene) == len(scene.view.transfers) == 2
    assert scene.state.staying


def test_hand_overs_before_it_came_to_this_pbx_count_too() -> None:
    scene = given_talking(handovers=2)
    assert scene.state.handovers == scene.view.handovers == 2
    [told] = scene.asks(e.Ask.TRANSFER, OPERATOR)
    assert isinstance(told, c.Tell)
    restarted = state_of(views_of(scene.facts)[CALL], scene.state.rules)
    assert restarted.handovers == 2


def test_pressing_again_tells_the_operator_again_and_asks_once() -> None:
    scene = given_handed_back()
    scene.asks(e.Ask.TRANSFER, "1.30")
    assert names(scene.asks(e.Ask.TRANSFER, "1.30", ref="again")) == ["Tell"]
    assert sum(isinstance(one, DesignationAsked) for one in scene.facts) == 1


def test_the_designated_centre_is_rung() -> None:
    scene = given_handed_back()
    scene.asks(e.Ask.TRANSFER, "1.30")
    [told] = scene.on(e.OwnerDesignated, centre="110", by="boss", reason="治安")
    assert isinstance(told, c.Tell)
    assert told.announcement == "designation-made"
    assert scene.view.designation_asked is None
    assert "RingTarget" in names(scene.asks(e.Ask.TRANSFER, "1.30", ref="again"))
    [made] = [one for one in scene.facts if isinstance(one, OwnershipDesignated)]
    assert (made.centre, made.by) == ("110", "boss")


def test_away_from_the_designated_centre_it_asks_again() -> None:
    scene = given_handed_back()
    scene.on(e.OwnerDesignated, centre="12345", by="boss")
    assert names(scene.asks(e.Ask.TRANSFER, "1.30")) == ["Tell"]


def test_danger_always_rings() -> None:
    scene = given_handed_back()
    scene.on(e.DangerMarked, danger=True)
    assert "RingTarget" in names(scene.asks(e.Ask.TRANSFER, "1.30"))


def test_a_three_way_always_rings() -> None:
    scene = given_handed_back()
    assert "RingTarget" in names(scene.asks(e.Ask.THREE_WAY, "1.30"))


def test_what_the_dialplan_has_done_is_not_asked_about() -> None:
    scene = given_handed_back()
    assert scene.asks(e.Ask.TRANSFER, "1.30", native=True) == []
    assert scene.shown.via == "native"


def test_transfers_in_vain_do_not_count() -> None:
    scene = given_talking()
    for number in range(3):
        scene.asks(e.Ask.TRANSFER, OPERATOR)
        scene.joined(CALLER)
        scene.joined(OPERATOR)
        scene.ended(scene.transfer.leg_id)
        assert scene.history[-1] is S.RETURNED_TO_AGENT
        assert _rings(scene) == number + 1
    assert scene.state.handovers == 0


def test_a_line_outside_does_not_count() -> None:
    fire = Rules("talk", 0.0, 30.0, "device", designate_at=0)
    scene = given_talking(rules() | {("12345", "119"): fire})
    for _ in range(4):
        scene.asks(e.Ask.TRANSFER, OPERATOR, target="119")
        scene.ended(scene.transfer.leg_id)
    assert scene.view.transfers[-1].hop == 0
    assert _rings(scene) == 4


def test_a_restart_knows_it_all() -> None:
    scene = given_handed_back()
    scene.asks(e.Ask.TRANSFER, "1.30")
    waiting = state_of(views_of(scene.facts)[CALL], rules())
    assert (waiting.handovers, waiting.designating) == (2, scene.state.designating)
    scene.on(e.OwnerDesignated, centre="110", by="boss")
    decided = state_of(views_of(scene.facts)[CALL], rules())
    assert (decided.owner, decided.designating) == ("110", None)


def _settled(scene: Scene) -> list[tuple[str, str, str]]:
    found = [one for one in scene.facts if isinstance(one, OwnershipSettled)]
    return [(one.centre, one.how, one.by) for one in found]


@pytest.mark.parametrize(
    ("centre", "found"),
    [("110", ("110", "accepted", "a1001")), ("", ("12345", "first_answer", "a1001"))],
)
def test_a_three_way_comes_to_something(centre: str, found: tuple[str, str, str]) -> None:
    scene = given_three_way()
    scene.on(e.OwnerSettled, centre=centre, by="a1001")
    scene.hangs_up(CALLER)
    assert _settled(scene) == [found]
    assert scene.view.owner is not None
    assert scene.view.owner.transfer_id == "t1"


def test_undecided_until_the_end_the_first_centre_accepts() -> None:
    scene = given_three_way()
    assert scene.view.unsettled == scene.state.unsettled == "t1"
    scene.ended(TARGET)
    scene.hangs_up(CALLER)
    assert _settled(scene) == [("12345", "first_answer", "")]
    assert scene.view.unsettled == ""


def test_a_three_way_that_became_a_hand_over_has_said_it() -> None:
    scene = given_three_way()
    scene.hangs_up(OPERATOR)
    assert scene.state.handovers == 1
    scene.hangs_up(CALLER)
    assert _settled(scene) == []


def test_an_unsettled_three_way_survives_a_restart() -> None:
    scene = given_three_way()
    assert state_of(views_of(scene.facts)[CALL], rules()).unsettled == "t1"
