"""``python -m gateway.lab.leg_check``: exit status 0 only if the leg log agrees with the wire."""

import asyncio
import contextlib
from typing import Annotated

import typer
from rich.table import Table

from gateway.lab import terminal
from gateway.lab.ended import why_ended
from gateway.lab.leg_check.plays import BY_MODE
from gateway.lab.leg_check.run import Done, check

AGREES_MS = 200.0
_FILE_WIDTH = 140


def main(
    at_a_time: Annotated[int, typer.Option(help="Calls at the same time.", min=1, max=4)] = 3,
    mode: Annotated[
        list[str] | None, typer.Option(help="Links: talk, answered, at_once, native.")
    ] = None,
    only: Annotated[str, typer.Option(help="Calls with this in their names (all).")] = "",
) -> None:
    """30 mixed calls on the lab: the leg log beside a capture of their SIP and keys."""
    modes = [one for one in BY_MODE if not mode or one in mode]
    results: list[Done] = []
    stopped = asyncio.run(_with_progress(at_a_time, modes, only, results))
    console = terminal.report(_FILE_WIDTH)
    console.print(table(results))
    for done in results:
        if done.verdict.error:
            console.print(f"{done.name} ({done.mode}): {done.verdict.error}", markup=False)
    if stopped:
        console.print(f"ended early: {stopped}", markup=False)
    console.print(last_line(results), markup=False)
    raise typer.Exit(0 if not stopped and agrees(results) else 1)


def agrees(results: list[Done]) -> bool:
    """Whether every call was played, and no figure that the log is sure of is further off."""
    return (
        bool(results)
        and not any(done.verdict.error for done in results)
        and _most(results) <= AGREES_MS
    )


def last_line(results: list[Done]) -> str:
    """What it comes to. Calls of which the log says itself that it guesses are counted apart."""
    legs = sum(done.verdict.legs for done in results)
    line = f"{len(results)} calls, {legs} legs, greatest difference {_most(results):.0f} ms"
    guessed = [done for done in results if done.verdict.estimated]
    if guessed:
        most = _most(guessed, sure=False)
        line = f"{len(guessed)} of them marked as estimated, within {most:.0f} ms\n{line}"
    return line


def _most(results: list[Done], *, sure: bool = True) -> float:
    verdicts = [done.verdict for done in results if not (sure and done.verdict.estimated)]
    return max((one.greatest.ms for one in verdicts if one.greatest), default=0.0)


def table(results: list[Done]) -> Table:
    """One row a call, with the figure that is furthest off."""
    shown = Table("", "call", "links", "from", "legs", "ms off", "in", "log", "wire", box=None)
    for number, done in enumerate(results, 1):
        worst = done.verdict.greatest
        mark = "~" if done.verdict.estimated else "✓" if worst and worst.ms <= AGREES_MS else "✗"
        cells = ["", "", "", ""]
        if worst:
            moment = worst.figure in ("started", "answered", "ended")
            values = ("", "") if moment else (f"{worst.logged:.0f}", f"{worst.wire:.0f}")
            cells = [f"{worst.ms:.0f}", f"{worst.leg}: {worst.figure}", *values]
        name = done.name.replace("_", " ")
        shown.add_row(
            f"{number} {mark}", name, done.mode, done.home, str(done.verdict.legs), *cells
        )
    return shown


async def _with_progress(at_a_time: int, modes: list[str], only: str, results: list[Done]) -> str:
    with terminal.counting_bar(40) as bar:
        task = bar.add_task(
            "", total=sum(only in one.__name__ for mode in modes for one in BY_MODE[mode])
        )

        def starting(part: str) -> None:
            bar.update(task, description=f"starting {part}"[:40])

        def told(name: str) -> None:
            bar.update(task, description=name.replace("_", " "), advance=1)

        return await why_ended(check(at_a_time, modes, only, starting, told, results))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
