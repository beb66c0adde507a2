"""How `liandong figures` prints: tables for people, JSON and CSV for programs."""

import csv
import json
import sys
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from pydantic import BaseModel
from rich.table import Table

from gateway.calls.figures import Figures, Limits, Spread
from gateway.masking import mask_number


def figures_table(rows: Sequence[Figures], zone: tzinfo, limits: Limits) -> Table:
    table = Table(box=None, title=f"{zone}; only calls that have ended")
    within = f"≤ {limits.answer_within_s:g} s"
    names = (
        "from", "centre", "offered", "answered", "接通率", within, "abandoned", "short", "gave up",
        "returned", "lost", "wait p50/p95", "talk p50/p95", "room p50/p95",
    )  # fmt: skip
    for name in names:
        table.add_column(name, justify="left" if name in {"from", "centre"} else "right")
    for row in rows:
        counts = (row.abandoned, row.short_abandoned, row.gave_up, row.returned, row.lost)
        table.add_row(
            row.start.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
            row.centre or "all",
            str(row.offered),
            str(row.answered),
            _percent(row.connection_rate),
            _percent(row.in_time_rate),
            *(str(count) for count in counts),
            *(_spread(one) for one in (row.wait, row.talk, row.conference)),
        )
    return table


def calls_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None)
    for name in ("call", "centre", "number", "came in", "waited", "end", "transfers back"):
        table.add_column(name, no_wrap=name == "call", overflow="fold")
    for row in rows:
        back = [f"{one['target']}: {one['reason']}" for one in row["transfers_returned"]]
        end = "gave up" if row["gave_up"] else f"{row['outcome']} ({row['end_reason']})"
        came_in = row["started_at"].strftime("%Y-%m-%d %H:%M:%S")
        waited = f"{row['wait_ms'] / 1000:.1f} s"
        about = (row["centre"], row["caller_number"], came_in, waited, end)
        table.add_row(row["id"], *about, ", ".join(back))
    return table


def print_csv(rows: list[dict[str, Any]], kind: type[BaseModel]) -> None:
    flat = [_flat(row) for row in rows]
    names = list(flat[0] if flat else kind.model_fields)
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Spreads become columns of their own (`wait_p50_ms`), lists JSON."""
    flat: dict[str, Any] = {}
    for name, value in jsonable(row).items():
        if isinstance(value, dict):
            flat |= {f"{name}_{part}": inner for part, inner in value.items()}
        else:
            flat[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return flat


def jsonable(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(row, default=_iso, ensure_ascii=False))
    return found


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def local(row: dict[str, Any], zone: tzinfo) -> dict[str, Any]:
    """Times as clocks here show them, numbers masked."""
    shown: dict[str, Any] = {
        name: value.astimezone(zone) if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    if "caller_number" in shown:
        shown["caller_number"] = mask_number(shown["caller_number"])
    return shown


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.1%}"


def _spread(spread: Spread) -> str:
    if spread.p50_ms is None or spread.p95_ms is None:
        return "–"
    return f"{spread.p50_ms / 1000:.1f}/{spread.p95_ms / 1000:.1f} s"
