"""A private consultation: the citizen hears music, the two others talk; and every way out of it."""

import asyncio
from functools import partial

import pytest

from gateway.lab.scene import CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, RING_FOREVER, Scene, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
CONSULT = "*7110"


async def given_consulting(scene: Scene) -> None:
    """Operator and officer hear each other, the citizen neither of them, but a sound."""
    await scene.given_call()
    await scene.given_three_way(CONSULT)
    await scene.until_transfer("consulting")
    await asyncio.gather(
        scene.hears(scene.operator, OFFICER_HZ),
        scene.hears(scene.officer, OPERATOR_HZ),
        scene.hears_something_after(scene.citizen, OPERATOR_HZ),
    )
    assert not scene.citizen.hears_tone(OFFICER_HZ)
    assert not scene.operator.hears_tone(CITIZEN_HZ)
    assert not scene.officer.hears_tone(CITIZEN_HZ)


async def test_consult_then_all_three(talk: Scene) -> None:
    await given_consulting(talk)
    await talk.operator.press("*3")
    await talk.until_transfer("three_way")
    await asyncio.gather(
        talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ),
        talk.hears(talk.operator, CITIZEN_HZ, OFFICER_HZ),
        talk.hears(talk.officer, CITIZEN_HZ, OPERATOR_HZ),
    )
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.citizen.hang_up()
    ticket = await talk.final_ticket()
    assert ticket["transfers"][0]["kind"] == "consult"
    await talk.ends_clean()


async def test_consult_then_hand_over(talk: Scene) -> None:
    await given_consulting(talk)
    await talk.operator.press("*9")
    await talk.operator.until("ended")
    await talk.until_transfer("completed")
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.hears(talk.officer, CITIZEN_HZ)
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_back_then_the_operator_hangs_up_while_they_consult_again(talk: Scene) -> None:
    await given_consulting(talk)
    await talk.operator.press("*0")
    await talk.officer.until("ended")
    await talk.until_transfer("cancelled")
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.hears(talk.operator, CITIZEN_HZ)
    await talk.given_three_way(CONSULT)
    await talk.until_transfer("consulting")
    await talk.hears(talk.officer, OPERATOR_HZ)
    await talk.operator.hang_up()
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_busy_and_the_operator_returns_by_themselves(talk: Scene) -> None:
    talk.only("1001")
    await talk.given_call()
    await talk.operator.press(CONSULT)
    await talk.until_transfer("returned_to_agent", "busy")
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.hears(talk.operator, CITIZEN_HZ)
    await talk.citizen.hang_up()
    await talk.operator.until("ended")
    await talk.ends_clean()


async def test_the_operator_hangs_up_while_it_rings_and_the_officer_gets_the_caller(
    talk: Scene,
) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer(CONSULT)
    await talk.operator.hang_up()
    await talk.officer.answer()
    talk.officer.tone(OFFICER_HZ)
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_the_citizen_leaves_and_both_are_told(talk: Scene) -> None:
    await given_consulting(talk)
    await talk.citizen.hang_up()
    await talk.until_transfer("caller_gone")
    await until(partial(whispers, talk, 2), "an announcement to each of the two")
    await talk.hears(talk.operator, OFFICER_HZ)
    await talk.operator.hang_up()
    await talk.officer.until("ended")
    await talk.ends_clean()


def whispers(scene: Scene, wanted: int) -> bool:
    """Whether so many announcements have been played to single ears."""
    legs = (event.get("Channel") for event in scene.witness.named("Newchannel", scene.since))
    said = (leg for leg in legs if leg.startswith("Local/say@liandong-tell"))
    return sum(leg.endswith(";1") for leg in said) == wanted
