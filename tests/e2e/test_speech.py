"""Who said what, while they say it: from voices to transcript, suggestion and ticket."""

import asyncio
import csv
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from gateway.lab.dialogue import Turn, dialogue
from gateway.lab.listener import Listener, listening
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.scene import CITIZEN_NUMBER, Scene, until
from gateway.telephony.reconcile import TAP_PREFIX

pytestmark = [pytest.mark.e2e, pytest.mark.speech, pytest.mark.asyncio(loop_scope="session")]

TURNS = {turn.id: turn for turn in dialogue("fight")}
FRAME = 160
LOUD = 32
OPERATOR, CALLER, OFFICER = ("agent", "12345"), ("caller", None), ("agent", "110")


async def say(scene: Scene, speaker: PhoneCall, turn: Turn, finals: int) -> None:
    """Speak one turn and wait until the call has `finals` utterances."""
    await speaker.play(turn.path)

    async def heard() -> bool:
        return len(await utterances(scene)) >= finals

    await until(heard, f"utterance {finals}: {turn.id}", 40)


async def utterances(scene: Scene) -> list[dict[str, Any]]:
    call = (await scene.view())["id"]
    async with scene.town.client() as client:
        found: list[dict[str, Any]] = (await client.get(f"/calls/{call}/transcript")).json()[
            "utterances"
        ]
    return found


async def suggestion(scene: Scene) -> dict[str, Any]:
    call = (await scene.view())["id"]
    async with scene.town.client() as client:
        found: dict[str, Any] = (await client.get(f"/calls/{call}/suggestion")).json()
    return found["suggestion"] or {}


async def given_spoken_call(scene: Scene, listener: Listener) -> None:
    """Citizen, operator and officer speak in turn; the operator hands over and leaves."""
    city = scene.phones["city"]
    scene.citizen = await city.dial("12345", caller_id=CITIZEN_NUMBER)
    scene.operator = await scene.next_live_call("1001")
    await scene.operator.until("up")
    await scene.until_heard(2)
    await say(scene, scene.operator, TURNS["fight-03-operator"], 1)
    await say(scene, scene.citizen, TURNS["fight-02-caller"], 2)
    await say(scene, scene.citizen, TURNS["fight-04-caller"], 3)
    assert listener.of("utterance.partial")
    scene.phones["2001"].on_invite = IncomingPolicy.answer(0.2)
    await scene.given_ringing_transfer()
    await scene.until_transfer("three_way")
    await scene.operator.hang_up()
    await scene.until_transfer("completed")
    await say(scene, scene.officer, TURNS["fight-06-officer"], 4)
    await say(scene, scene.citizen, TURNS["fight-07-caller"], 5)


async def test_every_speaker_is_heard_as_themselves_and_110_is_suggested(talk: Scene) -> None:
    async with listening(talk.town) as listener:
        await given_spoken_call(talk, listener)
    shown = {one["utterance_id"]: one for one in await utterances(talk)}
    await talk.citizen.hang_up()
    ticket, proposed = await talk.final_ticket(), await suggestion(talk)
    await talk.ends_clean()

    async def agree() -> bool:  # advice on the last words may come after the first final revision
        nonlocal ticket, proposed
        ticket, proposed = await talk.final_ticket(), await suggestion(talk)
        return bool(ticket["suggestion"]["suggestion_id"] == proposed["suggestion_id"])

    await until(agree, "ticket and page with the same suggestion")
    assert (proposed["platform"], proposed["urgency"]) == ("110", "emergency")
    for span in proposed["evidence"]:
        text = shown[span["utterance_id"]]["text"]
        assert text[span["start"] : span["end"]] == span["text"] != ""
    assert proposed["evidence"]

    transcript = ticket["transcript"]["utterances"]
    speakers = [(line["role"], line["centre"]) for line in transcript]
    assert [who for who, _ in groupby(speakers)] == [OPERATOR, CALLER, OFFICER, CALLER]
    said = "".join(line["text"] for line in transcript if line["role"] == "caller")
    assert "报警" in said
    assert "打架" in said
    assert {line["utterance_id"]: line["text"] for line in transcript} == {
        name: one["text"] for name, one in shown.items()
    }
    assert ticket["transcript"]["complete"] is True
    assert all(line["start_ms"] < line["end_ms"] for line in transcript)
    assert all(0 < line["confidence"] <= 1 and line["model"] for line in transcript)


async def test_danger_is_told_before_a_caller_who_draws_no_breath_has_ended(talk: Scene) -> None:
    await talk.given_call()
    talk.citizen.tone(None)
    talk.operator.tone(None)
    await talk.until_heard(2)
    speaking = asyncio.create_task(talk.citizen.play(_without_pauses(TURNS["fight-04-caller"])))

    async def told() -> bool:
        proposed = await suggestion(talk)
        finals = {one["utterance_id"] for one in await utterances(talk)}
        unfinished = any(
            span["utterance_id"] not in finals for span in proposed.get("evidence", ())
        )
        return proposed.get("urgency") == "emergency" and unfinished

    await until(told, "an emergency, of words that are still being spoken", 40)
    await speaking
    await talk.citizen.hang_up()
    await talk.ends_clean()


def _without_pauses(turn: Turn) -> bytes:
    """Said five times: A-law bytes, of which silence is taken out, 20 ms at a time."""
    said = Path(turn.path).read_bytes()
    frames = [said[at : at + FRAME] for at in range(0, len(said), FRAME)]
    return b"".join(frame for frame in frames if _loud(frame)) * 5


def _loud(frame: bytes) -> bool:
    # The seven bits below the sign, their even ones inverted, grow with the level (G.711).
    return max((byte & 0x7F) ^ 0x55 for byte in frame) >= LOUD


async def test_taps_leave_no_call_detail_records(talk: Scene) -> None:
    await talk.given_call()
    await talk.until_heard(2)
    await talk.citizen.hang_up()
    await talk.ends_clean()
    rows = list(csv.reader(talk.town.pbx.cdr_file.read_text("utf-8").splitlines()))
    channels = [field for row in rows for field in row]
    assert any(name.startswith("PJSIP/city-") for name in channels), "calls are in the records"
    assert not [name for name in channels if TAP_PREFIX in name]
