"""The other centre is on a switch of its own, behind a trunk, which answers before its person."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.lab.scene import (
    CITIZEN_HZ,
    CITIZEN_NUMBER,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    open_scene,
)
from gateway.lab.town import Town, TownPlan
from gateway.lab.witness import Witness
from tests.e2e.conftest import Towns

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def two_switches_town(towns: Towns) -> Town:
    plan = TownPlan(
        release="answered", alive_s=1.0, home="12345", answers="early", hunt=("PJSIP/1002",)
    )
    return await towns.like(plan)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(two_switches_town: Town) -> AsyncIterator[Scene]:
    async with open_scene(two_switches_town) as opened:
        yield opened


def target_joined(witness: Witness) -> bool:
    joins = witness.named("ConfbridgeJoin")
    return any(event.get("Channel").startswith("Local/110@") for event in joins)


def told(witness: Witness, name: str, header: str) -> list[str]:
    """What each UserEvent of that name has said."""
    named = witness.named("UserEvent")
    return [event.get(header) for event in named if event.get("UserEvent") == name]


async def test_the_operator_goes_when_the_other_queues_person_has_answered(scene: Scene) -> None:
    second = scene.town.second
    assert second is not None
    scene.phones["2001"].on_invite = RING_FOREVER
    with Witness(second) as there:
        await scene.given_call()
        await scene.given_ringing_transfer()
        await scene.witness.until(target_joined, "the target in the room")
        await scene.hears(scene.citizen, OPERATOR_HZ)
        assert not scene.operator.ended
        assert (await scene.until_transfer("ringing"))["target_leg"] == ""
    assert told(there, "LabPeer", "Call") == told(scene.witness, "LiandongCall", "Call") != []
    assert told(scene.witness, "LiandongCall", "Hops") == [""]
    assert told(there, "LiandongCall", "Hops") == ["1"]
    assert scene.officer.from_number == CITIZEN_NUMBER
    await scene.officer.answer()
    scene.officer.tone(OFFICER_HZ)
    await scene.operator.until("ended")
    await scene.until_transfer("completed")
    await scene.hears(scene.citizen, OFFICER_HZ)
    await scene.hears(scene.officer, CITIZEN_HZ)
    await scene.citizen.hang_up()
    await scene.officer.until("ended")
    await scene.ends_clean()


async def test_the_other_switch_has_died_and_the_links_next_place_is_rung(scene: Scene) -> None:
    """Whether ours knows by now or not: a place that says nothing does not ring for `ring_s`."""
    second = scene.town.second
    assert second is not None
    assert second.child is not None
    scene.phones["1002"].on_invite = RING_FOREVER
    await scene.given_call()
    await second.child.stop(0)
    await scene.operator.press("*110")
    scene.officer = await scene.next_live_call("1002")
    await scene.hears(scene.citizen, OPERATOR_HZ)
    await scene.officer.answer()
    scene.officer.tone(OFFICER_HZ)
    transfer = await scene.until_transfer("completed")
    steps = [(one["state"], one["reason"]) for one in transfer["steps"]]
    assert steps[:3] == [("requested", None), ("requested", "unreachable"), ("ringing", None)]
    await scene.hears(scene.citizen, OFFICER_HZ)
    await scene.hears(scene.officer, CITIZEN_HZ)
    await scene.citizen.hang_up()
    await scene.ends_clean()
    await second.boot(scene.town.folder)  # the phones there want to unregister
