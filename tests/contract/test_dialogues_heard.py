"""How well the shipped model reads the lab's recorded dialogues, each party on its own line."""

from functools import cache

import pytest

from gateway.lab.dialogue import names
from gateway.speech.ear import Ear
from gateway.speech.models.home import shipped_dir
from gateway.speech.models.registry import DEMO
from gateway.speech.pool import Pool
from gateway.speech.vosk_engine import VoskEngine
from tests.contract.spoken import Turn, dialogue, errors

BATCH = 200 * 32
QUIET_S = 1.5
WORST, OVERALL = 0.15, 0.08
"""Character error rates that no dialogue, and not all of them together, may reach.

Measured: 8.6 and 5.3 %.
"""


@cache
def engine() -> VoskEngine:
    return VoskEngine(shipped_dir() / DEMO)


@cache
def rate(name: str) -> tuple[int, int]:
    """Return wrong characters and characters said in the dialogue `name`."""
    legs: dict[str, list[Turn]] = {}
    for turn in dialogue(name):
        legs.setdefault(turn.speaker, []).append(turn)
    wrong = 0
    for turns in legs.values():
        ear = Ear(Pool(engine(), recycle_s=600), batch_ms=200)
        wrong += sum(errors(said(turn.text), said(hear(ear, turn))) for turn in turns)
    return wrong, sum(len(turn.text) for turn in dialogue(name))


def hear(ear: Ear, turn: Turn) -> str:
    """Return the final words of `turn` and the silence after it."""
    pcm = turn.pcm + bytes(int(QUIET_S * 32_000))
    heard = [
        one.text
        for start in range(0, len(pcm), BATCH)
        for one in ear.hear(pcm[start : start + BATCH])
        if one.final
    ]
    print(f"{turn.speaker:9}{turn.text}\n         {'|'.join(heard).replace(' ', '')}")
    return "".join(heard)


def said(text: str) -> str:
    """Return `text` with one writing for the digit one, which is spoken yi or yao."""
    return text.replace(" ", "").replace("幺", "一")


@pytest.mark.speech
@pytest.mark.parametrize("name", names())
def test_a_dialogue_is_read(name: str) -> None:
    wrong, length = rate(name)
    print(f"{name}: {wrong / length:.1%}")
    assert wrong / length < WORST


@pytest.mark.speech
@pytest.mark.timeout(600)
def test_all_of_them_are_read() -> None:
    rates = [rate(name) for name in names()]
    wrong, length = (sum(column) for column in zip(*rates, strict=True))
    print(f"all: {wrong / length:.1%} of {length} characters")
    assert wrong / length < OVERALL
