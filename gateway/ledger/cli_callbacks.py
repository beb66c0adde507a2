"""``liandong callbacks``: whom to call back, from the ledger."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.calls.callback_task import CallbackEntry, CallbackState, Hand
from gateway.calls.facts import CallbackOutcome
from gateway.errors import LiandongError
from gateway.ledger.repository import Ledger, open_ledger
from gateway.masking import mask_number, mask_text
from gateway.settings import Settings, load

app = typer.Typer(no_args_is_help=True, help="Callers who have gone while nobody had them.")

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="CB-12345-20260302-0001.")]
Agent = Annotated[str, typer.Option(help="Job number of who calls back. Default: you.")]
State = Literal["waiting", "open", "taken", "done"]
Result = TypeVar("Result")


@app.command("list")
def list_callbacks(
    state: Annotated[State, typer.Option(help="`waiting`: open and taken.")] = "waiting",
    centre: Annotated[str, typer.Option(help="Centre code. Default: all.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Numbers unmasked; written to the audit log.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: Config = None,
) -> None:
    """List call-backs: danger first, then who has waited longest."""
    states: list[CallbackState] = ["open", "taken"] if state == "waiting" else [state]

    async def work(ledger: Ledger, settings: Settings) -> list[CallbackEntry]:
        del settings
        found = await ledger.callbacks(states, centre, limit)
        for one in found if reveal else []:
            await ledger.audit(_actor(), "numbers.reveal", one.number)
        return found

    found = _with_ledger(config, work)
    shown = found if reveal else [_masked(one) for one in found]
    if as_json:
        rows = [one.model_dump(mode="json") for one in shown]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif shown:
        Console().print(_table(shown))
    else:
        typer.echo("No call-backs.")


@app.command()
def take(number: Number, agent: Agent = "", config: Config = None) -> None:
    """Take a call-back: of several who do, one gets it."""

    async def work(ledger: Ledger, settings: Settings) -> CallbackEntry:
        await ledger.take_callback(number, _hand(settings, agent))
        return await ledger.callback(number)

    task = _with_ledger(config, work)
    typer.echo(f"{task.number} is taken, by {task.taken_by}")


@app.command()
def done(
    number: Number,
    outcome: Annotated[CallbackOutcome, typer.Argument(help="What came of it.")],
    note: Annotated[str, typer.Option(help="Kept in the record.")] = "",
    agent: Agent = "",
    config: Config = None,
) -> None:
    """End a call-back that you have taken."""

    async def work(ledger: Ledger, settings: Settings) -> CallbackEntry:
        await ledger.finish_callback(number, _hand(settings, agent), outcome, note)
        return await ledger.callback(number)

    task = _with_ledger(config, work)
    typer.echo(f"{task.number} is done: {task.outcome}")


def _table(shown: list[CallbackEntry]) -> Table:
    table = Table(box=None)
    for column in ("number", "caller", "why", "target", "state", "by", "gone", "matter"):
        table.add_column(column, no_wrap=column in ("number", "caller", "gone"), overflow="fold")
    for one in shown:
        gone = f"{one.due_at.astimezone():%m-%d %H:%M}"
        state = one.outcome or one.state
        matter = "DANGER " * one.danger + (one.item_name or one.platform or "")
        by = one.done_by or one.taken_by
        table.add_row(one.number, one.caller_number, one.why, one.target, state, by, gone, matter)
    return table


def _masked(one: CallbackEntry) -> CallbackEntry:
    said = {"last_words": mask_text(one.last_words or "") or None, "note": mask_text(one.note)}
    return one.model_copy(update={"caller_number": mask_number(one.caller_number), **said})


def _hand(settings: Settings, agent: str) -> Hand:
    known = {seat.agent for seat in settings.seats}
    if agent and known and agent not in known:
        _fail(f"--agent {agent!r} sits at no seat of the settings")
    # Whoever may write in the ledger by command may also take over from another.
    return Hand(agent or _actor(), any_task=True)


def _with_ledger(
    config: Path | None, work: Callable[[Ledger, Settings], Awaitable[Result]]
) -> Result:
    async def inside() -> Result:
        settings = load(config)
        ledger = await open_ledger(settings.ledger.url)
        try:
            return await work(ledger, settings)
        finally:
            await ledger.close()

    try:
        return asyncio.run(inside())
    except LiandongError as error:
        _fail(str(error))


def _actor() -> str:
    return f"cli:{getpass.getuser()}"


def _fail(message: str) -> NoReturn:
    typer.echo(f"liandong callbacks: {message}", err=True)
    raise typer.Exit(2)
