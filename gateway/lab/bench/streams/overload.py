"""``python -m gateway.lab.bench.streams.overload``: three times as many taps as fit.

Those admitted must stay in time; those refused must be marked; the worker must not die.
"""

import asyncio
import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from redis.asyncio import Redis
from rich.console import Console

from gateway.errors import LabError, LiandongError
from gateway.lab.bench.streams.feed import Heard, feed_ours
from gateway.lab.bench.streams.legs import legs
from gateway.lab.bench.streams.server import one_core_for_the_server, server
from gateway.lab.redis_lab import RedisLab
from gateway.live import names
from gateway.settings import load

WITHIN_S = 1.0
_TIMES = 3


def main(
    model: Annotated[
        str, typer.Option(help="Name or directory; default: [speech] model_dir.")
    ] = "",
    seconds: Annotated[float, typer.Option(min=5)] = 60.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON here.")] = None,
) -> None:
    """Offer a worker on one core three times the taps that it says it can take."""
    model, console = model or str(load().speech.model_dir), Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="liandong-overload-") as folder:
        try:
            told = asyncio.run(_overload(model, Path(folder), seconds))
        except (LiandongError, TimeoutError) as error:
            console.print(f"[red]ended early:[/red] {error or 'the worker did not say all'}")
            raise typer.Exit(1) from error
    console.print(
        f"offered {told['offered']}, limit {told['limit']}: {told['admitted']} admitted, waits p95"
        f" {told['wait_p95_s']} s, most {told['wait_max_s']} s; {told['refused']} refused, marked"
    )
    text = json.dumps(told, ensure_ascii=False)
    if json_file:
        json_file.write_text(text + "\n", "utf-8")
    console.print(text, markup=False, soft_wrap=True)
    raise typer.Exit(0 if told["ok"] else 1)


async def _overload(model: str, folder: Path, seconds: float) -> dict[str, Any]:
    notes = folder / "notes.jsonl"
    with one_core_for_the_server() as core:
        redis = await RedisLab.start(folder)
        given: dict[str, Any] = {
            "model": model,
            "core": core,
            "redis": redis.url,
            "notes": str(notes),
            "admits_all": False,
            "max_streams": 0,
        }
        try:
            async with server("ours", folder, **given) as running:
                limit = await _limit(redis.url)
                made = legs(limit * _TIMES, seconds)
                heard = await feed_ours(made, running.port, redis.url, notes)
                lived = running.process.returncode is None
        finally:
            await redis.stop()
    return as_json(heard, limit, len(made), lived=lived)


async def _limit(redis_url: str) -> int:
    """How many streams the worker announces that it can take."""
    redis = Redis.from_url(redis_url)
    try:
        async with asyncio.timeout(10):
            while not (found := await redis.get(names.worker("bench"))):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise LabError("the worker did not announce itself") from error
    finally:
        await redis.aclose()
    return int(json.loads(found)["max_streams"])


def as_json(heard: Heard, limit: int, offered: int, *, lived: bool) -> dict[str, Any]:
    """What was found; `ok`: the admitted in time, all others marked, the worker alive."""
    waits = heard.waits_s or [float("inf")]
    p95 = float(np.percentile(waits, 95))
    admitted = offered - len(heard.refused)
    other_gaps = {why: count for why, count in heard.gaps.items() if why != "no capacity"}
    return {
        "ok": lived and p95 <= WITHIN_S and not other_gaps and 0 < admitted <= limit,
        "offered": offered,
        "limit": limit,
        "admitted": admitted,
        "refused": len(heard.refused),
        "wait_p95_s": round(p95, 3),
        "wait_max_s": round(max(waits), 3),
        "other_gaps": other_gaps,
        "finals": sum(map(len, heard.finals.values())),
        "alive": lived,
        "load": round(os.getloadavg()[0], 2),
    }


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
