"""``python -m gateway.lab.chaos``: faults, and a last line that says what came of them."""

import asyncio
import contextlib
import json
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from gateway.errors import LabError, LiandongError
from gateway.lab import terminal
from gateway.lab.chaos import restart, tally
from gateway.lab.chaos.faults import chosen
from gateway.lab.chaos.round import Round
from gateway.lab.chaos.script import Script, plan
from gateway.lab.chaos.tally import Tally
from gateway.lab.chaos.world import World, world
from gateway.lab.ended import why_ended

_TICKETS_S = 60.0
_FILE_WIDTH = 160


@dataclass(frozen=True)
class _Run:
    """What was asked for."""

    faults: int
    seed: int
    kinds: list[str]
    minutes: float
    keep: Path | None
    calls: list[int]
    """Numbers of the plan's calls to play, from 1; empty: all."""


def main(
    faults: Annotated[int, typer.Option(min=1, help="How many.")] = 312,
    seed: Annotated[int, typer.Option(help="The same seed, the same calls and faults.")] = 1,
    kinds: Annotated[str, typer.Option(help="Only these, comma-separated; all by default.")] = "",
    minutes: Annotated[float, typer.Option(min=0.5, help="Begin no call after so long.")] = 43.0,
    asterisk: Annotated[
        bool, typer.Option("--asterisk", help="Instead: Asterisk's own restart under a call.")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="Copy the gateway's log here.")] = None,
    calls: Annotated[
        str, typer.Option(help="Only these calls of the plan, as notes number them: 47,47,3.")
    ] = "",
) -> None:
    """Faults at random moments of random transfers on the lab, judged by an independent witness."""
    counts = Tally()
    console = terminal.report(_FILE_WIDTH)
    if asterisk:
        try:
            status = asyncio.run(restart.report(console.print))
        except LiandongError as error:
            console.print(f"Asterisk's restart: does not hold: {error}", markup=False)
            status = 1
        raise typer.Exit(status)
    try:
        run = _Run(faults, seed, chosen(kinds), minutes, keep, _numbers(calls))
    except LabError as error:
        raise typer.BadParameter(str(error), param_hint="--kinds") from error
    ended = asyncio.run(_until_ended(run, counts))
    for note in counts.notes:
        console.print(note, markup=False)
    if ended:
        console.print(f"chaos ended early: {ended}", markup=False)
    console.print(counts.last_line(), markup=False)
    raise typer.Exit(0 if counts.holds and not ended else 1)


async def _until_ended(run: _Run, counts: Tally) -> str:
    """Play with a progress bar; returns why it ended early, or ''."""
    with terminal.counting_bar(46, _FILE_WIDTH) as bar:
        task = bar.add_task("starting", total=run.faults)
        return await why_ended(_play(run, counts, bar, task))


async def _play(run: _Run, counts: Tally, bar: Progress, task: TaskID) -> str:
    rng, until = random.Random(run.seed), time.monotonic() + run.minutes * 60  # noqa: S311  no secret
    starting = lambda part: bar.update(task, description=f"starting {part}"[:46])  # noqa: E731
    async with world(rng, starting) as made:
        for kind in set(run.kinds) & set(made.without):
            bar.console.print(f"without {kind}: it needs {made.without[kind]}", markup=False)
        possible = [kind for kind in run.kinds if kind not in made.without]
        ended = ""
        try:
            scripts = _of(run, plan(rng, possible, run.faults))
            bar.update(task, total=sum(len(script.faults) for script in scripts))
            for script in scripts:
                if time.monotonic() > until:
                    ended = f"{run.minutes:g} minutes were over"
                    break
                bar.update(task, description=str(script)[:46])
                await Round(made, script, counts, rng).play()
                bar.update(task, completed=counts.faults.total())
            await _tickets(made, counts)
        finally:
            if run.keep is not None:
                log = made.town.folder / "gateway.log"
                await asyncio.to_thread(shutil.copy, log, run.keep)
    return ended


def _numbers(calls: str) -> list[int]:
    try:
        return [int(number) for number in calls.split(",") if number.strip()]
    except ValueError:
        raise typer.BadParameter("numbers, comma-separated", param_hint="--calls") from None


def _of(run: _Run, scripts: list[Script]) -> list[Script]:
    """The scripts that were asked for, in that order. Raises LabError."""
    if beyond := [number for number in run.calls if not 1 <= number <= len(scripts)]:
        raise LabError(f"the plan has calls 1 to {len(scripts)}, not {beyond[0]}")
    return [scripts[number - 1] for number in run.calls] or scripts


async def _tickets(made: World, counts: Tally) -> None:
    """Every call's final ticket is at the order system, once; it may take a moment to get there."""
    rooms = tally.rooms_of(made.witness.seen)
    deadline = time.monotonic() + _TICKETS_S
    while True:
        taken = [json.loads(path.read_text("utf-8")) for path in made.town.taken.glob("*.json")]
        counts.tickets_lost, counts.tickets_twice = tally.tickets(rooms, taken)
        if not counts.tickets_lost or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.5)
    found = {one["data"]["call"]["room"] for one in taken if one["data"]["phase"] == "final"}
    if missing := sorted(rooms - found):
        counts.notes += [
            f"no final ticket of {room}: {counts.played.get(room, 'of no call')}"
            for room in missing
        ]


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
