"""The caller is gone while 110 rings: it stops, and somebody is to call them back."""

from typing import Any

import pytest

from gateway.lab.scene import CITIZEN_NUMBER, RING_FOREVER, Scene, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_from_a_caller_who_has_gone_to_a_call_back_that_is_done(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    call_id = (await talk.view())["id"]
    await talk.citizen.hang_up()
    await talk.officer.until("ended")
    async with await talk.operator_api("1001") as operator:
        task: dict[str, Any] = {}

        async def opened() -> bool:
            found = (await operator.get("/callbacks")).json()["callbacks"]
            task.update(next((one for one in found if one["call_id"] == call_id), {}))
            return bool(task)

        await until(opened, "the task")
        assert (task["centre"], task["target"], task["why"]) == ("12345", "110", "caller_gone")
        assert task["caller_number"] == "138****1234"
        path = f"/callbacks/{task['number']}"
        assert (await operator.post(f"{path}/reveal", json={})).status_code == 403
        assert (await operator.post(f"{path}/take")).json()["mine"] is True
        shown = await operator.post(f"{path}/reveal", json={"reason": "回拨"})
        assert shown.json()["caller_number"] == CITIZEN_NUMBER
        done = await operator.post(f"{path}/done", json={"outcome": "reached"})
        assert done.json()["state"] == "done"
    await talk.until_transfer("caller_gone")

    async def told() -> bool:
        callback = (await talk.final_ticket())["callback"]
        return bool(callback["callback_number"] == task["number"] and callback["state"] == "done")

    await until(told, "the task's end in the ticket")
    await talk.ends_clean()
