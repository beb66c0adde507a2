"""The evaluation calls as they are spoken, and what is made of what was heard."""

import random
from dataclasses import replace

import numpy as np
import pytest

from asr_models.recipe import callers
from asr_models.recipe.dispatched import Call, Pair, changed, sample, spoken, table
from asr_models.recipe.framing import LEAD_S, TAIL_S
from asr_models.recipe.overheard import Utterance
from asr_models.recipe.voice import RATE
from gateway.dispatch.corpus import Row
from gateway.dispatch.evaluate import Outcome
from gateway.dispatch.suggest import Proposal

FIRE = Proposal("110", "B4", "", None, "emergency", 0.9, (), "")
LAMP = replace(FIRE, platform="12345", item="A1", urgency="normal")


def call(number: int, urgency: str = "emergency", heard: str = "着火了") -> Call:
    row = Row.model_validate(
        {
            "id": str(number),
            "text": "着火了",
            "platform": "110",
            "item": "B4",
            "urgency": urgency,
            "source": "x",
        }
    )
    return Call("set", row, (Utterance(heard, heard, 300, 900),))


def test_a_smaller_sample_lies_in_a_larger_one() -> None:
    calls = [call(number) for number in range(50)]
    assert sample(calls, 10) == sample(calls, 20)[:10]
    assert sample(calls, 10) != calls[:10]
    assert len(sample(calls, None)) == 50


def test_what_was_heard_is_the_callers() -> None:
    (said,) = spoken(call(1, heard="着火啦"))
    assert (said.text, said.start_ms, said.end_ms) == ("着火啦", 300, 900)


def test_numbers_and_letters_are_said() -> None:
    said = callers.sayable("2号楼KTV着火 快", random.Random(1))
    assert said in {"二号楼开替微着火 快", "两号楼开替微着火 快"}


def test_a_caller_draws_breath_between_clauses() -> None:
    text = "家里水管爆了 水漫到客厅 快派人来 我在三楼的东边那户等着你们过来开门"
    said = callers.breaths(callers.sayable(text, random.Random(1)))
    assert said == ["家里水管爆了 水漫到客厅 快派人来", "我在三楼的东边那户等着你们过来开门"]
    assert " ".join(said) == text


def test_a_row_that_is_reworded_is_spoken_anew() -> None:
    assert callers.name("着火了") == callers.name("着火了") != callers.name("着火啦")
    assert callers.name("着火了").endswith(".alaw")


def test_a_line_keeps_the_length_and_adds_noise_and_silence() -> None:
    tone = np.sin(np.arange(RATE) * 0.5).astype(np.float32) * 3000
    heard = callers.on_a_line(tone, np.random.default_rng(3))
    assert len(heard) == RATE + int(LEAD_S * RATE) + int(TAIL_S * RATE)
    assert 0 < np.abs(heard[-RATE:]).mean() < np.abs(heard[RATE // 2 : RATE]).mean()
    again = callers.on_a_line(tone, np.random.default_rng(3))
    assert np.array_equal(heard, again)


@pytest.mark.parametrize(("heard", "kept"), [(FIRE, True), (LAMP, False)])
def test_the_table_says_whether_speech_costs_too_much(heard: Proposal, kept: bool) -> None:
    one = call(1)
    pair = Pair(Outcome([(one.row, FIRE)]), Outcome([(one.row, heard)]))
    shown, fine = table([one], pair)
    assert fine is kept
    assert "| set, speech | 1 | 0.0 (0.0-0.0) |" in shown
    assert changed([one], pair) == (
        [] if kept else ["set/1 emergency: emergency as text, normal as heard: 着火了 -> 着火了"]
    )
