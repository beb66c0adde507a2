"""Figures are read as they are said; evidence still points into the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dispatch.fold import fold, fold_spoken
from tests.unit.dispatch_said import engine, said


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("屋里才13度", "屋里才十三度"),
        ("100多人堵门", "一百多人堵门"),
        ("刷了1万多", "刷了一万多"),
        ("交了12000", "交了一万两千"),
        ("10005块", "一万零五块"),
        ("2024年", "二零二四年"),
        ("2楼2公里", "二楼两公里"),
        ("3.5米", "三点五米"),
        ("30%", "百分之三十"),
        ("打110还是12345", "打110还是12345"),
        ("13800138000", "一三八零零一三八零零零"),
        ("4S店", "4s店"),
        ("苏N12345", "苏n12345"),
    ],
)
def test_figures_are_said(written: str, spoken: str) -> None:
    assert fold_spoken(written).chars == spoken


@settings(deadline=None)
@given(st.text(max_size=60))
def test_every_character_points_into_the_text(text: str) -> None:
    folded = fold_spoken(text)
    assert len(folded.chars) == len(folded.at)
    assert list(folded.at) == sorted(folded.at)
    assert all(0 <= at < len(text) for at in folded.at)


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="0123456789"), max_size=60))
def test_texts_without_figures_are_folded_as_ever(text: str) -> None:
    assert fold_spoken(text) == fold(text)


@pytest.mark.parametrize(
    ("in_words", "in_figures"),
    [
        ("一百多人堵在政府门口要工资", "100多人堵在政府门口要工资"),
        ("收了我一张假的一百块", "收了我一张假的100块"),
        ("暖气不热屋里才十三度", "暖气不热屋里才13度"),
    ],
)
def test_advice_is_the_same_in_words_and_in_figures(in_words: str, in_figures: str) -> None:
    first, second = engine().suggest([said(in_words)]), engine().suggest([said(in_figures)])
    assert first is not None
    assert second is not None
    assert (first.platform, first.item, first.urgency, first.confidence) == (
        second.platform,
        second.item,
        second.urgency,
        second.confidence,
    )
    for span in second.evidence:
        assert in_figures[span.start : span.end] == span.text
