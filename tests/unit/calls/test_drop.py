"""One party of many is let go: never the caller, never the last person with the caller."""

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import TransferState

from .given import (
    CALL,
    CALLER,
    OFFICER,
    OPERATOR,
    OPERATOR_LEG,
    TARGET,
    Scene,
    given_consulting,
    given_handed_over,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    names,
)
from .test_many_parties import FIREMAN, given_four


def dropped(scene: Scene) -> list[tuple[str, str]]:
    return [(one.leg_id, one.agent) for one in scene.facts if isinstance(one, f.PartyDropped)]


def test_the_key_drops_whoever_came_in_last() -> None:
    scene = given_four()
    assert c.HangUp(FIREMAN, FIREMAN) in scene.asks(e.Ask.DROP, OPERATOR, ref="d1")
    assert dropped(scene) == [(FIREMAN, "a1001")]
    assert scene.view.legs[FIREMAN].dropped_by == "a1001"
    scene.ended("1.30")
    assert scene.asks(e.Ask.DROP, OPERATOR, ref="d2") == [c.HangUp(TARGET, TARGET)]
    scene.ended(OFFICER)
    assert scene.refuses(e.Ask.DROP, OPERATOR, ref="d3")


def test_the_page_drops_whom_it_names() -> None:
    scene = given_four()
    done = scene.asks(e.Ask.DROP, agent="a1001", target="", party=TARGET)
    assert done == [c.HangUp(TARGET, TARGET)]
    scene.ended(OFFICER)
    assert scene.shown.state is TransferState.THREE_WAY
    assert [leg.id for leg in scene.state.agents] == [OPERATOR_LEG, FIREMAN]


def test_the_target_of_a_transfer_is_taken_back() -> None:
    scene = given_three_way()
    assert names(scene.asks(e.Ask.DROP, OPERATOR)) == ["HangUp", "ForgetRinging"]
    assert scene.shown.state is TransferState.CANCELLED
    scene.ended(OFFICER)
    assert scene.shown.state is TransferState.CANCELLED
    assert [leg.id for leg in scene.state.staying] == [OPERATOR_LEG]


def test_an_operator_who_has_gone_drops_nobody() -> None:
    scene = given_handed_over()
    done = scene.asks(e.Ask.DROP, OPERATOR, native=True)
    assert (done, dropped(scene)) == ([], []), "told late: the target alone has the caller"


def test_nobody_drops_themselves_or_the_caller_or_an_unknown_leg() -> None:
    scene = given_three_way()
    for party in (OPERATOR_LEG, f"{CALL}.caller.0", "nobody"):
        assert scene.asks(e.Ask.DROP, agent="a1001", target="", party=party) == []
    assert scene.asks(e.Ask.DROP, CALLER) == []


def test_nobody_is_dropped_where_nobody_else_is() -> None:
    for given in (given_talking, given_ringing_transfer, given_consulting, given_handed_over):
        scene = given()
        for asker in (OPERATOR, OFFICER):
            scene.asks(e.Ask.DROP, asker)
        assert dropped(scene) == []


def test_the_same_press_told_twice_drops_one() -> None:
    scene = given_four()
    scene.asks(e.Ask.DROP, OPERATOR, ref="d1")
    scene.asks(e.Ask.DROP, OPERATOR, ref="d1")
    assert scene.hung_up() == [FIREMAN]


def test_whoever_dropped_another_and_leaves_at_once_has_left_the_caller_to_a_queue() -> None:
    scene = given_three_way()
    scene.asks(e.Ask.DROP, OPERATOR)
    scene.hangs_up(OPERATOR)
    assert "RequeueCaller" in names(scene.ended(OFFICER))
