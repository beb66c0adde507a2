"""Error rates, and what is measured besides the words."""

from pathlib import Path

import numpy as np
import pytest

from asr_models.recipe import utterances
from asr_models.recipe.errors import RecipeError
from asr_models.recipe.evaluate import Heard, figures, table, time_errors
from asr_models.recipe.scoring import Score, distance, plain, rate, score
from asr_models.recipe.utterances import Utterance


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [("报警", "报警", 0), ("报警", "报", 1), ("报警", "", 2), ("路灯", "绿灯啊", 2), ("", "嗯", 1)],
)
def test_distance_counts_characters(said: str, heard: str, errors: int) -> None:
    assert distance(said, heard) == errors
    assert distance(heard, said) == errors


def test_spaces_signs_and_the_way_numerals_are_written_do_not_count() -> None:
    assert score("三号楼，五零一室。", "3 号楼 五零一 室").errors == 0
    assert score("打幺幺零", "打 一 一 零").errors == 0
    assert plain("[unk] 苏n") == "UNK苏N"


def test_the_rate_is_that_of_all_characters_and_lies_in_its_interval() -> None:
    found = rate([Score(0, 10), Score(5, 10), Score(1, 20)])
    assert found.percent == pytest.approx(15)
    assert found.low <= found.percent <= found.high
    assert found == rate([Score(0, 10), Score(5, 10), Score(1, 20)])


def test_no_sentences_have_no_rate() -> None:
    with pytest.raises(ValueError, match="no sentences"):
        rate([])


SAID = Utterance(
    "我要报警", np.zeros(8000, np.int16), 0.9, ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9))
)


def test_word_times_are_held_against_the_characters_times() -> None:
    heard = Heard("我 要 报警", (("我", 0.1, 0.3), ("要", 0.35, 0.5), ("报警", 0.5, 1.05)), 0.4)
    assert time_errors(SAID, heard) == pytest.approx([0.0, 0.05, 0.15])


def test_words_heard_wrong_have_no_times_to_compare() -> None:
    heard = Heard("我 要 报名", (("我", 0.1, 0.3), ("要", 0.3, 0.5), ("报名", 0.5, 0.9)), 0.4)
    assert len(time_errors(SAID, heard)) == 2


def test_a_row_tells_errors_finals_and_times() -> None:
    late = Heard("我 要 报名", (("我", 0.1, 0.3), ("要", 0.3, 0.7), ("报名", 0.5, 0.9)), 1.2)
    never = Heard("", (), None)
    soon = Heard("我 要 报警", (("我 要", 0.1, 0.5), ("报警", 0.5, 0.9)), 0.8)
    row = figures("hotline", [SAID] * 3, [late, never, soon])
    assert row.cer.percent == pytest.approx(100 * 5 / 12)
    assert row.final_soon == pytest.approx(1 / 3)
    assert row.times_close == pytest.approx(3 / 4)
    assert "| hotline | 3 | 41.7 |" in table([row])


def test_sets_come_back_as_they_were_written(tmp_path: Path) -> None:
    tone = (8000 * np.sin(np.arange(2400) / 5)).astype(np.int16)
    utterances.save(
        tmp_path, "one", [Utterance("喂 你好", tone, 0.2, ((0, 0.1), (0.1, 0.2))), SAID]
    )
    first, second = utterances.load(tmp_path, "one")
    assert (first.text, first.end_s, first.chars) == ("喂 你好", 0.2, ((0, 0.1), (0.1, 0.2)))
    assert np.abs(first.samples.astype(int) - tone).max() < 300  # what A-law loses
    assert len(second.samples) == 8000


def test_a_set_that_is_missing_or_cut_short_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"one\.jsonl is missing"):
        utterances.load(tmp_path, "one")
    utterances.save(tmp_path, "one", [SAID])
    (tmp_path / "one.alaw").write_bytes(b"\xd5" * 100)
    with pytest.raises(RecipeError, match="has 100 samples"):
        utterances.load(tmp_path, "one")
