"""110's queue gives nobody: the link's further places are rung, one after the other."""

import pytest

from gateway.lab.scene import BUSY, CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, RING_FOREVER, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def given_110_refuses(scene: Scene) -> None:
    """2001 is busy wherever it is rung; 2002 too, but only in the queue."""
    scene.only("1001")
    await scene.given_call()
    await scene.operator.press("*110")
    refused = await scene.phones["2002"].next_call(10)
    scene.phones["2002"].on_invite = RING_FOREVER
    await refused.until("ended")


async def test_the_third_place_answers_and_has_the_caller(hunt: Scene) -> None:
    await given_110_refuses(hunt)
    hunt.officer = await hunt.next_live_call("2002")
    await hunt.hears(hunt.citizen, OPERATOR_HZ)
    await hunt.officer.answer()
    hunt.officer.tone(OFFICER_HZ)
    await hunt.until_transfer("completed")
    await hunt.hears(hunt.citizen, OFFICER_HZ)
    await hunt.hears(hunt.officer, CITIZEN_HZ)
    transfer = await hunt.until_transfer("completed")
    steps = [(one["state"], one["reason"]) for one in transfer["steps"]]
    assert steps[:3] == [
        ("requested", None),
        ("requested", "busy"),
        ("requested", "unreachable"),
    ]
    assert hunt.rings("110") == 1
    await hunt.citizen.hang_up()
    await hunt.ends_clean()


async def test_nobody_anywhere_leaves_the_caller_with_the_operator(hunt: Scene) -> None:
    await given_110_refuses(hunt)
    officer = await hunt.next_live_call("2002")
    hunt.phones["2002"].on_invite = BUSY
    await hunt.until_transfer("returned_to_agent", "no_answer")
    await officer.until("ended")
    await hunt.hears(hunt.citizen, OPERATOR_HZ)
    await hunt.hears(hunt.operator, CITIZEN_HZ)
    await hunt.citizen.hang_up()
    await hunt.ends_clean()


async def test_the_operator_goes_and_the_caller_waits_for_the_third_place(hunt: Scene) -> None:
    await given_110_refuses(hunt)
    hunt.officer = await hunt.next_live_call("2002")
    await hunt.operator.hang_up()
    await hunt.hears_something_after(hunt.citizen, OPERATOR_HZ)
    await hunt.officer.answer()
    hunt.officer.tone(OFFICER_HZ)
    await hunt.hears(hunt.citizen, OFFICER_HZ)
    await hunt.until_transfer("completed")
    await hunt.citizen.hang_up()
    await hunt.ends_clean()


async def test_a_key_pressed_again_while_it_hunts_rings_nobody_more(hunt: Scene) -> None:
    await given_110_refuses(hunt)
    hunt.officer = await hunt.next_live_call("2002")
    await hunt.operator.press("*110")
    await hunt.officer.answer()
    await hunt.until_transfer("completed")
    assert hunt.rings("110") == 1
    await hunt.citizen.hang_up()
    await hunt.ends_clean()


async def test_a_caller_who_leaves_ends_the_hunt(hunt: Scene) -> None:
    await given_110_refuses(hunt)
    officer = await hunt.next_live_call("2002")
    await hunt.citizen.hang_up()
    await officer.until("ended")
    await hunt.until_transfer("caller_gone")
    await hunt.ends_clean()
