"""The verbs by REST do on live calls what the keys do, for those who may."""

from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from gateway.lab.scene import CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, RING_FOREVER, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TRANSFER = {"target": "110"}
CONSULT = {"target": "110", "kind": "consult"}
THREE_WAY = {"target": "110", "kind": "three_way"}


@pytest_asyncio.fixture(loop_scope="session")
async def seat(talk: Scene) -> Any:
    """The API as the page of the operator at 1001 uses it."""
    async with await talk.operator_api("1001") as client:
        yield client


async def path(scene: Scene, verb: str) -> str:
    return f"/calls/{(await scene.view())['id']}/{verb}"


async def transfer(scene: Scene, seat: AsyncClient, body: dict[str, str], key: str) -> Any:
    where = await path(scene, "transfers")
    return await seat.post(where, json=body, headers={"Idempotency-Key": key})


async def verbs(scene: Scene, seat: AsyncClient) -> set[tuple[str, str]]:
    listed = (await seat.get(await path(scene, "verbs"))).json()["verbs"]
    return {(verb["verb"], verb["target"]) for verb in listed}


async def test_transfer_asked_for_twice_rings_once(talk: Scene, seat: AsyncClient) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    assert await verbs(talk, seat) == {
        ("transfer", "110"), ("three_way", "110"), ("consult", "110"),
    }  # fmt: skip
    first = await transfer(talk, seat, TRANSFER, "once")
    again = await transfer(talk, seat, TRANSFER, "once")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    talk.officer = await talk.next_live_call("2001")
    other = await transfer(talk, seat, TRANSFER, "twice")
    assert (other.status_code, other.json()["slug"]) == (409, "illegal-verb")
    await talk.officer.answer()
    talk.officer.tone(OFFICER_HZ)
    await talk.hears(talk.citizen, OFFICER_HZ, OPERATOR_HZ)
    shown = await talk.until_transfer("three_way")
    assert (shown["via"], shown["agent"]) == ("api", "a1001")
    assert len((await talk.view())["transfers"]) == 1
    assert talk.rings("110") == 1
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_three_way_then_release(talk: Scene, seat: AsyncClient) -> None:
    await talk.given_call()
    assert (await transfer(talk, seat, THREE_WAY, "three")).status_code == 202
    talk.officer = await talk.next_live_call("2001")
    await talk.officer.until("up")
    talk.officer.tone(OFFICER_HZ)
    await talk.hears(talk.officer, CITIZEN_HZ, OPERATOR_HZ)
    await talk.until_transfer("three_way")
    assert {verb for verb, _ in await verbs(talk, seat)} == {"back", "release", "drop"}
    assert (await seat.post(await path(talk, "release"))).status_code == 200
    await talk.operator.until("ended")
    await talk.until_transfer("completed")
    await talk.hears(talk.citizen, OFFICER_HZ)
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_consult_then_join(talk: Scene, seat: AsyncClient) -> None:
    await talk.given_call()
    assert (await transfer(talk, seat, CONSULT, "consult")).status_code == 202
    talk.officer = await talk.next_live_call("2001")
    await talk.officer.until("up")
    talk.officer.tone(OFFICER_HZ)
    await talk.until_transfer("consulting")
    await talk.hears(talk.officer, OPERATOR_HZ)
    states = {leg["role"]: leg["state"] for leg in (await talk.view())["legs"]}
    assert states == {"caller": "on_hold", "agent": "aside"}
    assert {verb for verb, _ in await verbs(talk, seat)} == {"back", "release", "join"}
    assert (await seat.post(await path(talk, "join"))).status_code == 200
    await talk.until_transfer("three_way")
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await talk.citizen.hang_up()
    await talk.operator.hang_up()
    await talk.ends_clean()


async def test_back_while_the_target_rings(talk: Scene, seat: AsyncClient) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    refused = await seat.post(await path(talk, "back"))
    assert (refused.status_code, refused.json()["slug"]) == (409, "illegal-verb")
    await transfer(talk, seat, TRANSFER, "back")
    talk.officer = await talk.next_live_call("2001")
    refused = await seat.post(await path(talk, "release"))
    assert (refused.status_code, refused.json()["slug"]) == (409, "illegal-verb")
    assert (await seat.post(await path(talk, "back"))).status_code == 200
    await talk.officer.until("ended")
    await talk.until_transfer("cancelled")
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_only_the_seat_on_the_call_may_act(talk: Scene, seat: AsyncClient) -> None:
    await talk.given_call()
    async with await talk.operator_api("1002") as other:
        assert (await transfer(talk, other, TRANSFER, "other")).status_code == 404
        assert (await other.get(await path(talk, "verbs"))).status_code == 404
    async with talk.town.client() as supervisor:
        assert (await transfer(talk, supervisor, TRANSFER, "watch")).status_code == 403
    async with talk.town.client("not-a-token") as stranger:
        assert (await transfer(talk, stranger, TRANSFER, "no")).status_code == 401
    no_link = await transfer(talk, seat, {"target": "119"}, "no-link")
    assert (no_link.status_code, no_link.json()["slug"]) == (409, "illegal-verb")
    assert (await talk.view())["transfers"] == []
    assert talk.rings("110") == 0
    await talk.citizen.hang_up()
    await talk.ends_clean()
