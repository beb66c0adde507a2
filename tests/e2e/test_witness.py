"""The end-to-end tests' own eyes: a drop that is planted is seen."""

import pytest

from gateway.lab.scene import RING_FOREVER, Scene, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _channel(scene: Scene, user: str) -> str:
    channels = await scene.witness.live_channels()
    return next(one for one in channels if one.startswith(f"PJSIP/{user}-"))


async def _ended_by_the_pbx(scene: Scene, *users: str) -> list[str]:
    """The PBX is told to end these phones' legs, one after the other; returns who was dropped."""
    for user in users:
        channel = await _channel(scene, user)
        assert scene.witness.ask("Hangup", {"Channel": channel, "Cause": "16"}).ok

    async def empty() -> bool:
        return not await scene.witness.live_channels()

    await until(empty, "an empty PBX")
    return scene.witness.dropped(scene.since, scene.phones)


async def test_a_caller_ended_beside_the_operator_is_dropped(talk: Scene) -> None:
    await talk.given_call()
    city = await _channel(talk, "city")
    assert await _ended_by_the_pbx(talk, "city") == [city]


async def test_a_caller_ended_after_their_operator_is_dropped(talk: Scene) -> None:
    await talk.given_call()
    city = await _channel(talk, "city")
    assert await _ended_by_the_pbx(talk, "1001") == [city]


async def test_a_caller_ended_while_held_is_dropped(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    await talk.until_transfer("ringing")
    await talk.operator.hang_up()
    await talk.hears_something_after(talk.citizen, 700)
    city = await _channel(talk, "city")
    assert await _ended_by_the_pbx(talk, "city") == [city]
