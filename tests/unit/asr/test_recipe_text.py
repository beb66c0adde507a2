"""What the voice is given to say."""

import random
from pathlib import Path

import numpy as np
import pytest

from asr_models.recipe import chatter, clips, phones, recorded, sayings
from asr_models.recipe.plan import Phase, Plan


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, "零"), (7, "七"), (10, "十"), (12, "十二"), (20, "二十"), (101, "一百零一"),
        (110, "一百一十"), (1005, "一千零五"), (2340, "二千三百四十"), (10023, "一万零二十三"),
        (120000, "十二万"), (10203040, "一千零二十万三千零四十"),
    ],
)  # fmt: skip
def test_numbers_are_read_out(value: int, read: str) -> None:
    assert chatter.number(value) == read


def test_chatter_is_speakable_and_the_same_for_the_same_seed() -> None:
    one, two = random.Random(5), random.Random(5)
    made = [chatter.chatter(one) for _ in range(300)]
    assert made == [chatter.chatter(two) for _ in range(300)]
    assert all(sayings._SPOKEN.fullmatch(text) for text in made)
    assert len(set(made)) > 290


@pytest.mark.parametrize(
    ("pinyin", "spoken"),
    [
        ("hao3", ("h", "ao3")), ("wo3", ("^", "uo3")), ("shi4", ("sh", "iii4")),
        ("ci2", ("c", "ii2")), ("xue2", ("x", "ve2")), ("nue4", ("n", "ve4")),
        ("lü4", ("l", "v4")), ("liu2", ("l", "iou2")), ("gui4", ("g", "uei4")),
        ("yuan4", ("^", "van4")), ("de", ("d", "e5")), ("er4", ("^", "er4")),
        ("huar1", ("h", "ua1", "^", "er5")), ("ng2", ("^", "en2")), ("q1", None), ("xx", None),
    ],
)  # fmt: skip
def test_syllables_are_taken_apart(pinyin: str, spoken: tuple[str, ...] | None) -> None:
    assert phones.syllable(pinyin) == spoken


def test_words_change_their_tones_inside() -> None:
    assert phones.word_phones("不是") == ("b", "u2", "sh", "iii4")


def test_third_tones_before_third_tones_rise() -> None:
    assert phones.third_tones(["wo3", "xiang3", "qu4"]) == ["wo2", "xiang3", "qu4"]
    assert phones.third_tones([]) == []


def test_clauses_are_put_together_up_to_a_length() -> None:
    made = sayings.pieces(["一二三四五六", "七八九", "一二三四五六七八九十", "十" * 30])
    assert made == ["一二三四五六 七八九", "一二三四五六七八九十", "十" * 30]


def test_the_same_sentences_are_held_out_however_they_are_spaced() -> None:
    texts = [chatter.chatter(random.Random(i)) for i in range(2000)]
    held = [text for text in texts if sayings.held_out(text)]
    assert 40 < len(held) < 130
    assert all(sayings.held_out(text.replace(" ", "")) for text in held)


def test_words_are_held_out_by_their_hash() -> None:
    names = [chr(0x4E00 + i) + chr(0x4F00 + i % 7) for i in range(1000)] + ["一"]
    tested, dev = recorded.held_out_words(names)
    assert (len(tested), len(dev)) == (300, 150)
    assert not set(tested) & set(dev)
    assert (tested, dev) == recorded.held_out_words(list(reversed(names)))


def test_clips_come_back_as_they_were_and_nothing_half_written_is_left(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    made = [
        clips.Clip(
            chance.integers(-99, 99, 50 + i).astype(np.int16),
            np.arange(i, dtype=np.uint8),
            np.arange(i, dtype=np.int32),
            np.arange(i, dtype=np.int32) + 1,
            f"第{i}",
            aligned=i > 1,
            natural=False,
            dev=i == 2,
        )
        for i in range(4)
    ]
    clips.save(tmp_path / "a.npz", made[:3])
    clips.save(tmp_path / "b.npz", made[3:])
    found = clips.load(sorted(tmp_path.iterdir()))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.npz", "b.npz"]
    for left, right in zip(made, found, strict=True):
        assert (left.text, left.aligned, left.dev) == (right.text, right.aligned, right.dev)
        np.testing.assert_array_equal(left.samples, right.samples)
        np.testing.assert_array_equal(left.ends, right.ends)


def test_the_learning_rate_rises_holds_and_falls() -> None:
    phases = (Phase(500, ("a",), 0.1), Phase(1000, ("a", "b"), 0.2), Phase(1400, ("b",), 0.3))
    plan = Plan(phases, warm_up=100, flat=0.4, peak=1.0, refining=0.2)
    assert plan.rate(0) == pytest.approx(0.01)
    assert plan.rate(200) == plan.rate(399) == 1.0
    assert plan.rate(700) == pytest.approx(0.5)
    assert plan.rate(999) == pytest.approx(0.01)
    assert plan.rate(1000) == 0.2
    assert plan.rate(1200) == pytest.approx(0.1)
    assert plan.phase(499).people == ("a",)
    assert plan.phase(500).people == ("a", "b")
