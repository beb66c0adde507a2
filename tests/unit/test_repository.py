"""The repository keeps its own habits: small files, true commands, whole links, no traces."""

import ast
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from typer.main import get_command

from gateway import settings
from gateway.__main__ import cli
from gateway.api.auth import Gatekeeper
from gateway.commands import mount
from gateway.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 400
EXAMPLE = ROOT / "config/liandong.toml"
READMES = ("README.md", "README.zh-CN.md")

# Written in pieces, so that this file does not hold what it looks for.
TRACES = re.compile(
    "|".join(
        [
            r"(?<![\w.-])/(?:wor" + r"k|roo" + r"t|tmp/w)/",
            r"/home/\w",
            r"py" + r"pi\.org|python" + r"hosted|registry\.npm" + r"js|proxy\.gol" + r"ang",
            r"(?:deb|security|snapshot)\.deb" + r"ian\.org",
            r"(?:extra-)?index-u" + r"rl",
        ]
    )
)

COMMAND = re.compile(r"^(?:\S*/bin/|.* \S*bin/)? *liandong ((?:[a-z]+ ?)+)", re.MULTILINE)


def tracked() -> list[str]:
    """Paths under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    """Every tracked text file."""
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data and not name.endswith(".alaw"):
            yield name, data.decode("utf-8")


def documents() -> dict[str, str]:
    return {name: text for name, text in texts() if name.endswith(".md")}


def headings(text: str) -> list[str]:
    """The marks of the headings (``#``, ``##``), outside code blocks."""
    return re.findall(r"^(#+) ", prose_of(text), flags=re.MULTILINE)


def prose_of(text: str) -> str:
    """A document without its code blocks."""
    unfenced = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^ {4}.*$", "", unfenced, flags=re.MULTILINE)


def code_of(text: str) -> str:
    """What stands in a document as code: spans and indented or fenced blocks."""
    fenced = re.findall(r"^```.*?^```", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4}.*$", text, flags=re.MULTILINE)
    return "\n".join([*fenced, *indented, *re.findall(r"`([^`\n]+)`", text)])


def commands() -> dict[str, Any]:
    """The `liandong` command's own commands, by name."""
    for_people = typer.Typer()
    mount(for_people)
    roles: Any = get_command(cli)
    rest: Any = get_command(for_people)
    return {**roles.commands, **rest.commands}


def fields(model: type[BaseModel], at: str = "") -> Iterator[str]:
    """Dotted names of every setting; an item of a list has the list's name."""
    for name, field in model.model_fields.items():
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
        parts = [one for one in inner if isinstance(one, type) and issubclass(one, BaseModel)]
        if parts:
            yield from fields(parts[0], f"{at}{name}.")
        else:
            yield f"{at}{name}"


def given(values: dict[str, Any], at: str = "") -> Iterator[str]:
    """Dotted names of what a settings file gives."""
    for name, value in values.items():
        for one in (value or [""]) if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from given(one, f"{at}{name}.")
            else:
                yield f"{at}{name}"


# --- source -------------------------------------------------------------------------------------


def test_no_file_of_the_gateway_is_long() -> None:
    counts = {
        name: text.count("\n")
        for name, text in texts()
        if name.startswith("gateway/") and name.endswith(".py")
    }
    assert len(counts) > 100
    assert {name: lines for name, lines in counts.items() if lines > MAX_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        name
        for name, text in texts()
        if name.startswith("gateway/")
        and name.endswith(".py")
        and text.strip()
        and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []


def test_nothing_tells_of_the_machine_it_was_made_on() -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, trace.start()) + 1}: {trace.group()}"
        for name, text in texts()
        for trace in TRACES.finditer(text)
    ]
    assert found == []


# --- documents ----------------------------------------------------------------------------------


def test_make_commands_in_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for name, text in documents().items():
        asked = set(re.findall(r"\bmake ([a-z][a-z-]*)\b", code_of(text)))
        assert asked <= targets, name
    for name in READMES:
        assert {"demo", "test"} <= set(re.findall(r"make ([a-z-]+)", documents()[name]))


def test_liandong_commands_in_documents_exist() -> None:
    known = commands()
    for name, text in documents().items():
        for line in COMMAND.findall(code_of(text)):
            first, *rest = line.split()
            assert first in known, f"{name}: liandong {line}"
            group = getattr(known[first], "commands", None)
            if group and rest:
                assert rest[0] in group, f"{name}: liandong {line}"


def test_both_readmes_name_every_command() -> None:
    for name in READMES:
        missing = [one for one in commands() if f"liandong {one}" not in documents()[name]]
        assert missing == [], name


def test_links_in_documents_lead_somewhere() -> None:
    for name, text in documents().items():
        for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(text)):
            if not re.match(r"[a-z]+:|#", target):
                path = (ROOT / name).parent / target.partition("#")[0]
                assert path.exists(), f"{name}: {target}"


def test_the_chinese_readme_keeps_pace() -> None:
    english, chinese = (documents()[name] for name in READMES)
    assert headings(chinese) == headings(english)
    for mark in ("\n| ", "\n- **", "\n1. ", "\n6. "):
        assert chinese.count(mark) == english.count(mark), repr(mark)


def test_pbx_document_names_every_dialplan_file() -> None:
    text = documents()["docs/pbx.md"]
    for path in (ROOT / "dialplans").glob("*.conf"):
        assert f"`{path.name}`" in text


def test_decisions_are_short_whole_and_listed() -> None:
    listed = documents()["docs/adr/README.md"]
    records = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    assert [record.name[:4] for record in records] == [
        f"{number:04}" for number in range(1, len(records) + 1)
    ]
    for record in records:
        text = record.read_text("utf-8")
        assert text.count("\n") <= 70, record.name
        assert text.startswith(f"# {record.name[:4]} "), record.name
        sections = re.findall(r"^## (\w+)", text, flags=re.MULTILINE)
        assert sections == ["Context", "Decision", "Consequences"], record.name
        assert f"({record.name})" in listed


# --- settings -----------------------------------------------------------------------------------


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    for name in [one for one in os.environ if one.startswith("LIANDONG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(settings.CONFIG_ENV, str(EXAMPLE))
    return settings.load()


def with_what_is_commented_out() -> str:
    """The example with the settings that stand in it as comments."""
    text = EXAMPLE.read_text("utf-8")
    return re.sub(r"^# (?=\[\[|\w+ = )", "", text, flags=re.MULTILINE)


def test_example_settings_name_every_setting() -> None:
    values = tomllib.loads(with_what_is_commented_out())
    assert set(fields(settings.Settings)) == set(given(values))


def test_what_the_example_has_commented_out_is_right(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "liandong.toml"
    config.write_text(with_what_is_commented_out(), "utf-8")
    monkeypatch.setenv(settings.CONFIG_ENV, str(config))
    assert {"119"} < {link.target for link in settings.load().links}


def test_example_settings_load(example: settings.Settings) -> None:
    assert [centre.code for centre in example.centres] == ["12345", "110"]
    assert {(link.source, link.target) for link in example.links} == {
        ("12345", "110"),
        ("110", "12345"),
    }


@pytest.mark.parametrize("part", ["switch", "redis", "ledger", "journal", "speech", "orders"])
def test_example_settings_show_the_defaults(example: settings.Settings, part: str) -> None:
    shown, default = getattr(example, part), type(getattr(example, part))()
    assert shown.model_dump(exclude={"secret"}) == default.model_dump(exclude={"secret"})


def test_example_tokens_open_nothing(example: settings.Settings) -> None:
    """Whoever forgets to change them has no gateway, not an open one."""
    with pytest.raises(ConfigError, match="at least 16 characters"):
        Gatekeeper(example.api.tokens)


def test_keys_are_the_same_in_settings_features_and_room_menu(example: settings.Settings) -> None:
    features = dict(_pairs("features_liandong.conf", r"^(ld_\w+) => ([^,]+),"))
    menu = {code for code, _ in _pairs("confbridge_liandong.conf", r"^(\*\d+)=(dialplan_exec)")}
    lines_outside = {"*119", "*120", "*122"}
    rings = {link.key for link in example.links} | lines_outside
    consults = {example.keys.consult + key.removeprefix("*") for key in rings}
    assert {example.keys.consults(link) for link in example.links} < consults
    keys = rings | consults | set(example.keys.model_dump(exclude={"consult"}).values())
    assert set(features.values()) == menu == keys
    assert not [(a, b) for a in keys for b in keys if a != b and b.startswith(a)]


def _pairs(name: str, pattern: str) -> list[tuple[str, str]]:
    text = (ROOT / "dialplans" / name).read_text("utf-8")
    return re.findall(pattern, text, flags=re.MULTILINE)
