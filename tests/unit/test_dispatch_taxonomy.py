"""The lists are data: complete, versioned, and a broken file says where and how to mend it."""

from pathlib import Path

import pytest

from gateway.dispatch import rules, taxonomy
from gateway.dispatch.datafile import packaged
from gateway.dispatch.taxonomy import REQUIRED
from gateway.errors import ConfigError

SHIPPED = packaged("taxonomy.toml").read_text(encoding="utf-8")


def broken(tmp_path: Path, before: str, after: str) -> str:
    """Return the error for the shipped taxonomy with one change."""
    assert before in SHIPPED
    path = tmp_path / "taxonomy.toml"
    path.write_text(SHIPPED.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        taxonomy.load(path)
    return str(caught.value).replace(str(tmp_path), "")


def line_of(text: str) -> int:
    return SHIPPED[: SHIPPED.index(text)].count("\n") + 1


def test_shipped_taxonomy_has_every_class_with_a_chinese_name() -> None:
    loaded = taxonomy.load()
    assert {item.id for item in loaded.items} == set(REQUIRED)
    assert loaded.item("A1").name == "公共设施"  # type: ignore[union-attr]
    assert loaded.item("B8").platform == "110"  # type: ignore[union-attr]
    assert loaded.guide("G-move-car").number == "114"  # type: ignore[union-attr]
    assert [line.number for line in loaded.lines] == ["119", "120", "122"]


def test_wrong_platform_names_line_entry_and_fix(tmp_path: Path) -> None:
    change = 'name = "农林绿化"\nlist = "110->12345"\nplatform = "12345"'
    error = broken(tmp_path, change, change.replace('platform = "12345"', 'platform = "110"'))
    assert f"taxonomy.toml:{line_of(change) - 2}: [[item]] 3 (A3): " in error
    assert "fix" in error


def test_bad_value_names_its_own_line(tmp_path: Path) -> None:
    fire = 'number = "119"'
    error = broken(tmp_path, fire, 'number = "eleven"')
    assert f"taxonomy.toml:{line_of(fire)}: [[line]] 1" in error


def test_missing_class_is_named(tmp_path: Path) -> None:
    error = broken(tmp_path, 'id = "B7"', 'id = "B6"')
    assert "B6 defined more than once" in error
    cut = SHIPPED[SHIPPED.index('[[item]]\nid = "B7"') : SHIPPED.index('[[item]]\nid = "B8"')]
    assert "no entry for B7; add an [[item]]" in broken(tmp_path, cut, "")


def test_missing_and_unknown_keys_are_named(tmp_path: Path) -> None:
    assert "`name` is missing; add `name = ...`" in broken(tmp_path, 'name = "公共设施"\n', "")
    assert "`nmae` is not known here" in broken(tmp_path, 'name = "公共设施"', 'nmae = "公共设施"')


def test_syntax_error_names_the_line(tmp_path: Path) -> None:
    entry = 'id = "A2"'
    error = broken(tmp_path, entry, entry.removesuffix('"'))
    assert error.startswith(f"/taxonomy.toml:{line_of(entry)}: ")
    assert "fix the TOML syntax" in error


def test_unreadable_and_undecodable_files_are_config_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        taxonomy.load(tmp_path / "absent.toml")
    (tmp_path / "gbk.toml").write_bytes('version = "泗阳"'.encode("gbk"))
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        taxonomy.load(tmp_path / "gbk.toml")


def test_rule_for_an_unknown_class_is_refused(tmp_path: Path) -> None:
    for name in ("cues.toml", "danger.toml", "context.toml"):
        text = packaged(name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace('item = "A2"', 'item = "A0"', 1), "utf-8")
    with pytest.raises(ConfigError, match=r"cues.toml: \[\[rule\]\] A2.building: A0 is not in"):
        rules.load(taxonomy.load(), tmp_path)


@pytest.mark.parametrize(
    ("cue", "problem"),
    [
        ("{路灯|坏", "braces do not pair"),
        ("路灯}坏", "braces do not pair"),
        ("{a{b}}", "braces do not pair"),
        ("路灯**坏", "a slot may be empty"),
        ("{路灯|}*坏", "a slot may be empty"),
        ("路灯，坏", "holds a stop"),
        ("坏", "alone says too little"),
        ("{1|2|3|4|5|6|7|8}{1|2|3|4|5|6|7|8}{1|2|3|4|5}", "split it"),
    ],
)
def test_malformed_cue_says_what_is_wrong(cue: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        rules.slots(cue)


def test_cue_slots() -> None:
    lamp, broken_lamp = rules.slots("{路|街}灯*{坏|不亮}")
    assert lamp.texts == ("街灯", "路灯")
    assert broken_lamp == (("不亮", "坏"), rules.WIDE)
    assert rules.slots("拿~刀")[1].gap == rules.NEAR
