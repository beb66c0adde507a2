"""Two gateways on one PBX, and one that hangs: exactly one acts, and the calls go on."""

import os
import signal
import time
from contextlib import AsyncExitStack

import httpx
import pytest

from gateway.calls.transfer import RING_GRACE_S
from gateway.lab.rival import rival
from gateway.lab.scene import (
    CITIZEN_HZ,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    until,
)
from tests.e2e.conftest import RING_S
from tests.e2e.test_native import control_pid

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def controller(scene: Scene) -> str:
    return scene.witness.ask("Getvar", {"Variable": "LD_CONTROLLER"}).headers["Value"]


async def well(url: str) -> bool:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        try:
            return (await client.get(f"{url}/healthz")).status_code == 200
        except httpx.HTTPError:
            return False


async def test_the_second_stands_by_follows_one_that_hangs_and_the_first_steps_back(
    talk: Scene, stage: AsyncExitStack
) -> None:
    first, hung = controller(talk), control_pid(talk.town)
    own_port, own_url = talk.town.api_port, talk.town.api_url
    stage.callback(setattr, talk.town, "api_port", own_port)
    gateway_log = talk.town.folder / "gateway.log"
    await talk.given_call()
    call_id = (await talk.view())["id"]
    second = await stage.enter_async_context(rival(talk.town))
    await until(lambda: "standing by" in second.child.tail(), "the second stands by")
    talk.town.api_port = second.api_port
    assert not await well(talk.town.api_url)

    os.kill(hung, signal.SIGSTOP)
    await until(lambda: controller(talk) != first, "the second follows", 15)
    await until(lambda: well(talk.town.api_url), "the second serves")
    assert (await talk.view())["id"] == call_id
    await talk.given_three_way()
    os.kill(hung, signal.SIGCONT)
    await until(lambda: "controls this PBX" in gateway_log.read_text(), "the first steps back")
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await talk.until_transfer("three_way")
    assert talk.rings("110") == 1

    await second.child.stop()
    await until(lambda: well(own_url), "the first is back in control", 20)
    talk.town.api_port = own_port
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.hears(talk.officer, CITIZEN_HZ)
    await talk.citizen.hang_up()
    assert (await talk.final_ticket())["call"]["call_id"] == call_id
    await talk.ends_clean()


async def test_one_that_hung_does_not_act_on_a_deadline_that_passed_meanwhile(
    talk: Scene, stage: AsyncExitStack
) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    await talk.until_transfer("ringing")
    hung = control_pid(talk.town)
    os.kill(hung, signal.SIGSTOP)
    stage.callback(os.kill, hung, signal.SIGCONT)
    await talk.officer.answer()
    talk.officer.tone(OFFICER_HZ)
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    passed = time.monotonic() + RING_S + RING_GRACE_S
    await until(lambda: time.monotonic() > passed, "the deadline has passed", 10)
    os.kill(hung, signal.SIGCONT)
    await talk.until_transfer("three_way")
    await talk.hears(talk.officer, CITIZEN_HZ, OPERATOR_HZ)
    await talk.citizen.hang_up()
    await talk.operator.hang_up()
    await talk.officer.hang_up()
    await talk.ends_clean()
