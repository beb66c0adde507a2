"""``python -m gateway.lab.load``: measure and report; exit status 0 when what must hold does."""

import asyncio
import contextlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from gateway.lab import terminal
from gateway.lab.ended import why_ended
from gateway.lab.load.crowd import crowd
from gateway.lab.load.level import Meter
from gateway.lab.load.report import TITLES, Found, as_json, picture, show

_FILE_WIDTH = 180
_IDLE_S = 5.0
_STEPS = 3
"""Of each call: up, moved, ended."""


def main(
    levels: Annotated[str, typer.Option(help="Calls at a time.")] = "10,20,40,60,80,100",
    native: Annotated[str, typer.Option(help="The same with the gateway stopped.")] = "60,100",
    quick: Annotated[bool, typer.Option(help="10 and 20 calls only, 1 minute.")] = False,
    limit_s: Annotated[float, typer.Option(help="Begin no level after so many seconds.")] = 480,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON here.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write the picture here.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Copy the logs into this folder.")] = None,
) -> None:
    """Many calls at a time, each with one transfer: who falls, how long it takes, what it costs."""
    arms = {"gateway": _numbers(levels), "native": _numbers(native)}
    if quick:
        arms = {"gateway": [10, 20], "native": [20]}
    console, found = terminal.report(_FILE_WIDTH), Found()
    ended = asyncio.run(_until_ended(_Run(arms, limit_s, keep), found))
    if found.levels:
        show(found, console)
    if ended:
        console.print(f"[red]load ended early:[/red] {ended}")
    if svg and found.of("gateway"):
        svg.write_text(picture(found), "utf-8")
    text = json.dumps(as_json(found) | {"ended_early": ended}, ensure_ascii=False)
    if json_file:
        json_file.write_text(text + "\n", "utf-8")
    else:
        console.print(text, markup=False)
    raise typer.Exit(0 if found.holds and not ended else 1)


def _numbers(text: str) -> list[int]:
    try:
        found = [int(word) for word in text.split(",") if word.strip()]
    except ValueError:
        found = [0]
    if any(not 1 <= one <= 130 for one in found):  # what the lab PBX has RTP ports for
        raise typer.BadParameter("numbers of calls from 1 to 130, with commas: 10,60,100")
    return found


@dataclass(frozen=True)
class _Run:
    """What was asked for."""

    arms: dict[str, list[int]]
    limit_s: float
    keep: Path | None

    def copy_logs(self, arm: str, folder: Path) -> None:
        if self.keep:
            self.keep.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                shutil.copy(log, self.keep / f"{arm}-{log.name}")


async def _until_ended(run: _Run, found: Found) -> str:
    """Measure with a progress bar; returns why it ended early, or ''."""
    with terminal.counting_bar(34) as bar:
        calls = sum(sum(levels) for levels in run.arms.values())
        return await why_ended(_all(run, found, _Say(bar, bar.add_task("", total=calls * _STEPS))))


async def _all(run: _Run, found: Found, say: "_Say") -> str:
    began = time.monotonic()
    seats = max(max(levels, default=1) for levels in run.arms.values())
    try:
        for arm, levels in run.arms.items():
            say.title = TITLES[arm]
            async with crowd(seats, say.starting, gateway=arm == "gateway") as people:
                try:
                    meter = Meter(people, arm)
                    await meter.idle(_IDLE_S)
                    for at_a_time in levels:
                        if time.monotonic() - began > run.limit_s:
                            return f"out of time before {at_a_time} calls ({say.title})"
                        say.calls = at_a_time
                        found.levels.append(await meter.measure(at_a_time, say.step))
                finally:
                    run.copy_logs(arm, people.town.folder)
    finally:
        found.took_s = time.monotonic() - began
    return ""


@dataclass
class _Say:
    """What the progress bar says."""

    bar: Progress
    task: TaskID
    title: str = ""
    calls: int = 0

    def starting(self, part: str) -> None:
        self.bar.update(self.task, description=f"{self.title}: starting {part}"[:34])

    def step(self, what: str) -> None:
        said = f"{self.title}: {self.calls} calls, {what}"
        self.bar.update(self.task, description=said, advance=1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
