"""What is refused, and how whoever asked for it comes to know."""

import pytest

from gateway.lab.scene import RING_FOREVER, Scene, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_key_without_a_link_sounds_a_refusal_and_moves_nobody(talk: Scene) -> None:
    await talk.given_call()
    talk.citizen.tone(None)
    await until(lambda: talk.operator.rms(200) < 50, "a silent citizen")
    await talk.operator.press("*119")
    await until(lambda: talk.operator.rms(200) > 200, "the refusal, at the operator's ear")
    assert (await talk.view())["transfers"] == []
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_ringing_transfer()
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_the_callers_own_phone_transfers_nobody(talk: Scene) -> None:
    await talk.given_call()
    rung = len(talk.phones["1002"].calls)
    await talk.citizen.refer("1002")
    await talk.operator.until("ended", 10.0)
    await talk.citizen.hang_up()
    assert len(talk.phones["1002"].calls) == rung
    named = [one.get("Channel") for one in talk.witness.named("Newchannel", talk.since)]
    assert [name for name in named if name.startswith("Local/")] == []
