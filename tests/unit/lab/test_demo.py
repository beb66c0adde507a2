"""The demo's verdict: no turn is left out, and it always ends with its JSON object."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer
from typer.testing import CliRunner

from gateway.lab import cli
from gateway.lab.demo_show import Show, Spoken
from gateway.lab.demo_verdict import final_ms, finals
from gateway.lab.dialogue import Dialogue, load
from gateway.lab.listener import Arrival, Listener
from gateway.lab.town import MODEL_ENV

ZERO = 1_700_000_000.0
TURN_S, PAUSE_S = 2.0, 0.5
LEGS = {"caller": "c.caller.0", "operator": "c.agent.1", "officer": "c.target.2"}


@pytest.fixture
def show() -> Show:
    """All turns spoken; none heard yet."""
    listener = Listener()
    started = {"call_id": "c", "at": datetime.fromtimestamp(ZERO, UTC).isoformat()}
    listener.arrivals.append(Arrival(ZERO, "call.started", started))
    for speaker, leg in LEGS.items():
        role = "caller" if speaker == "caller" else "agent"
        centre = {"operator": "12345", "officer": "110"}.get(speaker)
        listener.arrivals.append(
            Arrival(ZERO, "leg.added", {"leg_id": leg, "role": role, "centre": centre})
        )
    spoken = []
    for index, turn in enumerate(load("fight").turns):
        start = ZERO + 5 + index * (TURN_S + PAUSE_S)
        spoken.append(Spoken(turn, start, start + TURN_S))
    return cast(Show, SimpleNamespace(listener=listener, spoken=spoken, script=load("fight")))


def _hear(show: Show, index: int, late_s: float = 0.4, speaker: str = "") -> None:
    one = show.spoken[index]
    data: dict[str, Any] = {
        "call_id": "c",
        "leg_id": LEGS[speaker or one.turn.speaker],
        "start_ms": int((one.start + 0.3 - ZERO) * 1000),
        "end_ms": int((one.end + 0.2 - ZERO) * 1000),
    }
    show.listener.arrivals.append(Arrival(one.end + late_s, "utterance.heard", data))


def test_the_figure_is_that_of_the_slowest_turn(show: Show) -> None:
    for index in range(11):
        _hear(show, index, 0.9 if index == 4 else 0.4)
    assert final_ms(show) == pytest.approx(900.0)


@pytest.mark.parametrize("lost", range(11))
def test_a_turn_that_nobody_heard_cannot_better_the_figure(show: Show, lost: int) -> None:
    for index in range(11):
        if index != lost:
            _hear(show, index)
    assert [index for index, ms in enumerate(finals(show)) if ms is None] == [lost]
    assert final_ms(show) is None


def test_words_that_come_while_the_next_turn_is_spoken_belong_to_theirs(show: Show) -> None:
    for index in range(11):
        _hear(show, index, 1.9 if index == 2 else 0.4)
    assert final_ms(show) == pytest.approx(1900.0)


def test_words_of_another_speaker_are_no_turn(show: Show) -> None:
    for index in range(10):
        _hear(show, index)
    _hear(show, 10, speaker="officer")
    assert final_ms(show) is None


def test_a_turn_that_was_not_spoken_is_missing(show: Show) -> None:
    for index in range(11):
        _hear(show, index)
    show.spoken.pop()
    assert final_ms(show) is None


def _demo(*options: str) -> tuple[int, str, dict[str, Any]]:
    app = typer.Typer()
    app.command()(cli.demo)
    result = CliRunner().invoke(app, ["--brief", *options])
    return result.exit_code, result.stdout, json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("error", [RuntimeError("no such thing"), TimeoutError(), KeyError("x")])
def test_whatever_goes_wrong_the_last_line_is_the_json(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def play(_report: object, script: Dialogue, *, stay: bool) -> bool:
        assert (script.id, stay) == ("fight", False)
        raise error

    monkeypatch.setattr(cli, "play", play)
    status, _, result = _demo()
    assert status == 1
    assert result == {
        "ok": False,
        "transfer_ms": None,
        "final_ms": None,
        "ticket_ms": None,
        "callers_dropped": None,
    }


def test_without_a_model_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(MODEL_ENV, str(tmp_path / "none"))
    status, printed, result = _demo()
    assert (status, result["ok"]) == (1, False)
    assert MODEL_ENV in printed
    assert "starting" not in printed


def test_an_unknown_dialogue_is_named_with_those_there_are() -> None:
    status, printed, result = _demo("--dialogue", "opera")
    assert (status, result["ok"]) == (1, False)
    assert "no dialogue 'opera'; there are fight, lamp" in printed
    assert "starting" not in printed
