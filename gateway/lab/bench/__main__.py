"""``python -m gateway.lab.bench``: measure and report; exit status 1 only if calls failed."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.lab import terminal
from gateway.lab.bench.plan import Plan, Result, Watch, bench
from gateway.lab.bench.report import as_json, show
from gateway.lab.ended import why_ended

_FILE_WIDTH = 120
"""Columns where there is no terminal: every stage on one line."""


def main(
    transfers: Annotated[int, typer.Option(min=0, help="Of each arm.")] = 60,
    blind: Annotated[int, typer.Option(min=0, help="Plain blind transfers beside them.")] = 20,
    speech: Annotated[int, typer.Option(min=0, max=22, help="Spoken turns.")] = 22,
    restarts: Annotated[int, typer.Option(min=0, help="Of the gateway, in mid-call.")] = 5,
    limit_s: Annotated[float, typer.Option(help="Begin no call after this many seconds.")] = 1500,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON here.")] = None,
) -> None:
    """Key → INVITE with the gateway beside Asterisk's dialplan alone, and every stage's time."""
    plan = Plan(transfers, min(blind, transfers), speech, restarts, limit_s=limit_s)
    console, result = terminal.report(_FILE_WIDTH), Result()
    ended = asyncio.run(_until_ended(plan, result))
    report = as_json(result)
    if result.titles:
        show(result, console)
    if ended:
        console.print(f"[red]bench ended early:[/red] {ended}")
    text = json.dumps(report | {"ended_early": ended}, ensure_ascii=False)
    if json_file:
        json_file.write_text(text + "\n", "utf-8")
    console.print(text, markup=False)
    raise typer.Exit(0 if report["ok"] and not ended else 1)


async def _until_ended(plan: Plan, result: Result) -> str:
    """Run the bench with a progress bar; returns why it ended early, or ''."""
    with terminal.counting_bar(28) as bar:
        task = bar.add_task("starting", total=plan.steps)
        watch = Watch(
            lambda part: bar.update(task, description=f"starting {part}"[:28]),
            lambda what: bar.update(task, description=what, advance=1),
        )
        return await why_ended(bench(plan, result, watch))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
