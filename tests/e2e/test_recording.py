"""One recording of the caller's call, unbroken from the queue over the room to the target."""

import itertools
import wave
from pathlib import Path

import numpy as np
import pytest

from gateway.lab.phones.audio import RATE, Pcm, rms, tone_share
from gateway.lab.phones.call import PhoneCall
from gateway.lab.scene import (
    CITIZEN_HZ,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    until,
)

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

WINDOW_S, STEP_S = 0.05, 0.02
LONGEST_GAP_S = 0.2
KEYS_GAP_S = 0.3
"""A key takes the place of the voice for 100 ms; the last one is followed by the move."""


class Recording:
    """What is in a recording, by tone."""

    def __init__(self, path: Path) -> None:
        with wave.open(str(path), "rb") as audio:
            assert (audio.getframerate(), audio.getsampwidth(), audio.getnchannels()) == (
                RATE,
                2,
                1,
            )
            self.pcm: Pcm = np.frombuffer(audio.readframes(audio.getnframes()), dtype=np.int16)

    @property
    def seconds(self) -> float:
        return len(self.pcm) / RATE

    def times(self, tone: int) -> list[float]:
        """Starts of the windows in which `tone` is heard, in seconds."""
        size = int(WINDOW_S * RATE)
        starts = range(0, len(self.pcm) - size + 1, int(STEP_S * RATE))
        return [at / RATE for at in starts if _heard(self.pcm[at : at + size], tone)]


def _heard(pcm: Pcm, tone: int) -> bool:
    return rms(pcm) > 200 and tone_share(pcm, tone) > 0.1


def gap(times: list[float], start: float, end: float) -> float:
    """The longest stretch between `start` and `end` without the tone, in seconds."""
    inside = [start, *(at for at in times if start <= at <= end), end]
    return max(round(later - earlier, 3) for earlier, later in itertools.pairwise(inside))


async def a_second(listener: PhoneCall) -> None:
    """As long as it takes to hear a second more."""
    enough = listener.heard.received + 50
    await until(lambda: listener.heard.received >= enough, "a second more")


async def test_one_file_from_queue_to_room_to_target(talk: Scene) -> None:
    talk.phones["1001"].on_invite = talk.phones["2001"].on_invite = RING_FOREVER
    talk.citizen = await talk.phones["city"].dial("12345", caller_id="13900002222")
    talk.citizen.tone(CITIZEN_HZ)
    talk.operator = await talk.phones["1001"].next_call()
    await a_second(talk.citizen)
    await talk.operator.answer()
    talk.operator.tone(OPERATOR_HZ)
    await talk.hears(talk.citizen, OPERATOR_HZ)
    await talk.hears(talk.operator, CITIZEN_HZ)
    await a_second(talk.citizen)
    await talk.given_ringing_transfer()
    await talk.officer.answer()
    talk.officer.tone(OFFICER_HZ)
    await talk.hears(talk.citizen, OPERATOR_HZ, OFFICER_HZ)
    await a_second(talk.citizen)
    await talk.operator.hang_up()
    await talk.until_transfer("completed")
    await a_second(talk.citizen)
    await talk.citizen.hang_up()
    ticket = await talk.final_ticket()
    await talk.ends_clean()

    recording = Recording(talk.town.pbx.recordings / ticket["recording"]["file"])
    assert ticket["recording"]["unbroken"] is True
    assert recording.seconds == pytest.approx(ticket["call"]["duration_ms"] / 1000, abs=0.5)

    end = recording.seconds - WINDOW_S
    heard = {tone: recording.times(tone) for tone in (CITIZEN_HZ, OPERATOR_HZ, OFFICER_HZ)}
    in_queue = heard[CITIZEN_HZ][0]
    assert in_queue < 0.5, "from the first moment in the queue"
    assert heard[OPERATOR_HZ][0] - in_queue > 0.5
    assert gap(heard[CITIZEN_HZ], in_queue, end) <= LONGEST_GAP_S

    stayed = talk.operator.at["ended"].wall - talk.citizen.at["up"].wall
    talked = (heard[OPERATOR_HZ][0], heard[OPERATOR_HZ][-1])
    assert talked[1] - talked[0] == pytest.approx(stayed, abs=0.5)
    assert gap(heard[OPERATOR_HZ], *talked) <= KEYS_GAP_S

    joined = heard[OFFICER_HZ][0]
    assert talked[0] < joined < talked[1] < heard[OFFICER_HZ][-1]
    assert gap(heard[OFFICER_HZ], joined, end) <= LONGEST_GAP_S
