"""What a load run says: tables for people, a picture, one JSON object on one line."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.lab.bench.report import AIM
from gateway.lab.bench.stages import STAGES
from gateway.lab.bench.stats import Ratio, Summary, ratio, summary
from gateway.lab.bench.streams.svg import Curve, curves
from gateway.lab.load.level import GAP_AT_MOST_MS, Level

TITLES = {"gateway": "gateway", "native": "dialplan only"}


@dataclass
class Found:
    """Every level that was measured."""

    levels: list[Level] = field(default_factory=list)
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])
    took_s: float = 0.0

    def of(self, arm: str) -> list[Level]:
        return sorted((one for one in self.levels if one.arm == arm), key=lambda one: one.calls)

    @property
    def holds(self) -> bool:
        """The native ones are there to compare with: what counts is that no caller fell."""
        ours = self.of("gateway")
        return bool(ours) and all(one.holds for one in ours)

    def ratios(self, percentile: float) -> dict[int, Ratio]:
        """Key → INVITE with the gateway over that without it, by calls at a time."""
        native = {one.calls: _key_invite(one) for one in self.of("native")}
        ours = {one.calls: _key_invite(one) for one in self.of("gateway")}
        both = [calls for calls in ours if ours[calls] and native.get(calls)]
        return {calls: ratio(ours[calls], native[calls], percentile) for calls in both}

    def cost(self, part: str) -> list[tuple[float, float]]:
        """(calls at a time, milliseconds of processor time a call)."""
        return [(one.calls, one.per_call_ms(part)) for one in self.of("gateway")]


def _key_invite(level: Level) -> list[float]:
    return [one.key_invite_ms for one in level.told if one.moments]


def picture(found: Found) -> str:
    """The cost of a call by how many there are, as SVG; dashed: with the fewest."""
    lines = [
        Curve("control process", found.cost("control")),
        Curve("with delivery", _sum(found.cost("control"), found.cost("deliver"))),
    ]
    first = lines[-1].points[0][1] if lines[-1].points else 1.0
    return curves(
        lines,
        title="Processor time of the gateway for one call, by calls at a time",
        x="calls at a time",
        y="milliseconds a call",
        limit=max(first, 0.1),
    )


def _sum(
    one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    return [(calls, a + b) for (calls, a), (_, b) in zip(one, other, strict=True)]


def show(found: Found, console: Console) -> None:
    """Print the tables."""
    console.print(_calls(found))
    console.print(_costs(found))
    console.print(_stages(found))
    for level in found.levels:
        for one in level.failed:
            console.print(f"[red]failed[/red] ({level.arm}, {level.calls}): {one.error}")
        for channel in level.dropped:
            console.print(f"[red]dropped[/red] ({level.arm}, {level.calls}): {channel}")
        for channel in level.left:
            console.print(f"[red]left behind[/red] ({level.arm}, {level.calls}): {channel}")
    for percentile in (50, 95):
        for calls, it in found.ratios(percentile).items():
            console.print(
                f"key → INVITE, {calls} calls, p{percentile}: gateway is {it.value:.2f} of "
                f"dialplan only (95 % interval {it.low:.2f} to {it.high:.2f})"
            )
    console.print(last_line(found))


def last_line(found: Found) -> str:
    """What must hold, in one line."""
    ours = found.of("gateway")
    dropped = sum(one.callers_dropped for one in ours)
    gaps = [one.gap_ms for level in ours for one in level.told if one.moments]
    over = sum(gap > GAP_AT_MOST_MS for gap in gaps)
    failed, deaf = sum(len(one.failed) for one in ours), sum(one.deaf for one in ours)
    lost, left = sum(one.tickets_lost for one in ours), sum(len(one.left) for one in ours)
    return (
        f"{sum(one.calls for one in ours)} calls with the gateway: dropped {dropped}, not played "
        f"{failed}, callers who did not hear the target {deaf}, tickets missing {lost}, channels "
        f"left {left}, gaps over "
        f"{GAP_AT_MOST_MS:g} ms {over} (longest {max(gaps, default=0.0):.1f} ms)"
    )


def _table(title: str, left: str, right: str) -> Table:
    """`left`, `right`: columns, ':' standing for a space."""
    table = Table(title=title, title_justify="left")
    for column in left.split():
        table.add_column(column)
    for column in right.split():
        table.add_column(column.replace(":", " "), justify="right")
    return table


def _calls(found: Found) -> Table:
    table = _table(
        "milliseconds; gap: longest time between two packets at a caller's socket",
        "arm",
        "calls dropped failed key→INVITE:p50 p95 max gap:p50 p95 max gap:before:p95 max",
    )
    for one in found.levels:
        invite, gap, before = (
            one.of(lambda told: told.key_invite_ms),
            one.of(lambda told: told.gap_ms),
            one.of(lambda told: told.before_ms),
        )
        figures = [*_three(invite), *_three(gap), *_three(before)[1:]]
        row = [one.calls, one.callers_dropped, len(one.failed)]
        table.add_row(TITLES[one.arm], *map(str, row), *figures)
    return table


def _costs(found: Found) -> Table:
    table = _table(
        "processor time: milliseconds a call, and share of a core while all of them talk",
        "arm",
        "calls control deliver asterisk control:idle control:held asterisk phones"
        " tickets after:s audio:late:ms took:s",
    )
    for one in found.levels:
        costs = [f"{one.per_call_ms(part):.1f}" for part in ("control", "deliver", "asterisk")]
        shares = [f"{one.held.get(part, 0):.1%}" for part in ("control", "asterisk", "phones")]
        table.add_row(
            TITLES[one.arm],
            str(one.calls),
            *costs,
            f"{one.idle.get('control', 0):.1%}",
            *shares,
            f"{one.tickets}",
            f"{one.tickets_after_s:.1f}",
            f"{one.pump_late_ms:.1f}",
            f"{one.took_s:.0f}",
        )
    return table


def _stages(found: Found) -> Table:
    table = _table("milliseconds by stage", "stage arm", "calls n p50 p95 max")
    most = max((one.calls for one in found.levels), default=0)
    for stage, text in STAGES.items():
        for one in found.levels:
            if (values := one.stages.get(stage)) and one.calls == most:
                told = summary(values)
                table.add_row(text, TITLES[one.arm], str(most), str(told.n), *_three(told))
    return table


def _three(one: Summary | None) -> tuple[str, str, str]:
    return (f"{one.p50:.1f}", f"{one.p95:.1f}", f"{one.max:.1f}") if one else ("", "", "")


def as_json(found: Found) -> dict[str, Any]:
    """Everything measured."""
    return {
        "ok": found.holds,
        "gap_at_most_ms": GAP_AT_MOST_MS,
        "aim": {"p95_ratio_at_most": AIM},
        "ratio_p50": {calls: _rounded(asdict(one)) for calls, one in found.ratios(50).items()},
        "ratio_p95": {calls: _rounded(asdict(one)) for calls, one in found.ratios(95).items()},
        "levels": [_level(one) for one in found.levels],
        "machine": {
            "cores": os.cpu_count(),
            "load_before": round(found.load_before, 2),
            "took_s": round(found.took_s, 1),
        },
    }


def _level(level: Level) -> dict[str, Any]:
    measures = {
        "key_invite_ms": level.of(lambda told: told.key_invite_ms),
        "gap_moved_ms": level.of(lambda told: told.gap_ms),
        "gap_before_ms": level.of(lambda told: told.before_ms),
    }
    parts = list(level.cpu_s)
    return {
        "arm": level.arm,
        "calls": level.calls,
        "dropped": level.callers_dropped,
        "not_played": [one.error for one in level.failed],
        "did_not_hear_the_target": level.deaf,
        "gaps_over": sum(one.gap_ms > GAP_AT_MOST_MS for one in level.told),
        **{name: _rounded(asdict(one)) for name, one in measures.items() if one},
        "stages_ms": {
            stage: _rounded(asdict(summary(values))) for stage, values in level.stages.items()
        },
        "cpu_ms_a_call": {part: round(level.per_call_ms(part), 2) for part in parts},
        "cpu_share_idle": _rounded(level.idle, 4),
        "cpu_share_held": _rounded(level.held, 4),
        "tickets": level.tickets,
        "channels_left": level.left,
        "tickets_after_s": round(level.tickets_after_s, 2),
        "audio_late_ms": round(level.pump_late_ms, 2),
        "took_s": round(level.took_s, 1),
    }


def _rounded(values: dict[str, Any], digits: int = 2) -> dict[str, Any]:
    return {
        name: round(value, digits) if isinstance(value, float) else value
        for name, value in values.items()
    }
