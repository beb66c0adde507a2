"""What the speech bench says: a table, one JSON object, and a curve."""

import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.lab.bench.streams.level import IN_TIME_S, Level
from gateway.lab.bench.streams.search import Search
from gateway.lab.bench.streams.svg import Curve, curves

AIM = 2.0
_CER_WITHIN = 0.3
TITLES = {"ours": "liandong", "plain": "plain loop, as vosk-server"}


def as_json(found: dict[str, Search], model: str) -> dict[str, Any]:
    """Everything measured."""
    ours, plain = found["ours"].best, found["plain"].best
    cers = {arm: _cer(search, min(ours, plain)) for arm, search in found.items()}
    same = abs(cers["ours"] - cers["plain"]) <= _CER_WITHIN or cers["ours"] < cers["plain"]
    return {
        "ok": bool(ours and plain),
        "model": model,
        "in_time": f"p95 of the waits <= {IN_TIME_S} s",
        "streams_per_core": {"ours": ours, "plain": plain},
        "ratio": round(ours / plain, 2) if plain else None,
        "aim": {"ratio_at_least": AIM, "met": bool(plain) and ours >= AIM * plain},
        "cer": {arm: round(value, 2) for arm, value in cers.items()},
        "cer_equal": same,
        "levels": [one.shape() for search in found.values() for one in search.levels],
        "machine": {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)},
    }


def _cer(search: Search, legs: int) -> float:
    """Of the first `legs` legs at the best level: the same audio in both arms."""
    best = [one for one in search.levels if one.streams == search.best and one.in_time]
    counted = best[-1].by_leg[:legs] if best else []
    said = sum(one for _, one in counted)
    return 100 * sum(wrong for wrong, _ in counted) / said if said else float("nan")


def show(found: dict[str, Search], told: dict[str, Any], console: Console) -> None:
    """Print the table and the verdict."""
    table = Table(title="streams on one core, by arm", title_justify="left")
    for name in (
        "arm",
        "streams",
        "wait p50",
        "p95",
        "max",
        "end → final p50",
        "p95",
        "≤ 0.8 s",
        "edges ± 0.1 s",
        "CER %",
        "core",
        "MiB",
        "",
    ):
        table.add_column(name, justify="left" if name in ("arm", "") else "right")
    for arm, search in found.items():
        for one in sorted(search.levels, key=lambda level: level.streams):
            table.add_row(TITLES[arm], *_cells(one))
    console.print(table)
    both = told["streams_per_core"]
    console.print(
        f"in time (p95 ≤ {IN_TIME_S} s): liandong {both['ours']}, plain {both['plain']}"
        f" streams a core; ratio {told['ratio']} (aim {AIM:g});"
        f" CER {told['cer']['ours']} and {told['cer']['plain']} %"
    )


def _cells(one: Level) -> list[str]:
    notes = [*(f"{count} × {why}" for why, count in one.gaps.items())]
    if not one.sound:
        notes.append(f"feeder late {one.feeder_late_s:.2f} s")
    return [
        str(one.streams),
        f"{one.p50_s:.3f}",
        f"{one.p95_s:.3f}",
        f"{one.max_s:.2f}",
        f"{one.final_p50_s:.2f}",
        f"{one.final_p95_s:.2f}",
        f"{one.final_in_time:.1%}",
        f"{one.words_in_place:.1%}",
        f"{one.cer:.2f}",
        f"{one.cpu:.0%}",
        f"{one.rss_mb:.0f}",
        "in time" if one.in_time else "late " + ", ".join(notes),
    ]


def picture(found: dict[str, Search]) -> str:
    """Return p95 wait against streams as SVG."""
    return curves(
        [Curve(TITLES[arm], _points(search.levels)) for arm, search in found.items()],
        title="Wait for words against streams on one core",
        x="concurrent streams",
        y="p95 wait, s",
        limit=IN_TIME_S,
    )


def _points(levels: Sequence[Level]) -> list[tuple[float, float]]:
    best: dict[int, float] = {}
    for one in levels:
        best[one.streams] = min(one.p95_s, best.get(one.streams, float("inf")))
    return sorted((float(streams), wait) for streams, wait in best.items())
