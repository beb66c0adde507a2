"""The leg log and the figures of calls that real phones made."""

from typing import Any

import pytest

from gateway.lab.phones.call import CallState, PhoneCall
from gateway.lab.scene import BUSY, CITIZEN_HZ, OFFICER_HZ, OPERATOR_HZ, Scene, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
NEAR_MS = 1000
"""What two cores shared with everything else may add; what is meant is 200 ms."""


async def legs(scene: Scene) -> dict[str, dict[str, Any]]:
    """The newest call's legs by role, once its log is written."""
    call_id = (await scene.view())["id"]
    found: dict[str, dict[str, Any]] = {}
    async with scene.town.client() as client:

        async def written() -> bool:
            answer = await client.get("/legs", params={"call": call_id})
            found.update({leg["role"]: leg for leg in answer.json()["legs"]})
            return bool(found) and all(leg["how"] != "unknown" for leg in found.values())

        await until(written, "the leg log")
    return found


async def until_written(scene: Scene) -> None:
    """Wait until the calls before this one are in the figures."""
    async with scene.town.client() as client:
        if (await client.get("/calls")).json():
            await legs(scene)


async def figures(scene: Scene, centre: str) -> dict[str, Any]:
    async with scene.town.client() as client:
        answer = await client.get("/figures", params={"centre": centre, "message_status": "Test"})
        found: dict[str, Any] = answer.json()["figures"][0]
        return found


def life_ms(call: PhoneCall) -> float:
    """From the answer to the end, by the phone's own clock."""
    return call.at[CallState.ENDED].ms_since(call.at[CallState.UP])


async def test_transferred_call_by_the_phones_own_clocks(talk: Scene) -> None:
    await until_written(talk)
    before = await figures(talk, "12345")
    await talk.given_call()
    await talk.given_three_way()
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.hears(talk.officer, CITIZEN_HZ)
    await talk.citizen.hang_up()
    await talk.officer.until("ended")
    await talk.ends_clean()
    log = await legs(talk)
    assert set(log) == {"caller", "agent", "target"}
    assert not any(leg["estimated"] for leg in log.values())
    assert [log[role]["centre"] for role in ("agent", "target")] == ["12345", "110"]
    spent = {
        role: sum(leg[name] for name in ("talk_ms", "conference_ms", "hold_ms"))
        for role, leg in log.items()
    }
    phones = {"caller": talk.citizen, "agent": talk.operator, "target": talk.officer}
    for role, phone in phones.items():
        assert spent[role] == pytest.approx(life_ms(phone), abs=NEAR_MS)
    assert log["caller"]["conference_ms"] > log["agent"]["conference_ms"] > 0
    assert log["target"]["ring_ms"] > 0
    after = await figures(talk, "12345")
    gained = {name: after[name] - before[name] for name in ("offered", "answered", "lost")}
    assert gained == {"offered": 1, "answered": 1, "lost": 0}


async def test_transfer_that_comes_back_is_listed(talk: Scene) -> None:
    talk.phones["2001"].on_invite = talk.phones["2002"].on_invite = BUSY
    await talk.given_call()
    await talk.operator.press("*110")
    await talk.until_transfer("returned_to_agent", "busy")
    await talk.citizen.hang_up()
    await talk.operator.until("ended")
    await talk.ends_clean()
    log = await legs(talk)
    assert (log["target"]["how"], log["target"]["answered_at"]) == ("busy", None)
    params = {"which": "returned", "message_status": "Test"}
    async with talk.town.client() as client:
        newest = (await client.get("/figures/calls", params=params)).json()["calls"][0]
    assert newest["id"] == log["caller"]["call_id"]
    assert newest["caller_number"] == "138****1234"
    assert newest["transfers_returned"][0]["reason"] == "busy"
