"""One-key transfer and three-way against the real switch: answered, refused, left."""

import pytest

from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.scene import (
    BUSY,
    CITIZEN_HZ,
    CITIZEN_NUMBER,
    DECLINE,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
)

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_answered_all_three_talk_then_citizen_and_110_go_on(talk: Scene) -> None:
    await talk.given_call()
    await talk.given_three_way()
    assert talk.officer.from_number == CITIZEN_NUMBER
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await talk.hears(talk.operator, CITIZEN_HZ, OFFICER_HZ)
    await talk.hears(talk.officer, CITIZEN_HZ, OPERATOR_HZ)
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.hears(talk.officer, CITIZEN_HZ)
    await talk.citizen.hang_up()
    await talk.officer.until("ended")
    ticket = await talk.final_ticket()
    assert [step["state"] for step in ticket["transfers"][0]["steps"]] == [
        "requested", "ringing", "briefing", "three_way", "released", "completed",
    ]  # fmt: skip
    await talk.ends_clean()


async def test_operator_is_released_once_the_person_has_answered(release: Scene) -> None:
    release.phones["2001"].on_invite = RING_FOREVER
    await release.given_call()
    await release.given_ringing_transfer()
    assert not release.operator.ended
    await release.officer.answer()
    release.officer.tone(OFFICER_HZ)
    await release.operator.until("ended")
    assert release.operator.ended_by == "remote"
    await release.hears(release.citizen, OFFICER_HZ)
    await release.until_transfer("completed")
    await release.officer.hang_up()
    await release.citizen.until("ended")
    await release.ends_clean()


async def test_from_110_to_12345(talk: Scene) -> None:
    talk.only("2001", "1001")
    await talk.given_call("110", operator="2001")
    await talk.given_three_way("*12345", officer="1001")
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await talk.operator.hang_up()
    transfer = await talk.until_transfer("completed")
    assert (transfer["source"], transfer["target"]) == ("110", "12345")
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_three_way_key_keeps_all_three_until_the_operator_leaves(release: Scene) -> None:
    await release.given_call()
    await release.given_three_way("*3")
    transfer = await release.until_transfer("three_way")
    assert transfer["kind"] == "three_way"
    await release.hears(release.officer, CITIZEN_HZ, OPERATOR_HZ)
    await release.hears(release.citizen, OFFICER_HZ, OPERATOR_HZ)
    await release.operator.press("*9")
    await release.operator.until("ended")
    await release.hears(release.citizen, OFFICER_HZ)
    await release.citizen.hang_up()
    await release.ends_clean()


async def test_no_answer_returns_to_the_operator(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.until_transfer("returned_to_agent", "no_answer")
    await talk.officer.until("ended")
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.hears(talk.operator, CITIZEN_HZ)
    await talk.operator.hang_up()
    await talk.citizen.until("ended")
    await talk.ends_clean()


@pytest.mark.parametrize(("policy", "reason"), [(BUSY, "busy"), (DECLINE, "rejected")])
async def test_refusal_returns_to_the_operator(
    talk: Scene, policy: IncomingPolicy, reason: str
) -> None:
    talk.phones["2001"].on_invite = talk.phones["2002"].on_invite = policy
    await talk.given_call()
    await talk.operator.press("*110")
    await talk.until_transfer("returned_to_agent", reason)
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.hears(talk.operator, CITIZEN_HZ)
    await talk.citizen.hang_up()
    await talk.operator.until("ended")
    await talk.ends_clean()


async def test_second_transfer_from_inside_the_room(talk: Scene) -> None:
    talk.phones["2001"].on_invite = DECLINE
    await talk.given_call()
    await talk.operator.press("*110")
    await talk.until_transfer("returned_to_agent", "rejected")
    talk.only("1001", "2002")
    await talk.given_three_way("*110", officer="2002")
    await talk.hears(talk.citizen, OFFICER_HZ, OPERATOR_HZ)
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_back_to_the_caller_while_the_target_rings(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    await talk.operator.press("*0")
    await talk.officer.until("ended")
    await talk.until_transfer("cancelled")
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.operator.hang_up()
    await talk.citizen.until("ended")
    await talk.ends_clean()


async def test_target_leaves_while_briefing_and_the_operator_keeps_the_caller(talk: Scene) -> None:
    await talk.given_call()
    await talk.given_three_way()
    await talk.hears(talk.officer, OPERATOR_HZ)
    await talk.officer.hang_up()
    await talk.until_transfer("returned_to_agent", "target_left")
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.hears(talk.operator, CITIZEN_HZ)
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_key_pressed_twice_rings_once(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.operator.press("*110")
    await talk.operator.press("*110")
    talk.officer = await talk.phones["2001"].next_call()
    await talk.until_transfer("returned_to_agent", "no_answer")
    assert talk.rings("110") == 1
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_the_citizens_own_keys_do_nothing(talk: Scene) -> None:
    await talk.given_call()
    await talk.citizen.press("*110")
    await talk.hears(talk.operator, CITIZEN_HZ)
    assert (await talk.view())["transfers"] == []
    await talk.citizen.hang_up()
    await talk.ends_clean()
