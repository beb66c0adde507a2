"""``python -m gateway.lab.bench.streams``: measure and report."""

import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from gateway.errors import LiandongError
from gateway.lab.bench.streams import report
from gateway.lab.bench.streams.level import Arm, Level, Place, measure
from gateway.lab.bench.streams.search import Search
from gateway.lab.bench.streams.server import one_core_for_the_server
from gateway.lab.redis_lab import RedisLab
from gateway.settings import load

_START = {"plain": 16, "ours": 40}
_FILE_WIDTH = 160


def main(
    model: Annotated[
        str, typer.Option(help="Name or directory; default: [speech] model_dir.")
    ] = "",
    quick: Annotated[bool, typer.Option(help="Legs of 20 s and coarse steps: 4 minutes.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON here.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write the curve here.")] = None,
) -> None:
    """Streams a core transcribes in time: ours, beside a plain loop on the same model and audio."""
    model = model or str(load().speech.model_dir)
    width = None if sys.stdout.isatty() else _FILE_WIDTH
    console = Console(highlight=False, soft_wrap=True, width=width)
    found: dict[str, Search] = {"plain": Search(), "ours": Search()}
    ended = ""
    with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
        try:
            asyncio.run(_bench(model, Path(folder), found, quick=quick))
        except (LiandongError, TimeoutError) as error:
            ended = str(error) or "a server did not say all in time"
    told = report.as_json(found, model) | {"ended_early": ended}
    report.show(found, told, console)
    if ended:
        console.print(f"[red]bench ended early:[/red] {ended}")
    if svg:
        svg.write_text(report.picture(found), "utf-8")
    text = json.dumps(told, ensure_ascii=False)
    if json_file:
        json_file.write_text(text + "\n", "utf-8")
    console.print(text, markup=False)
    raise typer.Exit(0 if told["ok"] and not ended else 1)


async def _bench(model: str, folder: Path, found: dict[str, Search], *, quick: bool) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with (
        one_core_for_the_server() as core,
        Progress(*columns, console=Console(stderr=True), refresh_per_second=2) as bar,
    ):
        task = bar.add_task("starting")
        redis = await RedisLab.start(folder)
        place = Place(model, redis, core, folder, 20.0 if quick else 60.0)
        try:
            for arm in ("plain", "ours"):
                await _search(place, arm, found[arm], bar.console, bar, task, quick=quick)
        finally:
            await redis.stop()


async def _search(
    place: Place,
    arm: Arm,
    search: Search,
    out: Console,
    bar: Progress,
    task: TaskID,
    *,
    quick: bool,
) -> None:
    async def one(streams: int) -> Level:
        bar.update(task, description=f"{report.TITLES[arm]}: {streams} streams")
        level = await measure(place, arm, streams)
        out.print(f"{arm} {streams}: p95 {level.p95_s:.3f} s, core {level.cpu:.0%}", style="dim")
        return level

    step = (16 if arm == "plain" else 32) if quick else (8 if arm == "plain" else 20)
    fine = 8 if quick else 2 if arm == "plain" else 4
    await search.run(one, start=_START[arm], step=step, fine=fine, most=400)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
