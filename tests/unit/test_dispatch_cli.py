"""`suggest --jsonl`: an answer or a clear error for every line, never a crash."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from dispatch_said import engine
from typer.testing import CliRunner

from gateway.dispatch.answer import MAX_CODE_POINTS
from gateway.dispatch.cli import command, suggest_lines

KEYS = {
    "platform", "item", "item_name", "runner_up", "urgency", "type", "unit", "assist", "district",
    "place", "facts", "title", "summary", "ask", "deadline", "confidence", "sure", "also",
    "evidence", "version",
}  # fmt: skip  # fmt: skip


def answers(*lines: bytes | str) -> list[dict[str, Any]]:
    out = io.StringIO()
    assert suggest_lines(lines, out, engine()) == 0
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(found) == len(lines)
    assert all(one.keys() - {"error"} == KEYS for one in found)
    return found


def test_one_object_a_line() -> None:
    fire, lamp, nothing = answers("楼上着火了\n", "路灯坏了\n".encode(), "喂你好\n")
    assert (fire["platform"], fire["item"], fire["urgency"]) == ("110", "B4", "emergency")
    assert fire["also"] == ["119"]
    assert lamp["item"] == "A1"
    span = lamp["evidence"][0]
    assert "路灯坏了"[span["start"] : span["end"]] == span["text"]
    assert span["why"]
    assert (nothing["platform"], nothing["confidence"]) == (None, 0.0)
    assert "error" not in nothing


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", "empty"),
        ("  \t \n", "empty"),
        ("着火了".encode("gbk"), "not UTF-8 at byte 0"),
        (b"\xed\xa0\x80", "not UTF-8"),
        ("路灯" * MAX_CODE_POINTS, f"at most {MAX_CODE_POINTS}"),
    ],
    ids=["empty", "blank", "gbk", "surrogate-bytes", "too-long"],
)
def test_bad_line_gets_a_clear_error_and_spoils_only_itself(line: bytes | str, error: str) -> None:
    bad, good = answers(line, "路灯坏了")
    assert "line 1" in bad["error"]
    assert error in bad["error"]
    assert good["item"] == "A1"


@pytest.mark.parametrize(
    "line",
    [
        "\ud800路灯坏了",
        "路灯\x00\x07坏了",
        "🔥🔥路灯坏了🔥",
        "the 路灯 is 坏了",
        "路灯坏了\u202e\u200b",
    ],
)
def test_odd_text_is_answered(line: str) -> None:
    (answer,) = answers(line)
    assert answer["item"] == "A1"
    for span in answer["evidence"]:
        assert line[span["start"] : span["end"]] == span["text"]


@pytest.mark.parametrize(
    "line",
    [
        "the street lamp is broken, please send somebody",
        "🔥",
        "\x00\x01\x1b[31m",
        "ご飯 밥 рис أرز",
        "\u202e\u200b\ufeff",
        "\udfff",
        "9" * 5000,
    ],
    ids=["english", "emoji", "control", "scripts", "invisible", "surrogate", "digits"],
)
def test_what_says_nothing_is_no_emergency_and_no_crash(line: str) -> None:
    (answer,) = answers(line)
    assert answer["urgency"] != "emergency"
    assert answer["confidence"] < 0.5 or not answer["sure"]


def test_a_megabyte_is_answered() -> None:
    text = ("路灯没修，没有着火，也没有人受伤。" * 30_000)[:380_000]
    assert len(text.encode()) > 900_000
    (answer,) = answers(text)
    assert (answer["item"], answer["urgency"]) == ("A1", "normal")


def test_command_reads_standard_input() -> None:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, ["--jsonl"], input="路灯坏了\n\n")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[0]["item"] == "A1"
    assert "empty" in lines[1]["error"]


def test_command_refuses_a_broken_taxonomy_and_a_missing_mode(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    broken = tmp_path / "t.toml"
    broken.write_text("version = 1", "utf-8")
    result = CliRunner().invoke(app, ["--jsonl", "--taxonomy", str(broken)], input="x\n")
    assert result.exit_code == 2
    assert "t.toml" in result.output
    assert CliRunner().invoke(app, []).exit_code == 2
