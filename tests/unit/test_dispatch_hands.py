"""Leaving one hand out: which files count, what rows they give, what is learnt without them."""

from pathlib import Path

from typer.testing import CliRunner

from gateway.dispatch import concepts, corpus, hands, rules, taxonomy
from gateway.dispatch.cli_train import app

LISTS = taxonomy.load()


def _lines(hand: str, count: int) -> list[corpus.Line]:
    return [corpus.Line("路灯坏了", f"A{n % 20}", "normal", hand) for n in range(count)]


def test_a_file_of_few_lines_or_classes_is_no_hand() -> None:
    narrow = [corpus.Line("路灯坏了", "A1", "normal", "narrow")] * hands.LEAST
    told = _lines("big", hands.LEAST) + _lines("few", hands.LEAST - 1) + narrow
    assert hands.hands(told) == ["big"]


def test_rows_carry_what_an_evaluation_row_does() -> None:
    told = [
        corpus.Line("{灯|井盖}坏了", "A1", "normal", "x"),
        corpus.Line("车挡我门口了", "G-move-car", "normal", "x"),
        corpus.Line("心口疼", "L-120", "emergency", "x"),
        corpus.Line("喂你好", "none", "normal", "x"),
        corpus.Line("着火了", "B4", "emergency", "other"),
    ]
    rows = hands.rows(told, "x", LISTS)
    assert [(row.platform, row.item) for row in rows] == [
        ("12345", "A1"),
        ("guide", None),
        ("120", None),
        (None, None),
    ]
    assert rows[0].text in {"灯坏了", "井盖坏了"}
    assert {row.source for row in rows} == {"x"}


def test_what_only_one_hand_wrote_is_unknown_without_it() -> None:
    said = [
        corpus.Line(f"{what}{where}", target, urgency, hand)
        for what, target, urgency, hand in (
            ("着火了", "B4", "emergency", "x"),
            ("下水道堵了", "A1", "normal", "y"),
            ("垃圾没人收", "A2", "normal", "y"),
            ("有人抢劫", "B1", "urgent", "y"),
            ("有人掉河里", "B5", "emergency", "y"),
            ("喂你好", "none", "normal", "y"),
        )
        for where in ("在楼上", "在村里", "在厂里", "在学校")
    ]
    lists = taxonomy.load()
    found = dict(hands.measured(said, ["x"], concepts.load(), lists, rules.load(lists), 2, None))
    assert found.keys() == {"x"}
    assert len(found["x"].rows) == 4
    # The rules hear a fire, but no class of this hand was there to learn.
    assert found["x"].shares["class"].right == 0


def test_an_unknown_hand_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("#A1 n\n路灯坏了\n", "utf-8")
    result = CliRunner().invoke(app, ["train", "--texts", str(tmp_path), "--hand", "zz"])
    assert result.exit_code == 2
    assert "zz" in result.output
