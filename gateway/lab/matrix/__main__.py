"""``python -m gateway.lab.matrix``: play the matrix; exit status 0 only if every row holds."""

import asyncio
import contextlib
import json
import re
from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import ConfigError
from gateway.lab import terminal
from gateway.lab.ended import why_ended
from gateway.lab.matrix.judge import Seen
from gateway.lab.matrix.pairs import pairwise
from gateway.lab.matrix.run import in_order, play_rows
from gateway.lab.matrix.show import Result, as_json, counts, show
from gateway.lab.matrix.table import Row, every_row

_FILE_WIDTH = 180
Numbered = list[tuple[int, Row]]


def main(
    only: Annotated[list[str] | None, typer.Option(help="Rows with these words (all).")] = None,
    rows: Annotated[str, typer.Option(help="Rows a-b of the table, or one.")] = "",
    seed: Annotated[int, typer.Option(help="Another choice of pairs.")] = 1,
    listed: Annotated[bool, typer.Option("--list", help="Only say what would be played.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON here.")] = None,
) -> None:
    """Every verb with every outcome; modes, directions and topologies pairwise."""
    console = terminal.report(_FILE_WIDTH)
    try:
        chosen = choose(list(enumerate(in_order(pairwise(every_row(), seed)), 1)), only or [], rows)
    except ConfigError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from error
    if listed:
        for number, row in chosen:
            console.print(f"{number:3} {row}", markup=False)
        raise typer.Exit(0)
    results: list[Result] = []
    stopped = asyncio.run(_until_ended(chosen, results))
    if json_file:
        text = json.dumps(as_json(results), ensure_ascii=False, indent=1)
        json_file.write_text(text + "\n", "utf-8")
    if stopped:
        console.print(f"ended early: {stopped}", markup=False)
    show(results, console)
    raise typer.Exit(0 if not counts(results)[1] and not stopped else 1)


def choose(table: Numbered, only: list[str], rows: str) -> Numbered:
    """The rows of `table` numbered `rows` that have every word of `only`. Raises ConfigError."""
    if rows:
        if (span := re.fullmatch(r"(\d+)(?:-(\d+))?", rows)) is None:
            raise ConfigError(f"--rows {rows}: give one number, or two as in 10-20")
        first, last = int(span[1]), int(span[2] or span[1])
        table = table[first - 1 : last]
    table = [one for one in table if all(word in str(one[1]) for word in only)]
    if not table:
        raise ConfigError("no row is like that; --list shows them all")
    return table


async def _until_ended(chosen: Numbered, results: list[Result]) -> str:
    """Play with a progress bar; returns why it ended early, or ''."""
    numbers = {row: number for number, row in chosen}
    with terminal.counting_bar(60) as bar:
        task = bar.add_task("", total=len(chosen))

        def starting(part: str) -> None:
            bar.update(task, description=f"starting {part}"[:60])

        def played(row: Row, seen: Seen) -> None:
            results.append((numbers[row], row, seen))
            bar.update(task, description=f"{numbers[row]} {row}"[:60], advance=1)

        return await why_ended(play_rows(numbers, starting, played))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
