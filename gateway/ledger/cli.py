"""``liandong figures``: connection rate and who was not served, from the ledger."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

from gateway.calls.figures import (
    Figures,
    Limits,
    MessageStatus,
    Noted,
    NotedCall,
    Per,
    Scope,
    scope_of,
)
from gateway.clock import now
from gateway.errors import LiandongError
from gateway.ledger.cli_print import calls_table, figures_table, jsonable, local, print_csv
from gateway.ledger.repository import Ledger, open_ledger
from gateway.settings import Settings, load

app = typer.Typer(help="Connection rate, waits, who was not served; and the leg log behind them.")

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
Result = TypeVar("Result")
BATCH = 50
"""Calls logged in one transaction: what an interruption can lose, and writers wait for."""
LISTED = 200
"""Calls listed one by one, unless `--limit` says otherwise."""


@app.callback(invoke_without_command=True)
def figures(
    context: typer.Context,
    start: Annotated[
        str, typer.Option("--from", help="Date or RFC 3339 time. Default: midnight today.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", help="Likewise, itself left out. Default: midnight tonight.")
    ] = "",
    centre: Annotated[str, typer.Option(help="Centre code. Default: each, and all together.")] = "",
    per: Annotated[
        Per, typer.Option(help="A line for the range, each day or each hour.")
    ] = "range",
    status: Annotated[MessageStatus, typer.Option(help="Drills count only apart.")] = "Actual",
    which: Annotated[
        Noted | None, typer.Option("--list", help="List such calls one by one instead.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="With --list: how many.")] = LISTED,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    config: Config = None,
) -> None:
    """Show how calls were answered. Numbers are masked; reveal them one by one on the page."""
    if context.invoked_subcommand:
        return
    if as_json and as_csv:
        _fail("give --json or --csv, not both")
    settings = _load(config)
    scope = _scope(settings, start, end, centre, status)
    own = settings.figures
    limits = Limits(own.answer_within_s, own.short_abandon_s)

    async def work(ledger: Ledger) -> tuple[list[Figures], list[NotedCall], int]:
        missing = await ledger.unlogged(scope)
        if which:
            return [], await ledger.noted(scope, which, limits, limit, ""), missing
        return await ledger.figures(scope, per, own.zone, limits), [], missing

    counted, noted, missing = _with_ledger(settings, work)
    if missing:
        typer.echo(
            f"{missing} ended calls are not counted yet: run `liandong figures rebuild`", err=True
        )
    shown = [local(row.model_dump(), own.zone) for row in [*counted, *noted]]
    if as_json:
        typer.echo(json.dumps([jsonable(row) for row in shown], ensure_ascii=False, indent=2))
    elif as_csv:
        print_csv(shown, NotedCall if which else Figures)
    else:
        table = calls_table(shown) if which else figures_table(counted, own.zone, limits)
        Console().print(table)


@app.command()
def rebuild(
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that have a log: fold them anew.")
    ] = False,
    config: Config = None,
) -> None:
    """Write the leg log of ended calls that have none. Can be interrupted and run again."""

    async def work(ledger: Ledger) -> int:
        done, last = 0, ""
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("calls", total=None)
            while ids := await ledger.ended_calls(BATCH, last, logged=everything):
                await ledger.log_calls(ids)
                done, last = done + len(ids), ids[-1]
                progress.update(bar, completed=done, description=f"{done} calls")
        return done

    typer.echo(f"{_with_ledger(_load(config), work)} calls logged")


def _scope(settings: Settings, start: str, end: str, centre: str, status: MessageStatus) -> Scope:
    known = [one.code for one in settings.centres]
    if centre and known and centre not in known:
        _fail(f"--centre {centre!r} is none of {', '.join(known)}")
    try:
        return scope_of(
            _moment("--from", start),
            _moment("--to", end),
            zone=settings.figures.zone,
            now=now(),
            centre=centre,
            message_status=status,
        )
    except ValueError:
        _fail("--to must be later than --from (and is itself left out)")


def _moment(option: str, text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        _fail(f"{option} {text!r} is neither a date (2026-03-02) nor an RFC 3339 time")


def _load(config: Path | None) -> Settings:
    try:
        return load(config)
    except LiandongError as error:
        _fail(str(error))


def _with_ledger(settings: Settings, work: Callable[[Ledger], Awaitable[Result]]) -> Result:
    async def inside() -> Result:
        ledger = await open_ledger(settings.ledger.url)
        try:
            return await work(ledger)
        finally:
            await ledger.close()

    try:
        return asyncio.run(inside())
    except LiandongError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(f"liandong figures: {message}", err=True)
    raise typer.Exit(2)
