"""The table of the call matrix, its last line, and the same as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.lab.matrix.judge import Seen, problems
from gateway.lab.matrix.table import Row

_COLUMNS = ("#", "verb", "mode", "direction", "topology", "outcome", "transfer", "talk", "hears")
Result = tuple[int, Row, Seen]
"""Number in the whole table, what was played, what came of it."""


def show(results: Sequence[Result], console: Console) -> None:
    """Print the table, why rows do not hold, and the count as the last line."""
    table = Table(*_COLUMNS, "s", "holds", show_lines=False)
    for number, row, seen in results:
        table.add_row(*_cells(number, row, seen))
    console.print(table)
    console.print("C citizen, O operator, T person at the target, N next operator, F 119")
    for number, row, seen in results:
        for why in problems(row, seen):
            console.print(f"{number} ({row}): {why}", markup=False)
    console.print(last_line(results))


def _cells(number: int, row: Row, seen: Seen) -> list[str]:
    return [
        str(number),
        row.verb,
        row.mode,
        row.direction,
        row.topology.split()[0],
        row.outcome,
        f"{seen.state} {seen.reason}".strip(),
        seen.left or "-",
        " ".join(f"{who}:{whom}" for who, whom in sorted(seen.hears.items())) or "-",
        f"{seen.took_s:.1f}",
        "no" if problems(row, seen) else "yes",
    ]


def counts(results: Sequence[Result]) -> tuple[int, int]:
    """How many rows hold, and how many do not."""
    broken = sum(bool(problems(row, seen)) for _number, row, seen in results)
    return len(results) - broken, broken


def last_line(results: Sequence[Result]) -> str:
    hold, broken = counts(results)
    return f"{hold} rows hold, {broken} do not"


def as_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One object a row."""
    return [
        {"number": number}
        | asdict(row)
        | asdict(seen)
        | {"holds": not problems(row, seen), "why": problems(row, seen)}
        for number, row, seen in results
    ]
