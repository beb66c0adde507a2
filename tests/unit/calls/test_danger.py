"""A person marks danger: the next ring is urgent, and a restart still knows."""

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import CallMarked
from gateway.calls.recovery import state_of, views_of

from .given import CALL, OPERATOR, TARGET, Scene, given_ringing_transfer, given_talking, rules


def _marked(scene: Scene, danger: bool = True) -> Scene:
    assert scene.on(e.DangerMarked, danger=danger, agent="a1001") == []
    return scene


def _urgent(scene: Scene) -> list[bool]:
    return [ring.urgent for ring in scene.all(c.RingTarget)]


def test_a_marked_call_rings_urgently() -> None:
    scene = _marked(given_talking())
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    assert _urgent(scene) == [True]


def test_an_ordinary_call_does_not() -> None:
    scene = given_ringing_transfer()
    assert _urgent(scene) == [False]


def test_the_next_place_of_a_hunt_is_urgent_when_marked_meanwhile() -> None:
    scene = _marked(given_ringing_transfer(rules(hunt=("agent",))))
    scene.ended(TARGET)
    assert _urgent(scene) == [False, True]


def test_a_mark_taken_back_is_forgotten() -> None:
    scene = _marked(_marked(given_talking()), danger=False)
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    assert _urgent(scene) == [False]


def test_marking_twice_is_told_once() -> None:
    scene = _marked(_marked(given_talking()))
    assert [(one.danger, one.agent) for one in scene.facts if isinstance(one, CallMarked)] == [
        (True, "a1001")
    ]


def test_a_restart_knows_the_mark() -> None:
    scene = _marked(given_talking())
    assert state_of(views_of(scene.facts)[CALL], rules()).danger
