"""What a caller hears while nobody talks to them."""

from functools import partial

import pytest

from gateway.lab.scene import CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, RING_FOREVER, Scene, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_music_in_the_queue_until_an_operator_answers(talk: Scene) -> None:
    talk.phones["1001"].on_invite = RING_FOREVER
    talk.citizen = await talk.phones["city"].dial("12345", caller_id="13900001111")
    ringing = await talk.phones["1001"].next_call()
    await talk.citizen.until("early")
    await until(lambda: talk.citizen.rms(400) > 100, "music on hold")
    await ringing.answer()
    ringing.tone(OPERATOR_HZ)
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_110_joins_during_the_announcement_and_not_after_it(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    await talk.operator.hang_up()
    await talk.hears_something_after(talk.citizen, OPERATOR_HZ)
    await talk.officer.answer()
    talk.officer.tone(OFFICER_HZ)
    at_once = partial(talk.citizen.heard.hears_tone, OFFICER_HZ, min_share=0.5)
    await until(at_once, "110, before the announcement ends", 1.0)
    await talk.hears(talk.officer, CITIZEN_HZ)
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    await talk.ends_clean()
