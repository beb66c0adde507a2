"""``python -m gateway.lab.bench.streams.soak``: does the speech process keep its memory?

Streams that speak for minutes; its memory every few seconds; at the end, nobody may be behind.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from gateway.errors import LiandongError
from gateway.lab.bench.streams.feed import Heard, feed_ours
from gateway.lab.bench.streams.legs import legs
from gateway.lab.bench.streams.server import Server, one_core_for_the_server, server
from gateway.lab.redis_lab import RedisLab
from gateway.settings import load

FLAT = 0.10
"""Memory may go so far from what it was after the warm-up, up or down."""
BEHIND_S = 1.0
_EVERY_S = 5.0
_LEG_MINUTES = 5.0
"""Legs end and others begin: also what a leg leaves behind counts."""


@dataclass
class Memory:
    """MiB by seconds since the start."""

    warm_s: float
    samples: list[tuple[float, float]] = field(default_factory=list)

    @property
    def warm(self) -> list[float]:
        """After the warm-up."""
        return [mb for at, mb in self.samples if at >= self.warm_s]

    @property
    def drift(self) -> float:
        """The furthest from the first value after the warm-up, as a share of it."""
        if not self.warm:
            return 0.0
        return max(self.warm, key=lambda mb: abs(mb - self.warm[0])) / self.warm[0] - 1

    @property
    def flat(self) -> bool:
        return bool(self.warm) and abs(self.drift) <= FLAT


def main(
    minutes: Annotated[float, typer.Option(min=0.5)] = 10.0,
    streams: Annotated[int, typer.Option(min=1)] = 20,
    model: Annotated[
        str, typer.Option(help="Name or directory; default: [speech] model_dir.")
    ] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON here.")] = None,
) -> None:
    """Memory of the speech process over time; exit status 1 if it grows, or anybody is behind."""
    memory = Memory(warm_s=min(120.0, minutes * 60 / 3))
    model, console, heard = model or str(load().speech.model_dir), Console(highlight=False), Heard()
    ended = ""
    with tempfile.TemporaryDirectory(prefix="liandong-soak-") as folder:
        try:
            heard = asyncio.run(_soak(model, Path(folder), minutes * 60, streams, memory))
        except (LiandongError, TimeoutError) as error:
            ended = str(error) or "the worker did not say all in time"
    told = as_json(memory, heard, streams, minutes) | {"ended_early": ended}
    for at, mb in memory.samples[:: max(1, len(memory.samples) // 20)]:
        console.print(f"{at / 60:6.1f} min {mb:8.1f} MiB")
    console.print(
        f"drift after warm-up {memory.drift:+.1%} (at most ±{FLAT:.0%}); last waits at most"
        f" {told['last_wait_s']} s; gaps {told['gaps'] or 'none'}"
    )
    text = json.dumps(told, ensure_ascii=False)
    if json_file:
        json_file.write_text(text + "\n", "utf-8")
    console.print(text, markup=False, soft_wrap=True)
    raise typer.Exit(0 if told["ok"] and not ended else 1)


def as_json(memory: Memory, heard: Heard, streams: int, minutes: float) -> dict[str, Any]:
    """What was found; `ok`: flat, nothing lost, nobody behind at the end."""
    last = heard.waits_s[-streams * 10 :]
    behind = max(last, default=float("inf"))
    return {
        "ok": memory.flat and not heard.gaps and behind <= BEHIND_S,
        "streams": streams,
        "minutes": minutes,
        "drift": round(memory.drift, 4),
        "first_mb": round(memory.warm[0], 1) if memory.warm else None,
        "last_mb": round(memory.warm[-1], 1) if memory.warm else None,
        "wait_p95_s": round(float(np.percentile(heard.waits_s or [0.0], 95)), 3),
        "last_wait_s": round(behind, 3) if last else None,
        "finals": sum(map(len, heard.finals.values())),
        "gaps": heard.gaps,
        "mb": [(round(at), round(mb, 1)) for at, mb in memory.samples],
        "load": round(os.getloadavg()[0], 2),
    }


async def _soak(model: str, folder: Path, seconds: float, streams: int, memory: Memory) -> Heard:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        one_core_for_the_server() as core,
        Progress(*columns, console=Console(file=sys.stderr), refresh_per_second=1) as bar,
    ):
        task = bar.add_task(f"{streams} streams", total=seconds)
        redis = await RedisLab.start(folder)
        notes = folder / "notes.jsonl"
        given: dict[str, Any] = {
            "model": model,
            "core": core,
            "redis": redis.url,
            "notes": str(notes),
            "admits_all": True,
            "max_streams": 0,
        }
        try:
            async with server("ours", folder, **given) as running:
                watch = asyncio.create_task(_watch(running, memory, bar, task))
                try:
                    return await _rounds(running, redis.url, notes, seconds, streams)
                finally:
                    watch.cancel()
                    await asyncio.gather(watch, return_exceptions=True)
        finally:
            await redis.stop()


async def _rounds(
    running: Server, redis_url: str, notes: Path, seconds: float, streams: int
) -> Heard:
    """Calls one after the other on each of `streams`, as long as there is time."""
    total, ends = Heard(), time.monotonic() + seconds
    number = 0
    while (left := ends - time.monotonic()) > 1:
        made = legs(streams, min(left, _LEG_MINUTES * 60), seed=number)
        os.truncate(notes, 0)
        one = await feed_ours(made, running.port, redis_url, notes)
        _add(total, one)
        number += 1
    return total


def _add(total: Heard, one: Heard) -> None:
    total.waits_s += one.waits_s
    total.late_s = max(total.late_s, one.late_s)
    for leg, finals in one.finals.items():
        total.finals.setdefault(leg, []).extend(finals)
    for why, count in one.gaps.items():
        total.gaps[why] = total.gaps.get(why, 0) + count


async def _watch(running: Server, memory: Memory, bar: Progress, task: TaskID) -> None:
    began = time.monotonic()
    while True:
        at = time.monotonic() - began
        memory.samples.append((at, running.rss_mb()))
        bar.update(task, completed=at, description=f"{memory.samples[-1][1]:.0f} MiB")
        await asyncio.sleep(_EVERY_S)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
