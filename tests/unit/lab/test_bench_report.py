"""What the bench says of what it measured."""

import io
import json

import pytest
from rich.console import Console

from gateway.lab.bench.plan import Machine, Plan, Result
from gateway.lab.bench.report import as_json, show
from gateway.lab.bench.speech import Spoken
from gateway.lab.bench.transfer import Transfer


def result(ours: float = 12.0, theirs: float = 10.0) -> Result:
    """Ten calls of each arm that differ by a millisecond; 110 rings later with the gateway."""
    made = Result(
        machine=Machine(cores=2, load_before=0.5, load_after=1.25, latest_tick_ms=3.14159),
        titles={"gateway": "gateway", "native": "dialplan only", "blind": "blind"},
        spoken=Spoken(final_ms=[600.0, 650.0]),
    )
    for number in range(10):
        ours_ms = {"key_invite": ours + number % 2, "hangup_ticket": 200.0}
        made.transfers.append(Transfer("gateway", ours_ms))
        made.transfers.append(Transfer("native", {"key_invite": theirs + number % 2}))
    return made


def shown(made: Result) -> str:
    console = Console(file=io.StringIO(), width=160, highlight=False)
    show(made, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_report_is_one_json_object_with_both_arms() -> None:
    report = json.loads(json.dumps(as_json(result())))
    assert report["ok"] is True
    assert report["arms"]["gateway"]["stages_ms"]["key_invite"] == {
        "n": 10, "p50": 12.5, "p95": 13.0, "max": 13.0,
    }  # fmt: skip
    assert report["arms"]["native"]["stages_ms"]["key_invite"]["p95"] == 11.0
    assert report["ratio"]["p95"]["value"] == 1.18
    assert report["speech"]["final_ms"]["n"] == 2
    assert report["machine"]["latest_tick_ms"] == 3.14


def test_a_restart_in_mid_call_is_told_by_its_stages_or_by_why_it_failed() -> None:
    made = result()
    made.restarted.ms = {"page_words": [900.0, 1100.0]}
    assert as_json(made)["restart"]["stages_ms"]["page_words"]["max"] == 1100.0
    assert "page answers → the caller's next words on it" in shown(made)
    made.restarted.error = "no words of the caller in 30 s"
    assert as_json(made)["ok"] is False
    assert "restart in mid-call: no words of the caller" in shown(made)


@pytest.mark.parametrize(("ours", "met"), [(12.0, True), (15.5, True), (16.0, False)])
def test_the_aim_is_met_up_to_one_and_a_half(ours: float, met: bool) -> None:
    made = result(ours)
    assert as_json(made)["aim"]["met"] is met
    assert ("aim: p95 at most 1.5 of dialplan only: " + ("met" if met else "NOT met")) in shown(
        made
    )
    assert as_json(made)["ok"] is True, "a bench reports; missing the aim is not a failure"


def test_a_failed_call_is_counted_named_and_not_measured() -> None:
    made = result()
    made.transfers.append(Transfer("gateway", {"key_invite": 9000.0}, error="no call for 2001"))
    report = as_json(made)
    assert report["ok"] is False
    assert report["arms"]["gateway"]["failed"] == 1
    assert report["arms"]["gateway"]["stages_ms"]["key_invite"]["max"] == 13.0
    assert "no call for 2001" in shown(made)


def test_a_dropped_caller_is_a_failure() -> None:
    made = result()
    made.transfers.append(Transfer("native", {"key_invite": 10.0}, dropped=1))
    report = as_json(made)
    assert (report["ok"], report["arms"]["native"]["callers_dropped"]) == (False, 1)
    assert "caller dropped" in shown(made)


def test_speech_that_broke_off_is_a_failure_too() -> None:
    made = result()
    made.spoken.error = "the call ended while playing"
    assert as_json(made)["ok"] is False
    assert "the call ended while playing" in shown(made)


def test_nothing_measured_is_not_ok_and_compares_nothing() -> None:
    report = as_json(Result())
    assert (report["ok"], report["ratio"], report["aim"]["met"]) == (False, {}, False)


def test_the_table_names_stages_load_and_speech() -> None:
    text = shown(result())
    assert "key's end packet → INVITE at 110's phone" in text
    assert "end of speech → final utterance" in text
    assert "load 0.50 before and 1.25 after" in text


def test_the_progress_bar_counts_every_call_and_turn() -> None:
    assert Plan(transfers=60, blind=20, speech=22, restarts=5, warm_up=2).steps == 171
