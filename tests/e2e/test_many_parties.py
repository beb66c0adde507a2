"""More than three: with 110 in the room, the fire brigade is brought in as well."""

import asyncio

import pytest

from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.scene import CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, RING_FOREVER, Scene, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
FIREMAN_HZ = 1480


async def given_119_rings(scene: Scene) -> IncomingCall:
    """Citizen, operator and officer talk; the operator has pressed the key of the fire brigade."""
    await scene.given_call()
    await scene.given_three_way()
    await scene.until_transfer("three_way")
    scene.phones["2002"].on_invite = RING_FOREVER
    await scene.operator.press("*119")
    return await scene.next_live_call("2002")


async def given_four(scene: Scene) -> IncomingCall:
    fireman = await given_119_rings(scene)
    await fireman.answer()
    fireman.tone(FIREMAN_HZ)
    return fireman


async def everyone_goes(scene: Scene, *others: PhoneCall) -> None:
    """The citizen first; those who are left may talk on, until they too hang up."""
    await scene.citizen.hang_up()
    for call in others:
        await call.hang_up()
    await scene.ends_clean()


async def test_all_four_hear_each_other_and_each_may_go(fire: Scene) -> None:
    fireman = await given_four(fire)
    await asyncio.gather(
        fire.hears(fire.citizen, OPERATOR_HZ, OFFICER_HZ, FIREMAN_HZ),
        fire.hears(fire.operator, CITIZEN_HZ, OFFICER_HZ, FIREMAN_HZ),
        fire.hears(fire.officer, CITIZEN_HZ, OPERATOR_HZ, FIREMAN_HZ),
        fire.hears(fireman, CITIZEN_HZ, OPERATOR_HZ, OFFICER_HZ),
    )
    await fire.until_transfer("three_way")
    await fire.operator.hang_up()
    await fire.until_transfer("completed")
    await fire.hears(fire.citizen, OFFICER_HZ, FIREMAN_HZ)
    await fire.officer.hang_up()
    await fire.hears(fireman, CITIZEN_HZ)
    await fire.citizen.hang_up()
    ticket = await fire.final_ticket()
    assert [one["to_centre"] for one in ticket["transfers"]] == ["110", "119"]
    await fire.ends_clean()


async def test_110_is_let_go_by_the_page_and_119_taken_back_by_the_key(fire: Scene) -> None:
    fireman = await given_four(fire)
    await fire.hears(fire.citizen, OFFICER_HZ, FIREMAN_HZ)
    await fire.until_transfer("three_way")
    call = await fire.view()
    # The fireman's phone is a seat of 110 too.
    [police] = [leg for leg in call["legs"] if leg["extension"] == "2001"]
    async with await fire.operator_api() as client:
        path, body = f"/calls/{call['id']}/drop", {"leg_id": police["id"]}
        assert (await client.post(path, json=body)).status_code == 200
    await fire.officer.until("ended")
    await fire.hears(fire.citizen, OPERATOR_HZ, FIREMAN_HZ)
    await fire.operator.press("*0")
    await fireman.until("ended")
    await fire.hears(fire.citizen, OPERATOR_HZ)
    await fire.hears(fire.operator, CITIZEN_HZ)
    dropped = {leg["id"]: leg["dropped_by"] for leg in (await fire.view())["legs"]}
    assert dropped[police["id"]] == "a1001"
    await fire.citizen.hang_up()
    await fire.ends_clean()


async def test_119_is_busy_and_the_three_talk_on(fire: Scene) -> None:
    await fire.given_call()
    await fire.given_three_way()
    await fire.until_transfer("three_way")
    fire.phones["2002"].on_invite = IncomingPolicy.busy()
    await fire.operator.press("*119")
    await fire.until_transfer("returned_to_agent", "busy")
    await fire.hears(fire.citizen, OPERATOR_HZ, OFFICER_HZ)
    await fire.hears(fire.officer, CITIZEN_HZ, OPERATOR_HZ)
    await everyone_goes(fire, fire.operator, fire.officer)


async def test_the_operator_goes_while_119_rings_and_110_keeps_the_caller(fire: Scene) -> None:
    fireman = await given_119_rings(fire)
    await fire.operator.hang_up()
    await fire.hears(fire.officer, CITIZEN_HZ)
    await fireman.answer()
    fireman.tone(FIREMAN_HZ)
    await fire.hears(fire.citizen, OFFICER_HZ, FIREMAN_HZ)
    await fire.until_transfer("completed")
    await everyone_goes(fire, fire.officer, fireman)


async def test_both_go_while_119_rings_and_the_caller_waits_for_it(fire: Scene) -> None:
    fireman = await given_119_rings(fire)
    await fire.operator.hang_up()
    await fire.officer.hang_up()
    await fire.hears_something_after(fire.citizen, OFFICER_HZ)
    await fireman.answer()
    fireman.tone(FIREMAN_HZ)
    await fire.hears(fire.citizen, FIREMAN_HZ)
    await fire.until_transfer("completed")
    await fire.citizen.hang_up()
    await fire.ends_clean()


async def test_the_officer_brings_in_119_after_the_handover(fire: Scene) -> None:
    await fire.given_call()
    await fire.given_three_way()
    await fire.operator.hang_up()
    await fire.until_transfer("completed")
    fire.phones["2002"].on_invite = RING_FOREVER
    await fire.officer.press("*119")
    fireman = await fire.next_live_call("2002")
    await fireman.answer()
    fireman.tone(FIREMAN_HZ)
    await fire.hears(fire.citizen, OFFICER_HZ, FIREMAN_HZ)
    await fire.officer.press("*0")
    await fireman.until("ended")
    await fire.hears(fire.citizen, OFFICER_HZ)
    await fire.citizen.hang_up()
    await fire.ends_clean()


async def test_110s_key_again_rings_no_second_officer(fire: Scene) -> None:
    await fire.given_call()
    await fire.given_three_way()
    await fire.until_transfer("three_way")
    await fire.operator.press("*110")
    await fire.operator.press("*119")
    fire.phones["2002"].on_invite = RING_FOREVER
    await until(lambda: fire.rings("110") == 1, "one ring of 110")
    async with fire.town.client() as client:
        transfers = (await client.get(f"/calls/{(await fire.view())['id']}")).json()["transfers"]
    assert sum(one["target"] == "110" for one in transfers) == 1
    await everyone_goes(fire, fire.operator, fire.officer)
