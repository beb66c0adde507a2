"""``python -m gateway.lab.fuzz``: abuse in batches, and a last line that says what came of it."""

import asyncio
import contextlib
import random
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from gateway.errors import LiandongError
from gateway.lab import terminal
from gateway.lab.ended import why_ended
from gateway.lab.fuzz import programs, sip
from gateway.lab.fuzz import tally as t
from gateway.lab.fuzz.world import World, world

RING_LIMIT_MS = 1000.0
GROW_LIMIT_MIB = 96.0
_BATCH_S = 90.0
_FILE_WIDTH = 160
_CALLERS_TRANSFER_THEMSELVES = {"refer"}
"""The switch then ends their leg, as they asked."""
BATCHES: dict[str, Callable[[World, t.Batch], Awaitable[None]]] = {
    "callers": sip.callers,
    "datagrams": sip.raw,
    "refer": sip.refer,
    "redirects": sip.redirects,
    "keys": sip.keys,
    "events": programs.events,
    "taps": programs.taps,
    "rest": programs.rest,
}


def main(
    seed: Annotated[int, typer.Option(help="The same seed, the same texts.")] = 1,
    only: Annotated[str, typer.Option(help="Only these batches, comma-separated.")] = "",
    minutes: Annotated[float, typer.Option(min=0.5, help="Begin no batch after so long.")] = 4.0,
    keep: Annotated[Path | None, typer.Option(help="Copy the gateway's log here.")] = None,
) -> None:
    """What strangers, phones and programs could send, sent; judged by an independent witness."""
    console = terminal.report(_FILE_WIDTH)
    chosen = [name for name in only.split(",") if name] or list(BATCHES)
    if unknown := [name for name in chosen if name not in BATCHES]:
        known = ", ".join(BATCHES)
        raise typer.BadParameter(f"{unknown[0]}: there are {known}", param_hint="--only")
    counts = t.Tally()
    ended = asyncio.run(_until_ended(chosen, random.Random(seed), minutes, counts, keep))  # noqa: S311
    for batch in counts.batches:
        shown = ", ".join(f"{how} {many}" for how, many in batch.refused.most_common())
        after = f"ring {batch.ring_ms:.0f} ms"
        console.print(f"{batch.name:10} {batch.sent:5} sent, {after}; {shown}", markup=False)
        for one in batch.silent[:20]:
            console.print(f"    {one!r}", markup=False)
    kinds = [f"{many} times {what}" for what, many in Counter(counts.forged).most_common(20)]
    for note in (
        *counts.notes,
        *counts.unplanned[:20],
        *counts.injected[:20],
        *kinds,
        *counts.restarted,
    ):
        console.print(f"    {note}", markup=False)
    if ended:
        console.print(f"fuzz ended early: {ended}", markup=False)
    console.print(counts.last_line(), markup=False)
    held = counts.holds(ring_limit_ms=RING_LIMIT_MS, grow_limit_mib=GROW_LIMIT_MIB)
    raise typer.Exit(0 if held and not ended else 1)


async def _until_ended(
    chosen: list[str], rng: random.Random, minutes: float, counts: t.Tally, keep: Path | None
) -> str:
    with terminal.counting_bar(46, _FILE_WIDTH) as bar:
        task = bar.add_task("starting", total=len(chosen))
        return await why_ended(_play(chosen, rng, minutes, counts, bar, task, keep))


async def _play(
    chosen: list[str],
    rng: random.Random,
    minutes: float,
    counts: t.Tally,
    bar: Progress,
    task: TaskID,
    keep: Path | None,
) -> str:
    until = time.monotonic() + minutes * 60
    starting = lambda part: bar.update(task, description=f"starting {part}"[:46])  # noqa: E731
    async with world(rng, starting) as made:
        try:
            await made.control()
            counts.first_ring_ms = max([await made.normal_transfer() for _ in range(2)])
            pids, memory = made.pids(), made.memory_mib()
            mark, outside = made.scene.witness.mark(), made.outside
            for name in chosen:
                if time.monotonic() > until:
                    return f"{minutes:g} minutes were over"
                bar.update(task, description=name)
                await _batch(made, name, counts)
                if len(counts.batches) == 1:
                    # Advice is loaded after the gateway is well: that is no growth.
                    memory = made.memory_mib()
                bar.advance(task)
            await _look_back(made, counts, mark, outside)
            counts.restarted = _changed(pids, made.pids())
            counts.grown_mib = {
                name: now - memory.get(name, 0.0) for name, now in made.memory_mib().items()
            }
        finally:
            if keep is not None:
                log = made.town.folder / "gateway.log"
                await asyncio.to_thread(shutil.copy, log, keep)
    return ""


async def _batch(made: World, name: str, counts: t.Tally) -> None:
    """One batch and a normal transfer after it; what goes wrong costs only this batch."""
    batch, mark = t.Batch(name), made.scene.witness.mark()
    counts.batches.append(batch)
    try:
        async with asyncio.timeout(_BATCH_S):
            await BATCHES[name](made, batch)
    except (LiandongError, OSError, TimeoutError) as error:
        counts.notes.append(f"{name}: {error or f'longer than {_BATCH_S:g} s'}")
        batch.silent.append("not played to its end")
        with contextlib.suppress(LiandongError):
            await made.goodbye()
    try:
        batch.ring_ms = await made.normal_transfer()
    except LiandongError as error:
        counts.notes.append(f"after {name}: {error}")
        await made.town.pbx.cli("channel request hangup all")
    if name not in _CALLERS_TRANSFER_THEMSELVES:
        counts.dropped += len(made.scene.witness.dropped(mark, made.scene.phones))


async def _look_back(made: World, counts: t.Tally, mark: int, outside: int) -> None:
    seen = made.scene.witness.seen[mark:]
    counts.outside = made.outside - outside
    counts.unplanned = t.unplanned(seen)
    counts.injected, counts.forged = t.injected(seen), t.forged(seen)
    counts.heard = await made.forged_calls()
    counts.troubles = t.troubles(made.log())


def _changed(before: dict[str, int], after: dict[str, int]) -> list[str]:
    return [f"{name} is another process" for name, pid in before.items() if after[name] != pid]


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
