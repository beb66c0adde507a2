"""Who leaves when: the operator while the target rings, the caller in every state."""

import pytest

from gateway.lab.phones.call import CallState
from gateway.lab.scene import (
    CITIZEN_HZ,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    until,
)
from gateway.lab.witness import Witness

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_operator_hangs_up_while_the_target_rings_then_110_answers(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    await talk.operator.hang_up()
    await talk.hears_something_after(talk.citizen, OPERATOR_HZ)
    await talk.officer.answer()
    talk.officer.tone(OFFICER_HZ)
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.hears(talk.officer, CITIZEN_HZ)
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_operator_hangs_up_and_nobody_answers_caller_comes_back_to_a_queue(
    talk: Scene,
) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    talk.only("1002")
    await talk.operator.hang_up()
    again = await talk.next_live_call("1002", 15)
    await again.until("up")
    again.tone(OPERATOR_HZ)
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.until_transfer("returned_to_queue", "no_answer")
    assert not talk.citizen.ended
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_operator_presses_and_hangs_up_at_once_caller_reaches_somebody(talk: Scene) -> None:
    await talk.given_call()
    talk.only("1002", "2001", answer_s=0.2)
    await talk.operator.press("*110")
    await talk.witness.until(key_seen, "the key")
    await talk.operator.hang_up()
    await until(lambda: any(phone_up(talk, user) for user in ("1002", "2001")), "somebody")
    assert not talk.citizen.ended
    somebody = next(call for user in ("1002", "2001") for call in talk.phones[user].live_calls)
    somebody.tone(OFFICER_HZ)
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.citizen.hang_up()
    await talk.ends_clean()


def key_seen(witness: Witness) -> bool:
    return any(event.get("UserEvent") == "LiandongKey" for event in witness.named("UserEvent"))


def phone_up(scene: Scene, user: str) -> bool:
    return any(call.state is CallState.UP for call in scene.phones[user].calls)


async def test_caller_hangs_up_in_the_queue(talk: Scene) -> None:
    talk.phones["1001"].on_invite = RING_FOREVER
    talk.citizen = await talk.phones["city"].dial("12345", caller_id="13900001111")
    ringing = await talk.phones["1001"].next_call()
    await talk.citizen.hang_up()
    await ringing.until("ended")
    await until(lambda: _ended(talk, "abandoned"), "abandoned")
    await talk.ends_clean()


async def test_caller_hangs_up_while_talking(talk: Scene) -> None:
    await talk.given_call()
    await talk.citizen.hang_up()
    await talk.operator.until("ended")
    await until(lambda: _ended(talk, "caller_hung_up"), "caller_hung_up")
    await talk.ends_clean()


async def test_caller_hangs_up_while_the_target_rings(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    await talk.citizen.hang_up()
    await talk.officer.until("ended")
    await talk.operator.until("ended")
    await talk.until_transfer("caller_gone")
    await talk.ends_clean()


async def test_caller_hangs_up_in_the_three_way(talk: Scene) -> None:
    await talk.given_call()
    await talk.given_three_way()
    await talk.hears(talk.officer, CITIZEN_HZ)
    await talk.citizen.hang_up()
    await talk.until_transfer("caller_gone")
    await talk.hears(talk.officer, OPERATOR_HZ)
    await talk.operator.hang_up()
    await talk.officer.hang_up()
    await talk.ends_clean()


async def test_caller_hangs_up_after_the_handover(talk: Scene) -> None:
    await talk.given_call()
    await talk.given_three_way()
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    await talk.officer.until("ended")
    await until(lambda: _ended(talk, "caller_hung_up"), "caller_hung_up")
    await talk.ends_clean()


async def _ended(scene: Scene, reason: str) -> bool:
    return bool((await scene.view())["end_reason"] == reason)
