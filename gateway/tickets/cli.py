"""``liandong tickets``: see what was sent, and send again what was given up."""

import asyncio
import getpass
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.clock import now
from gateway.errors import LiandongError
from gateway.ledger.entries import TicketEntry
from gateway.ledger.repository import Ledger, open_ledger
from gateway.settings import load
from gateway.tickets.masked import masked
from gateway.tickets.replay import replay_dead, replay_ticket

app = typer.Typer(no_args_is_help=True, help="Tickets in the ledger and their way out.")

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
Result = TypeVar("Result")

_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def list_tickets(
    dead: Annotated[bool, typer.Option("--dead", help="Only those given up.")] = False,
    limit: Annotated[int, typer.Option(help="How many tickets to look at.")] = 50,
    config: Config = None,
) -> None:
    """List the latest tickets with the state of their newest revision (--dead: every revision)."""

    async def work(ledger: Ledger) -> list[TicketEntry]:
        return await (ledger.dead(limit) if dead else ledger.tickets(limit))

    entries = _with_ledger(config, work)
    if not entries:
        typer.echo("No dead tickets." if dead else "No tickets yet.")
        return
    table = Table(box=None)
    for column in ("ticket", "rev", "phase", "state", "attempts", "updated", "error"):
        table.add_column(column, no_wrap=column == "ticket", overflow="fold")
    for entry in entries:
        updated = entry.updated_at.astimezone().isoformat(timespec="seconds")
        counts = (str(entry.revision), entry.phase, entry.state, str(entry.attempts))
        table.add_row(entry.id, *counts, updated, entry.error)
    Console().print(table)


@app.command()
def show(
    ticket_id: Annotated[str, typer.Argument(metavar="ID")],
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Numbers unmasked; written to the audit log.")
    ] = False,
    config: Config = None,
) -> None:
    """Show a ticket at its newest revision, and what became of each revision."""

    async def work(ledger: Ledger) -> tuple[dict[str, object], list[TicketEntry]]:
        found = await ledger.ticket(ticket_id)
        if found is None:
            _fail(f"no ticket {ticket_id}; `liandong tickets list` shows what there is")
        if reveal:
            await ledger.audit(_actor(), "ticket.reveal", ticket_id)
        return found[1], await ledger.revisions(ticket_id)

    document, revisions = _with_ledger(config, work)
    typer.echo(json.dumps(document if reveal else masked(document), ensure_ascii=False, indent=2))
    for entry in revisions:
        error = f", {entry.error}" if entry.error else ""
        typer.echo(
            f"revision {entry.revision} ({entry.phase}): {entry.state}, "
            f"{entry.attempts} attempts{error}, webhook-id {entry.webhook_id}",
            err=True,
        )


@app.command()
def replay(
    ticket_id: Annotated[str | None, typer.Argument(metavar="[ID]")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Everything given up.")] = False,
    since: Annotated[
        str | None, typer.Option(help="With --dead: given up since; 2h, 3d, or RFC 3339.")
    ] = None,
    config: Config = None,
) -> None:
    """Send again: a ticket's dead revisions (or its newest one), or everything given up."""
    if dead == bool(ticket_id):
        _fail("give either a ticket's ID or --dead")
    if since and not dead:
        _fail("--since goes with --dead")
    moment = _moment(since) if since else None

    async def work(ledger: Ledger) -> int:
        if ticket_id:
            replayed = await replay_ticket(ledger, ticket_id, now(), _actor())
        else:
            replayed = await replay_dead(ledger, moment, now(), _actor())
        for one in replayed:
            typer.echo(f"queued again: {one.ticket_id} revision {one.revision} (was {one.was})")
        return len(replayed)

    if not _with_ledger(config, work):
        typer.echo("Nothing to send again.")


def _with_ledger(config: Path | None, work: Callable[[Ledger], Awaitable[Result]]) -> Result:
    async def inside() -> Result:
        ledger = await open_ledger(load(config).ledger.url)
        try:
            return await work(ledger)
        finally:
            await ledger.close()

    try:
        return asyncio.run(inside())
    except LiandongError as error:
        _fail(str(error))


def _moment(text: str) -> datetime:
    if found := _SPAN.fullmatch(text):
        return now() - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _fail(f"--since {text!r} is neither a span (30m, 2h, 3d) nor an RFC 3339 time")
    return moment if moment.tzinfo else moment.astimezone()


def _actor() -> str:
    return f"cli:{getpass.getuser()}"


def _fail(message: str) -> NoReturn:
    typer.echo(f"liandong tickets: {message}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
