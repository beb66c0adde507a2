"""Numbers in what people said are masked however they are read out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.masking import mask_number, mask_text, mask_texts

FIGURES = "0123456789０９零〇一二三四五六七八九幺两"
BETWEEN = [" ", "-", "，", ",", "、", "。", "（", "）", "\n", "嗯", "啊", "呃", "那个", "就是"]
FIGURE, GAP = f"[{FIGURES}]", "|".join(map(re.escape, BETWEEN))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("我电话13812341234", "我电话138****1234"),
        ("我电话138-1234-1234", "我电话138-****-1234"),
        ("138 1234 1234", "138 **** 1234"),
        ("138，1234，1234。", "138，****，1234。"),
        ("１３８１２３４１２３４", "１３８****１２３４"),
        ("一三八嗯一二三四", "一三八嗯**三四"),
        ("幺三八 那个 一二三四啊五六七八", "幺三八 那个 ****啊五六七八"),
        ("卡号6222020200112233445", "卡号622************3445"),
        ("(0527) 8321-0000", "(052*) ****-0000"),
        ("身份证32132319900101123X", "身份证321**********1123X"),
    ],
)
def test_number(said, shown):
    assert mask_text(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "我要找110", "请拨12345", "三零二室", "二零二六年三月", "一万二千三百块",
        "3号楼2单元501", "", "138****1234",
    ],
)  # fmt: skip
def test_no_number(said):
    assert mask_text(said) == said


@given(st.lists(st.sampled_from([*FIGURES, *BETWEEN, "我", "号", "*"])).map("".join))
def test_no_run_of_seven_digits_is_left_and_the_length_is_kept(said):
    shown = mask_text(said)
    assert len(shown) == len(said)
    assert not re.search(rf"{FIGURE}(?:(?:{GAP})*{FIGURE}){{6}}", shown)
    changed = [(was, now) for was, now in zip(said, shown, strict=True) if was != now]
    assert all(was in FIGURES and now == "*" for was, now in changed)
    assert mask_text(shown) == shown


@given(st.lists(st.text(alphabet=FIGURES + " ，嗯我号", max_size=9), max_size=6))
def test_number_that_goes_on_in_the_next_utterance(said):
    shown = mask_texts(said)
    assert [len(text) for text in shown] == [len(text) for text in said]
    assert "\n".join(shown) == mask_text("\n".join(said))


def test_neighbours():
    assert mask_texts(["我电话一三八", "一二三四", "嗯五六七八"]) == [
        "我电话一三八", "****", "嗯五六七八"
    ]  # fmt: skip


@given(st.text(alphabet="0123456789", min_size=7, max_size=40))
def test_number_and_text_agree(number):
    assert mask_text(number) == mask_number(number)
