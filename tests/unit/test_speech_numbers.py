"""Numbers in a transcript: figures where a reader expects them, and nowhere else."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.speech.text import kept
from gateway.speech.text.numbers import Numbers
from gateway.speech.text.numerals import ALL
from gateway.speech.text.reader import WeTextReader
from gateway.speech.text.spaces import plain

LINES = (Path(__file__).parents[1] / "data/speech_numbers.txt").read_text("utf-8").splitlines()
WRITTEN = [tuple(line.split(" -> ")) for line in LINES if " -> " in line and line[0] != "#"]
KEPT = [word for line in LINES if line.startswith("= ") for word in line[2:].split()]


@cache
def numbers() -> Numbers:
    return Numbers(WeTextReader(), kept.words())


def write(said: str) -> str:
    return numbers().write(plain(said))


def test_the_table_is_whole() -> None:
    assert len(WRITTEN) >= 120
    assert len(KEPT) >= 120
    assert all(len(pair) == 2 for pair in WRITTEN)


@pytest.mark.parametrize(("said", "written"), WRITTEN)
def test_numbers_are_written_in_figures(said: str, written: str) -> None:
    assert write(said) == written


@pytest.mark.parametrize("said", KEPT)
def test_words_estimates_and_small_counts_stay(said: str) -> None:
    assert write(said) == said


@pytest.mark.parametrize(("said", "written"), WRITTEN)
def test_what_is_written_is_not_changed_again(said: str, written: str) -> None:
    assert write(written) == written


@settings(deadline=None)
@given(st.text(st.sampled_from(ALL + "个号楼点分年月日块加第几多半路度K苏a 7"), max_size=24))
def test_any_run_of_numerals_is_read_without_losing_other_characters(said: str) -> None:
    def others(text: str) -> str:
        return "".join(c for c in text if c in "个号楼年月日块几路多度半")

    assert others(write(said)) == others(said)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_texts_without_numerals_stay(said: str) -> None:
    if not any(char in ALL for char in said):
        assert numbers().write(said) == said


def test_what_the_reader_cannot_read_stays() -> None:
    assert Numbers(lambda _: "", ()).write("花了一百二十块") == "花了一百二十块"
    assert Numbers(lambda _: "100~200", ()).write("花了一百二十块") == "花了一百二十块"


def test_characters_used_inside_are_not_taken_from_the_text() -> None:
    strange = chr(0xF0000) + "三十六计" + chr(0xF0003) + "一百块"
    assert numbers().write(strange) == strange
