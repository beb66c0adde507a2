"""What becomes of a caller whom a queue gives back, and of one whose phone is transferred."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.lab.scene import (
    CITIZEN_HZ,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    open_scene,
    until,
)
from gateway.lab.town import Town, TownPlan
from tests.e2e.conftest import Towns

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

_IMPATIENT = """
[liandong-inbound](+)
exten => 77,1,Gosub(liandong-call,s,1(12345,110))
 same => n,Queue(12345,cF(liandong-room^left^1),,,2)
 same => n,Goto(liandong-alone,queue,1)
exten => 78,1,Gosub(liandong-call,s,1(12345,110))
 same => n,Queue(nosuchqueue,cF(liandong-room^left^1),,,2)
 same => n,Goto(liandong-alone,queue,1)
"""


@pytest_asyncio.fixture(loop_scope="session")
async def impatient_town(towns: Towns) -> Town:
    plan = TownPlan(release="talk", ring_s=3.0, overrides={"extensions.conf": _IMPATIENT})
    return await towns.like(plan)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(impatient_town: Town) -> AsyncIterator[Scene]:
    async with open_scene(impatient_town) as opened:
        yield opened


@pytest.mark.parametrize("number", ["77", "78"])
async def test_a_caller_nobody_has_served_stays_and_is_served_in_the_end(
    scene: Scene, number: str
) -> None:
    scene.phones["1001"].on_invite = RING_FOREVER
    scene.citizen = await scene.phones["city"].dial(number, caller_id="13812341234")
    if number == "77":
        await scene.next_live_call("1001")
    scene.only("1002")
    await scene.witness.until(
        lambda seen: any(
            event.get("UserEvent") == "LiandongRequeued"
            for event in seen.named("UserEvent", scene.since)
        ),
        "the caller in the queue again",
    )
    operator = await scene.next_live_call("1002", 15)
    await operator.until("up")
    operator.tone(OPERATOR_HZ)
    await scene.hears(scene.citizen, OPERATOR_HZ)
    await scene.citizen.hang_up()
    await operator.until("ended")
    await scene.ends_clean()


async def test_the_phones_own_transfer_key_rings_110_and_keeps_the_recording(scene: Scene) -> None:
    scene.phones["2001"].on_invite = RING_FOREVER
    await scene.given_call()
    await scene.operator.refer("110")
    scene.officer = await scene.next_live_call("2001")
    await scene.operator.hang_up()
    await until(lambda: scene.citizen.rms(400) > 100, "the caller hears something")
    await scene.officer.answer()
    scene.officer.tone(OFFICER_HZ)
    await scene.hears(scene.citizen, OFFICER_HZ)
    await scene.hears(scene.officer, CITIZEN_HZ)
    calls = [
        event
        for event in scene.witness.named("UserEvent", scene.since)
        if event.get("UserEvent") == "LiandongCall"
    ]
    assert len(calls) == 1
    await scene.citizen.hang_up()
    await scene.officer.until("ended")
    ticket = await scene.final_ticket()
    assert ticket["transfers"][0]["via"] == "native"
    assert ticket["recording"]["unbroken"] is True
    await scene.ends_clean()


async def test_the_phones_own_transfer_in_vain_brings_the_caller_back(scene: Scene) -> None:
    scene.only("1001")
    await scene.given_call()
    scene.only("1002")
    await scene.operator.refer("110")
    await scene.operator.hang_up()
    again = await scene.next_live_call("1002", 15)
    await again.until("up")
    again.tone(OPERATOR_HZ)
    await scene.hears(scene.citizen, OPERATOR_HZ)
    await scene.citizen.hang_up()
    await again.until("ended")
    await scene.ends_clean()
