"""The target's PBX answers before its agents do: a joined leg proves no person."""

import pytest

from gateway.lab.scene import CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, RING_FOREVER, Scene
from gateway.lab.witness import Witness

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def target_joined(witness: Witness) -> bool:
    """The target's own leg is in the room, person or none."""
    joins = witness.named("ConfbridgeJoin")
    return any(event.get("Channel").startswith("Local/110@") for event in joins)


async def given_early_join(early: Scene) -> None:
    """110 is in the room although 2001's phone only rings."""
    early.phones["2001"].on_invite = RING_FOREVER
    await early.given_call()
    await early.given_ringing_transfer()
    await early.witness.until(target_joined, "the target in the room")


async def test_operator_is_released_only_once_the_officer_has_answered(early: Scene) -> None:
    await given_early_join(early)
    transfer = await early.until_transfer("ringing")
    assert transfer["target_leg"] == ""
    await early.hears(early.citizen, OPERATOR_HZ)
    await early.hears(early.operator, CITIZEN_HZ)
    assert not early.operator.ended
    await early.officer.answer()
    early.officer.tone(OFFICER_HZ)
    await early.operator.until("ended")
    assert early.operator.ended_by == "remote"
    await early.hears(early.citizen, OFFICER_HZ)
    await early.hears(early.officer, CITIZEN_HZ)
    await early.until_transfer("completed")
    await early.citizen.hang_up()
    await early.ends_clean()


async def test_nobody_answers_the_operator_keeps_the_caller(early: Scene) -> None:
    await given_early_join(early)
    await early.until_transfer("returned_to_agent", "no_answer")
    await early.officer.until("ended")
    await early.hears(early.citizen, OPERATOR_HZ)
    await early.hears(early.operator, CITIZEN_HZ)
    await early.operator.hang_up()
    await early.citizen.until("ended")
    await early.ends_clean()


async def test_operator_leaves_and_the_officer_answers(early: Scene) -> None:
    await given_early_join(early)
    await early.operator.hang_up()
    await early.hears_something_after(early.citizen, OPERATOR_HZ)
    await early.officer.answer()
    early.officer.tone(OFFICER_HZ)
    await early.hears(early.citizen, OFFICER_HZ)
    await early.hears(early.officer, CITIZEN_HZ)
    await early.until_transfer("completed")
    await early.citizen.hang_up()
    await early.ends_clean()


async def test_operator_leaves_and_nobody_answers_caller_comes_back_to_a_queue(
    early: Scene,
) -> None:
    await given_early_join(early)
    early.only("1002")
    await early.operator.hang_up()
    again = await early.next_live_call("1002", 15)
    await again.until("up")
    again.tone(OPERATOR_HZ)
    await early.hears(early.citizen, OPERATOR_HZ)
    await early.until_transfer("returned_to_queue", "no_answer")
    await early.citizen.hang_up()
    await early.ends_clean()
