"""A person behind a trunk has given their sign while no gateway was there."""

import pytest
from calls.given import TARGET, Scene, given_early_answer, given_three_way, rules

from gateway.errors import LiandongError, SwitchRefused
from gateway.telephony.port import Sighting
from gateway.telephony.reconcile import Snapshot
from gateway.telephony.signs import signed_unseen

from .test_reconcile import SEATS, TARGET_FAR, TARGET_NAME, in_room, row
from .test_strangers import Pbx

SIGN = rules(answered_by="sign")
TRUNK = row("7.1", "PJSIP/police-00000001", "", "b2")
JOINED = in_room(
    row(TARGET, TARGET_NAME, "ConfBridge", "room"),
    row(f"{TARGET};2", TARGET_FAR, "Dial", "b2"),
    TRUNK,
)


async def read(
    scene: Scene, marks: dict[str, str] | LiandongError, rows: Snapshot = JOINED
) -> list[Sighting]:
    pbx = Pbx({TARGET: marks})
    await pbx.start()
    return await signed_unseen(pbx, [scene.state], rows, SEATS)


async def test_a_mark_on_the_leg_is_a_persons_answer() -> None:
    scene = given_early_answer(SIGN)
    [sighting] = await read(scene, {"LD_SIGNED": "1"})
    assert (sighting.unique_id, sighting.event.unique_id) == (TARGET, "7.1")  # type: ignore[attr-defined]
    scene.take(sighting.event)
    assert scene.transfer.committed


async def test_without_the_far_end_the_leg_itself_is_named() -> None:
    rows = in_room(row(TARGET, TARGET_NAME, "ConfBridge", "room"))
    [sighting] = await read(given_early_answer(SIGN), {"LD_SIGNED": "1"}, rows)
    assert sighting.event.unique_id == TARGET  # type: ignore[attr-defined]


@pytest.mark.parametrize("marks", [{}, SwitchRefused("No such channel")])
async def test_no_mark_no_answer(marks: dict[str, str] | LiandongError) -> None:
    assert await read(given_early_answer(SIGN), marks) == []


async def test_only_who_waits_for_a_sign_is_asked() -> None:
    marks = {"LD_SIGNED": "1"}
    assert await read(given_early_answer(), marks) == []
    assert await read(given_three_way(), marks) == []
    assert await read(given_early_answer(SIGN), marks, in_room()) == []
