"""A call marked as dangerous: 110 rings in a way of its own, ahead of whoever waits."""

import pytest

from gateway.lab.scene import RING_FOREVER, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def marked(scene: Scene, danger: bool) -> None:
    call_id = (await scene.view())["id"]
    async with await scene.operator_api() as operator:
        answer = await operator.post(f"/calls/{call_id}/danger", json={"danger": danger})
    assert answer.json()["danger"] is danger


async def alert_info(scene: Scene) -> list[str]:
    """What the INVITE told the officer's phone about its ring."""
    scene.phones["2001"].on_invite = RING_FOREVER
    await scene.given_ringing_transfer()
    return list(scene.officer.invite.headers.lists("alert-info"))


async def test_the_officers_phone_is_told(talk: Scene) -> None:
    await talk.given_call()
    await marked(talk, danger=True)
    [alert] = await alert_info(talk)
    assert "liandong-urgent" in alert
    assert (await talk.view())["danger"] is True
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_an_ordinary_call_rings_as_always(talk: Scene) -> None:
    await talk.given_call()
    await marked(talk, danger=True)
    await marked(talk, danger=False)
    assert await alert_info(talk) == []
    await talk.citizen.hang_up()
    await talk.ends_clean()
