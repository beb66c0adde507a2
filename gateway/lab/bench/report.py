"""What the bench says: tables for people, then one JSON object on one line."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.lab.bench import restart
from gateway.lab.bench.plan import Result
from gateway.lab.bench.stages import STAGES
from gateway.lab.bench.stats import Ratio, Summary, ratio, summary

AIM = 1.5
"""p95 of key → INVITE with the gateway over p95 without it."""


def as_json(result: Result) -> dict[str, Any]:
    """Everything measured, in milliseconds rounded to a hundredth."""
    compared = _compared(result)
    return {
        "ok": not (result.failed or result.spoken.error or result.restarted.error)
        and bool(compared or (result.restarted.ms and not result.transfers)),
        "aim": {"p95_ratio_at_most": AIM, "met": bool(compared) and compared["p95"].value <= AIM},
        "ratio": {name: _rounded(asdict(one)) for name, one in compared.items()},
        "arms": {name: _arm(result, name) for name in result.titles},
        "speech": _speech(result),
        "restart": _restart(result),
        "machine": _rounded(asdict(result.machine)),
        "cut_short": result.cut_short,
    }


def show(result: Result, console: Console) -> None:
    """Print the tables."""
    stages = Table(title="milliseconds by stage", title_justify="left")
    for column in ("stage", "arm"):
        stages.add_column(column)
    for column in ("n", "p50", "p95", "max"):
        stages.add_column(column, justify="right")
    for stage, text in STAGES.items():
        for arm, title in result.titles.items():
            if values := result.of(arm, stage):
                stages.add_row(text, title, *_cells(summary(values)))
    if result.spoken.final_ms:
        spoken = summary(result.spoken.final_ms)
        stages.add_row("end of speech → final utterance on the page", "gateway", *_cells(spoken))
    for stage, text in restart.STAGES.items():
        if times := result.restarted.ms.get(stage):
            stages.add_row(text, "gateway", *_cells(summary(times)))
    console.print(stages)
    _show_comparison(result, console)
    _show_machine(result, console)


def _show_comparison(result: Result, console: Console) -> None:
    for name, one in _compared(result).items():
        console.print(
            f"key → INVITE, {name}: gateway is {one.value:.2f} of dialplan only "
            f"(95 % interval {one.low:.2f} to {one.high:.2f})"
        )
    if compared := _compared(result):
        met = "met" if compared["p95"].value <= AIM else "NOT met"
        console.print(f"aim: p95 at most {AIM:g} of dialplan only: [bold]{met}[/bold]")
    if times := result.restarted.ms.get("start_words"):
        met = "met" if max(times) <= restart.AIM_MS else "NOT met"
        console.print(f"aim: next words {restart.AIM_MS:g} ms after the start: [bold]{met}[/bold]")
    for call in result.failed:
        console.print(f"[red]failed[/red] ({call.arm}): {call.error or 'caller dropped'}")
    if result.spoken.unheard:
        console.print(f"not heard: {', '.join(result.spoken.unheard)}")
    if result.spoken.error:
        console.print(f"[red]speech[/red]: {result.spoken.error}")
    if result.restarted.error:
        console.print(f"[red]restart in mid-call[/red]: {result.restarted.error}")


def _show_machine(result: Result, console: Console) -> None:
    machine = result.machine
    short = "; cut short by its time limit" if result.cut_short else ""
    console.print(
        f"{machine.cores} cores, load {machine.load_before:.2f} before and "
        f"{machine.load_after:.2f} after, {machine.took_s:.0f} s; the phones' own clock was at "
        f"most {machine.latest_tick_ms:.1f} ms late{short}"
    )


def _compared(result: Result) -> dict[str, Ratio]:
    ours, theirs = (result.of(arm, "key_invite") for arm in ("gateway", "native"))
    if not ours or not theirs:
        return {}
    return {"p50": ratio(ours, theirs, 50), "p95": ratio(ours, theirs, 95)}


def _arm(result: Result, arm: str) -> dict[str, Any]:
    mine = [one for one in result.transfers if one.arm == arm]
    measured = {stage: result.of(arm, stage) for stage in STAGES}
    return {
        "calls": len(mine),
        "failed": sum(bool(one.error) for one in mine),
        "callers_dropped": sum(one.dropped for one in mine),
        "stages_ms": {
            stage: _rounded(asdict(summary(values))) for stage, values in measured.items() if values
        },
    }


def _speech(result: Result) -> dict[str, Any]:
    spoken = result.spoken
    said: dict[str, Any] = {"unheard": spoken.unheard, "error": spoken.error}
    if spoken.final_ms:
        said["final_ms"] = _rounded(asdict(summary(spoken.final_ms)))
    return said


def _restart(result: Result) -> dict[str, Any]:
    restarted = result.restarted
    measured = {stage: _rounded(asdict(summary(ms))) for stage, ms in restarted.ms.items()}
    return {"aim_ms": restart.AIM_MS, "stages_ms": measured, "error": restarted.error}


def _cells(one: Summary) -> tuple[str, str, str, str]:
    return str(one.n), f"{one.p50:.1f}", f"{one.p95:.1f}", f"{one.max:.1f}"


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 2) if isinstance(value, float) else value
        for name, value in values.items()
    }
