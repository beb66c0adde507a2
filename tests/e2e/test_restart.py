"""The gateway is stopped and started under a live call, and goes on with it."""

import contextlib
import os
import signal
from functools import partial

import httpx
import pytest

from gateway.lab.dialogue import dialogue
from gateway.lab.scene import (
    CITIZEN_HZ,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    until,
)
from gateway.live import names
from gateway.live.redis import connect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_restart_while_talking_then_the_key_works(talk: Scene) -> None:
    await talk.given_call()
    before = await talk.view()
    await talk.town.stop_gateway()
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.town.start_gateway()
    assert (await talk.view())["id"] == before["id"]
    await talk.hears(talk.operator, CITIZEN_HZ)
    await talk.given_three_way()
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    ticket = await talk.final_ticket()
    assert ticket["call"]["call_id"] == before["id"]
    assert len(ticket["legs"]) == 3
    await talk.ends_clean()


async def test_crash_while_the_target_rings_and_answers_meanwhile(talk: Scene) -> None:
    talk.phones["2001"].on_invite = RING_FOREVER
    await talk.given_call()
    await talk.given_ringing_transfer()
    await talk.until_transfer("ringing")
    await talk.town.crash_gateway()
    await talk.officer.answer()
    talk.officer.tone(OFFICER_HZ)
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await talk.town.start_gateway()
    await talk.until_transfer("three_way")
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.hears(talk.officer, CITIZEN_HZ)
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def test_a_call_that_ended_meanwhile_still_gets_its_ticket(talk: Scene) -> None:
    await talk.given_call()
    call_id = (await talk.view())["id"]
    await talk.town.stop_gateway()
    await talk.citizen.hang_up()
    await talk.operator.until("ended")
    await talk.town.start_gateway()
    ticket = await talk.final_ticket()
    assert ticket["call"]["call_id"] == call_id
    await talk.ends_clean()


async def test_a_call_that_came_while_the_gateway_was_away_is_taken_in(talk: Scene) -> None:
    await talk.town.stop_gateway()
    await talk.given_call()
    await talk.town.start_gateway()
    await talk.given_three_way()
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await talk.citizen.hang_up()
    assert len((await talk.final_ticket())["legs"]) == 3
    await talk.ends_clean()


@pytest.mark.speech
async def test_what_is_said_while_control_is_gone_is_heard_and_taps_outlive_recognition(
    talk: Scene,
) -> None:
    turns = {turn.id: turn for turn in dialogue("fight")}
    await talk.given_call()
    talk.citizen.tone(None)
    talk.operator.tone(None)
    await talk.until_heard(2)
    assert talk.town.gateway is not None
    os.kill(talk.town.gateway.pid, signal.SIGSTOP)  # it would start control again
    talk.town.kill_role("control")
    await talk.citizen.play(turns["fight-02-caller"].path)
    await until(partial(_published, talk, "报警"), "the words in Redis, said to nobody", 40)
    os.kill(talk.town.gateway.pid, signal.SIGCONT)
    await until(partial(_heard, talk, "报警"), "the words that were said to nobody", 40)
    talk.town.kill_role("recognise")
    again = turns["fight-04-caller"].path
    await talk.repeats_until(talk.citizen, again, partial(_heard, talk, "流血"))
    gaps = (await talk.transcript((await talk.view())["id"]))["gaps"]
    assert "recognition restarted" in {gap["why"] for gap in gaps}
    await talk.citizen.hang_up()
    await talk.ends_clean()


async def _published(scene: Scene, word: str) -> bool:
    redis = connect(scene.town.redis.url)
    entries = await redis.xrange(names.SPEECH)
    await redis.aclose()
    finals = [fields["event"] for _, fields in entries if "utterance.heard" in fields["event"]]
    return word in str(finals)


async def _heard(scene: Scene, word: str) -> bool:
    """Whether it is in the transcript; control may not be back yet."""
    with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
        return word in str(await scene.transcript((await scene.view())["id"]))
    return False
