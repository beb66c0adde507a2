"""What the language model reads, and how its words may sound."""

import random

import pytest

pytest.importorskip("jieba", reason="needs the dependency group `model`")

from asr_models.recipe import text, vocabulary
from asr_models.recipe.graph import phone_names, positions
from asr_models.recipe.lexicon import lexicon, pronunciations
from asr_models.recipe.numerals import read_out


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2019年4月以来", "二零一九年四月以来"),
        ("水4.23元一吨", "水四点二三元一吨"),
        ("不足10%", "不足百分之十"),
        ("20万保证金", "二十万保证金"),
        ("2个人", "两个人"),
    ],
)
def test_numbers_are_read_as_people_say_them(written: str, read: str) -> None:
    assert read_out(written, random.Random(1)) == read


def test_long_strings_of_digits_are_read_one_by_one() -> None:
    assert read_out("13805270441", random.Random(1)).replace("幺", "一") == "一三八零五二七零四四一"
    assert read_out("打12345", random.Random(1)).replace("幺", "一") == "打一二三四五"


def test_clauses_end_at_signs_and_at_what_cannot_be_said() -> None:
    assert text.clauses("你好，我在3楼。KTV太吵", random.Random(1)) == (
        "你好",
        "我在三楼",
        "KTV太吵",
    )
    assert text.clauses("网址www坏了", random.Random(1)) == ("网址",)


def test_alternatives_give_different_sentences() -> None:
    found = text.expand("{路灯|井盖}坏了 {没人管|}", 8, random.Random(1))
    assert set(found) <= {"路灯坏了 没人管", "路灯坏了 ", "井盖坏了 没人管", "井盖坏了 "}
    assert len(found) > 1


def test_held_out_lines_are_never_learnt_from() -> None:
    held = {line for _, line in text.spoken_lines() if text.held_out(line)}
    whole = [line for _, line in text.spoken_lines()]
    assert 0.03 < len(held) / len(whole) < 0.07
    plain = {line for line in held if "{" not in line}
    learnt = {" ".join(one.clauses) for one in text.spoken(2, 1)}
    assert plain
    assert not plain & learnt


def test_text_is_cut_into_the_likeliest_words() -> None:
    shares = {"井盖": 1e-5, "坏了": 1e-5, "井": 1e-6, "盖": 1e-6, "坏": 1e-5, "了": 1e-2}
    assert vocabulary.Cutter(shares).cut("井盖坏了 A") == ["井盖", "坏了", "A"]


def test_unknown_words_are_coded_as_such() -> None:
    ids = vocabulary.number(["你好"])
    assert vocabulary.encode(["你好", "龘"], ids) == [ids["你好"], ids[vocabulary.UNKNOWN]]


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("不", ("b u4", "b u2")),
        ("一", ("i1", "i2", "i4")),
        ("老板", ("l ao3 b an3", "l ao2 b an3", "l ao3 b an2")),
        ("那个", ("n a4 g e5", "n ei4 g e5")),
        ("谁", ("sh ei2", "sh uei2")),
        ("好", ("h ao3", "h ao2")),
        ("泗阳", ("s ii4 iang2",)),
        ("幺", ("iao1",)),
        ("A", ("ei1",)),
    ],
)
def test_words_have_the_sounds_that_speakers_make(word: str, sounds: tuple[str, ...]) -> None:
    found = {" ".join(one) for one in pronunciations(word)}
    assert set(sounds) <= found


def test_what_cannot_be_read_is_not_in_the_lexicon() -> None:
    assert set(lexicon(["你好", "[unk]", "<s>", "ok"])) == {"你好"}


def test_phones_know_their_place_in_the_word() -> None:
    names = phone_names()
    ids = {name: number for number, name in enumerate(names)}
    assert [names[one] for one in positions(("h", "ao3"), ids)] == ["h_B", "ao3_E"]
    assert [names[one] for one in positions(("i1",), ids)] == ["i1_S"]
    assert names[1] == "SIL"
    assert names[-1] == "SPN"
