"""Links that release the operator with the key: the caller waits for the target alone."""

import pytest

from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.scene import CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, RING_FOREVER, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def given_waiting_alone(scene: Scene) -> None:
    """The operator has gone with the key; the citizen hears that 110 rings."""
    scene.phones["2001"].on_invite = RING_FOREVER
    await scene.given_call()
    await scene.given_ringing_transfer()
    await scene.operator.until("ended")
    await scene.hears_something_after(scene.citizen, OPERATOR_HZ)


async def test_the_officer_answers_and_has_the_caller(at_once: Scene) -> None:
    await given_waiting_alone(at_once)
    await at_once.officer.answer()
    at_once.officer.tone(OFFICER_HZ)
    await at_once.hears(at_once.citizen, OFFICER_HZ)
    await at_once.hears(at_once.officer, CITIZEN_HZ)
    await at_once.until_transfer("completed")
    assert at_once.rings("110") == 1
    await at_once.citizen.hang_up()
    await at_once.ends_clean()


async def test_nobody_answers_and_the_next_operator_gets_the_caller(at_once: Scene) -> None:
    await given_waiting_alone(at_once)
    at_once.operator = await at_once.next_live_call("1001", 15)
    at_once.operator.tone(OPERATOR_HZ)
    await at_once.hears(at_once.citizen, OPERATOR_HZ)
    await at_once.until_transfer("returned_to_queue", "no_answer")
    await at_once.citizen.hang_up()
    await at_once.ends_clean()


async def test_110_refuses_at_once_and_the_next_operator_gets_the_caller(at_once: Scene) -> None:
    await at_once.given_call()
    at_once.phones["2001"].on_invite = IncomingPolicy.busy()
    await at_once.operator.press("*110")
    await at_once.operator.until("ended")
    at_once.operator = await at_once.next_live_call("1001", 15)
    at_once.operator.tone(OPERATOR_HZ)
    await at_once.hears(at_once.citizen, OPERATOR_HZ)
    await at_once.until_transfer("returned_to_queue")
    await at_once.citizen.hang_up()
    await at_once.ends_clean()


async def test_the_caller_leaves_while_it_rings(at_once: Scene) -> None:
    await given_waiting_alone(at_once)
    await at_once.citizen.hang_up()
    await at_once.officer.until("ended")
    await at_once.until_transfer("caller_gone")
    await at_once.ends_clean()


async def test_back_from_110_the_officer_goes_at_once(at_once: Scene) -> None:
    await given_waiting_alone(at_once)
    await at_once.officer.answer()
    at_once.officer.tone(OFFICER_HZ)
    await at_once.hears(at_once.citizen, OFFICER_HZ)
    await at_once.until_transfer("completed")
    await at_once.officer.press("*12345")
    await at_once.officer.until("ended")
    at_once.operator = await at_once.next_live_call("1001")
    at_once.operator.tone(OPERATOR_HZ)
    await at_once.hears(at_once.citizen, OPERATOR_HZ)
    await at_once.until_transfer("completed")
    await at_once.citizen.hang_up()
    await at_once.ends_clean()
