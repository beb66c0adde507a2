"""The gateway is stopped, or hangs: the same keys transfer by plain dialplan, and nobody falls."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest
import pytest_asyncio

from gateway.lab.scene import (
    BUSY,
    CITIZEN_HZ,
    CITIZEN_NUMBER,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    open_scene,
    until,
)
from gateway.lab.town import Town, TownPlan
from gateway.lab.witness import Witness
from tests.e2e.conftest import Towns

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

RING_S = 3
STALE_S = 3


@pytest_asyncio.fixture(loop_scope="session")
async def native_town(towns: Towns) -> Town:
    rings = {"extensions.conf": f"[globals]\nLD_RING_S={RING_S}"}
    return await towns.like(TownPlan(release="talk", ring_s=RING_S, overrides=rings))


@pytest_asyncio.fixture(loop_scope="session")
async def native(native_town: Town, stage: AsyncExitStack) -> Scene:
    """The gateway is stopped, and the switch knows it."""
    await native_town.stop_gateway()
    scene = await stage.enter_async_context(open_scene(native_town))
    await until_stale(scene)
    return scene


@pytest_asyncio.fixture(loop_scope="session")
async def hanging(native_town: Town, stage: AsyncExitStack) -> AsyncIterator[Scene]:
    """The gateway runs; its control process may be stopped and goes on at the end."""
    if native_town.gateway is None:
        await native_town.start_gateway()
    yield await stage.enter_async_context(open_scene(native_town))
    os.kill(control_pid(native_town), signal.SIGCONT)


def control_pid(running: Town) -> int:
    """The process that drives calls, beneath `liandong serve`."""
    return running.pids_of("control")[0]


async def until_stale(scene: Scene) -> None:
    """Wait until the gateway's last beat is older than the dialplan believes in."""

    def stale() -> bool:
        beat = scene.witness.ask("Getvar", {"Variable": "LD_BEAT"}).headers["Value"]
        return time.time() - int(beat or 0) > STALE_S + 1

    await until(stale, "a stale beat")


def ringing(scene: Scene) -> bool:
    """Whether the dialplan takes it that a target may be ringing for the caller."""
    return ring_until(scene) > time.time()


def ring_until(scene: Scene) -> int:
    """Epoch second until which the dialplan takes it that a target may be ringing."""
    shared = {"Channel": caller_channel(scene), "Variable": "SHARED(LD_RING_UNTIL)"}
    return int(scene.witness.ask("Getvar", shared).headers["Value"])


def caller_channel(scene: Scene) -> str:
    calls = (event for event in scene.witness.named("UserEvent") if event.get("Centre"))
    return next(calls).get("Channel")


def pressed(witness: Witness) -> bool:
    return any(event.get("UserEvent") == "LiandongKey" for event in witness.named("UserEvent"))


async def test_answered_all_three_talk_then_citizen_and_110_go_on(native: Scene) -> None:
    await native.given_call()
    await native.given_three_way()
    assert native.officer.from_number == CITIZEN_NUMBER
    await native.hears(native.citizen, OPERATOR_HZ, OFFICER_HZ)
    await native.hears(native.operator, CITIZEN_HZ, OFFICER_HZ)
    await native.hears(native.officer, CITIZEN_HZ, OPERATOR_HZ)
    await native.operator.hang_up()
    await until(lambda: not native.citizen.hears_tone(OPERATOR_HZ), "the operator is gone")
    await native.hears(native.citizen, OFFICER_HZ)
    await native.hears(native.officer, CITIZEN_HZ)
    await native.citizen.hang_up()
    await native.officer.hang_up()
    await native.ends_clean()


async def noticed(scene: Scene) -> bool:
    """Whether the dialplan holds the caller no longer for a target that rang in vain."""
    channels = await scene.witness.live_channels()
    caller = next(name for name in channels if name.startswith("PJSIP/city-"))
    asked = {"Channel": caller, "Variable": "SHARED(LD_RING_UNTIL)"}
    answer = await asyncio.to_thread(scene.witness.ask, "Getvar", asked)
    return int(answer.headers.get("Value") or 0) <= int(time.time())


async def test_no_answer_returns_to_the_operator(native: Scene) -> None:
    native.phones["2001"].on_invite = RING_FOREVER
    await native.given_call()
    await native.given_ringing_transfer()
    await native.hears(native.citizen, OPERATOR_HZ)
    await native.officer.until("ended")
    await native.hears(native.citizen, OPERATOR_HZ)
    await native.hears(native.operator, CITIZEN_HZ)
    await until(lambda: not ringing(native), "the switch knows that nothing rings")
    # Until then an operator's hang-up takes the caller to the queue: they may not know yet.
    await until(partial(noticed, native), "time to notice that nobody answered")
    await native.operator.hang_up()
    await native.citizen.until("ended")
    await native.ends_clean()


async def test_key_pressed_twice_rings_once(native: Scene) -> None:
    native.phones["2001"].on_invite = RING_FOREVER
    await native.given_call()
    await native.operator.press("*110")
    await native.operator.press("*110")
    native.officer = await native.next_live_call("2001")
    await native.operator.press("*110")
    await native.officer.until("ended")
    assert native.rings("110") == 1
    await native.citizen.hang_up()
    await native.operator.hang_up()
    await native.ends_clean()


async def test_taken_back_while_it_rings(native: Scene) -> None:
    native.phones["2001"].on_invite = RING_FOREVER
    await native.given_call()
    await native.operator.press("*110")
    native.officer = await native.next_live_call("2001")
    await native.operator.press("*0")
    await native.officer.until("ended")
    assert ring_until(native) == 0, "it was left to ring out"
    await native.hears(native.citizen, OPERATOR_HZ)
    await native.hears(native.operator, CITIZEN_HZ)
    await native.operator.hang_up()
    await native.citizen.until("ended")
    await native.ends_clean()


async def test_busy_then_again_from_inside_the_room(native: Scene) -> None:
    native.phones["2001"].on_invite = BUSY
    await native.given_call()
    await native.operator.press("*110")
    await native.phones["2001"].next_call()
    await native.hears(native.citizen, OPERATOR_HZ)
    native.only("1001", "2002")
    await native.given_three_way("*110", officer="2002")
    await native.hears(native.citizen, OFFICER_HZ, OPERATOR_HZ)
    await native.operator.hang_up()
    await native.officer.hang_up()
    await native.citizen.until("ended")
    await native.ends_clean()


async def test_from_110_to_12345(native: Scene) -> None:
    await native.given_call("110", operator="2001")
    await native.given_three_way("*12345", officer="1001")
    await native.hears(native.citizen, OPERATOR_HZ, OFFICER_HZ)
    await native.operator.hang_up()
    await native.hears(native.officer, CITIZEN_HZ)
    await native.citizen.hang_up()
    await native.officer.hang_up()
    await native.ends_clean()


async def test_operator_leaves_while_110_rings_and_110_joins_during_the_announcement(
    native: Scene,
) -> None:
    native.phones["2001"].on_invite = RING_FOREVER
    await native.given_call()
    await native.given_ringing_transfer()
    await native.operator.hang_up()
    await native.hears_something_after(native.citizen, OPERATOR_HZ)
    await native.officer.answer()
    native.officer.tone(OFFICER_HZ)
    at_once = partial(native.citizen.heard.hears_tone, OFFICER_HZ, min_share=0.5)
    await until(at_once, "110, before the announcement ends", 1.0)
    await native.hears(native.officer, CITIZEN_HZ)
    await native.citizen.hang_up()
    await native.officer.hang_up()
    await native.ends_clean()


async def test_operator_leaves_and_nobody_answers_caller_comes_back_to_a_queue(
    native: Scene,
) -> None:
    native.phones["2001"].on_invite = RING_FOREVER
    await native.given_call()
    await native.given_ringing_transfer()
    native.only("1002")
    await native.operator.hang_up()
    again = await native.next_live_call("1002", RING_S + 5)
    await again.until("up")
    again.tone(OPERATOR_HZ)
    await native.hears(native.citizen, OPERATOR_HZ)
    await native.citizen.hang_up()
    await native.ends_clean()


async def test_operator_leaves_on_the_key_and_110_is_busy_caller_comes_back_to_a_queue(
    native: Scene,
) -> None:
    await native.given_call()
    native.only("1002")
    await native.operator.press("*110")
    await native.witness.until(pressed, "the key")
    await native.operator.hang_up()
    again = await native.next_live_call("1002", RING_S + 5)
    await again.until("up")
    again.tone(OPERATOR_HZ)
    await native.hears(native.citizen, OPERATOR_HZ)
    await native.citizen.hang_up()
    await native.ends_clean()


async def test_caller_hangs_up_while_110_rings_and_110_finds_nobody(native: Scene) -> None:
    native.phones["2001"].on_invite = RING_FOREVER
    await native.given_call()
    await native.given_ringing_transfer()
    await native.citizen.hang_up()
    await native.operator.hang_up()
    await native.officer.answer()
    await native.officer.until("ended")
    await native.ends_clean()


async def test_gateway_hangs_the_key_acts_once(hanging: Scene) -> None:
    hanging.phones["2001"].on_invite = RING_FOREVER
    await hanging.given_call()
    os.kill(control_pid(hanging.town), signal.SIGSTOP)
    await until_stale(hanging)
    await hanging.given_ringing_transfer()
    os.kill(control_pid(hanging.town), signal.SIGCONT)
    await hanging.until_transfer("requested")
    await hanging.operator.press("*110")
    await hanging.officer.answer()
    hanging.officer.tone(OFFICER_HZ)
    await hanging.hears(hanging.citizen, OFFICER_HZ, OPERATOR_HZ)
    transfer = await hanging.until_transfer("three_way")
    assert transfer["via"] == "native"
    assert len((await hanging.view())["transfers"]) == 1
    await hanging.operator.hang_up()
    await hanging.until_transfer("completed")
    await hanging.hears(hanging.officer, CITIZEN_HZ)
    assert hanging.rings("110") == 1
    await hanging.citizen.hang_up()
    await hanging.ends_clean()


async def test_gateway_hangs_with_a_press_of_its_own_and_discards_it(hanging: Scene) -> None:
    hanging.phones["2001"].on_invite = RING_FOREVER
    await hanging.given_call()
    os.kill(control_pid(hanging.town), signal.SIGSTOP)
    await hanging.operator.press("*110")
    await until_stale(hanging)
    assert hanging.rings("110") == 0
    await hanging.given_ringing_transfer()
    os.kill(control_pid(hanging.town), signal.SIGCONT)
    await hanging.until_transfer("requested")
    await hanging.officer.answer()
    hanging.officer.tone(OFFICER_HZ)
    await hanging.hears(hanging.citizen, OFFICER_HZ)
    assert hanging.rings("110") == 1
    await hanging.citizen.hang_up()
    await hanging.operator.hang_up()
    await hanging.officer.hang_up()
    await hanging.ends_clean()


async def test_gateway_back_transfers_as_ever(hanging: Scene) -> None:
    await hanging.given_call()
    await hanging.given_three_way()
    await hanging.hears(hanging.citizen, OPERATOR_HZ, OFFICER_HZ)
    await hanging.operator.hang_up()
    transfer = await hanging.until_transfer("completed")
    assert transfer["via"] == "key"
    await hanging.citizen.hang_up()
    await hanging.ends_clean()


async def test_consult_back_and_again_from_inside_the_room(native: Scene) -> None:
    native.only("1001", "2001")
    await native.given_call()
    await native.given_three_way("*7110")
    await native.hears(native.officer, OPERATOR_HZ)
    await native.hears_something_after(native.citizen, OPERATOR_HZ)
    assert not native.citizen.hears_tone(OFFICER_HZ)
    await native.operator.press("*0")
    await native.officer.until("ended")
    await native.hears(native.citizen, OPERATOR_HZ)
    await native.hears(native.operator, CITIZEN_HZ)
    await native.given_three_way("*7110")
    await native.hears(native.officer, OPERATOR_HZ)
    await until(lambda: not native.citizen.hears_tone(OPERATOR_HZ, 400), "the citizen on hold")
    await native.operator.hang_up()
    await native.hears(native.citizen, OFFICER_HZ)
    await native.hears(native.officer, CITIZEN_HZ)
    await native.citizen.hang_up()
    await native.officer.hang_up()
    await native.ends_clean()


async def test_gateway_dies_in_a_consultation_and_the_officer_leaves(hanging: Scene) -> None:
    await hanging.given_call()
    await hanging.given_three_way("*7110")
    await hanging.until_transfer("consulting")
    await hanging.hears(hanging.officer, OPERATOR_HZ)
    await hanging.town.crash_gateway()
    await hanging.officer.hang_up()
    await hanging.hears(hanging.citizen, OPERATOR_HZ)
    await hanging.hears(hanging.operator, CITIZEN_HZ)
    await hanging.citizen.hang_up()
    await hanging.operator.hang_up()
    await hanging.town.start_gateway()
    await hanging.ends_clean()
