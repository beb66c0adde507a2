"""Rows and queries of the ledger that need no connection of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.calls import facts as f
from gateway.errors import LedgerError, LedgerRefused
from gateway.ledger import tables as t
from gateway.ledger.projection import Once, statements
from gateway.tickets.model import Ticket
from gateway.tickets.signing import webhook_id

GONE = "the order system answered 410 to an earlier revision: it wants no more of this ticket"

_REFUSALS = {"22", "23"}
"""SQLSTATE classes data exception and integrity constraint violation."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn the database's errors into ours. Parameters stay out: they hold what people said."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        # asyncpg's errors are not all sorted into SQLAlchemy's classes; SQLSTATE's class is sure.
        state = str(getattr(cause, "sqlstate", None) or "")[:2]
        if isinstance(error, (IntegrityError, DataError)) or state in _REFUSALS:
            raise LedgerRefused(f"the ledger refused a row: {type(cause).__name__}") from error
        raise LedgerError(f"the ledger cannot be used: {type(cause).__name__}") from error


async def insert_once(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> None:
    """Insert a row unless one with its `id` is there."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = dialect.insert(table).values(**values)
    await connection.execute(row.on_conflict_do_nothing(index_elements=["id"]))


async def ensure_calls(connection: AsyncConnection, call_ids: set[str]) -> None:
    """Make a row for each call that has none, for others to refer to."""
    for call_id in sorted(call_ids):
        await insert_once(connection, t.calls, {"id": call_id})


async def project(connection: AsyncConnection, fact: f.Fact) -> None:
    """Lay `fact` out for search."""
    for statement in statements(fact):
        if isinstance(statement, Once):
            await insert_once(connection, statement.table, statement.values)
        else:
            await connection.execute(statement)


def fact_row(key: str, fact: f.Fact) -> dict[str, Any]:
    return {
        "key": key,
        "call_id": fact.call_id,
        "kind": fact.kind,
        "at": fact.at,
        "body": f.dump(fact),
    }


def is_revision(table: Table, ticket: Ticket) -> ColumnElement[bool]:
    return and_(table.c.ticket_id == ticket.ticket_id, table.c.revision == ticket.revision)


async def insert_ticket(
    connection: AsyncConnection, ticket: Ticket, said: str, now: datetime
) -> None:
    """Add the revision and its outbox row, inside the caller's transaction."""
    shared = {
        "ticket_id": ticket.ticket_id,
        "revision": ticket.revision,
        "call_id": ticket.call.call_id,
        "phase": ticket.phase,
    }
    await connection.execute(
        insert(t.tickets).values(
            **shared,
            message_status=ticket.message_status,
            digest=said,
            body=ticket.model_dump_json(),
            created_at=ticket.created_at,
            updated_at=ticket.updated_at,
        )
    )
    name = webhook_id(ticket.ticket_id, ticket.revision)
    waiting = {"webhook_id": name, "state": "queued", "due_at": now, "created_at": now}
    await connection.execute(insert(t.outbox).values(**shared, **waiting))
    earlier = t.outbox.alias()
    refused = exists().where(earlier.c.ticket_id == ticket.ticket_id, earlier.c.gone)
    await connection.execute(
        update(t.outbox)
        .where(is_revision(t.outbox, ticket), refused)
        .values(state="dead", error=GONE, settled_at=now)
    )


def newest_entries() -> Select[Any]:
    """Query the newest revision of every ticket with its delivery."""
    newest = t.tickets.alias()
    last = select(func.max(newest.c.revision)).where(newest.c.ticket_id == t.tickets.c.ticket_id)
    return entries().where(t.tickets.c.revision == last.scalar_subquery())


def entries() -> Select[Any]:
    """Query every revision of every ticket with its delivery, as TicketEntry has it."""
    same = and_(
        t.outbox.c.ticket_id == t.tickets.c.ticket_id,
        t.outbox.c.revision == t.tickets.c.revision,
    )
    said = [t.tickets.c[name] for name in ("call_id", "revision", "phase", "updated_at")]
    sent = [t.outbox.c[name] for name in ("state", "attempts", "error", "webhook_id")]
    times = [t.tickets.c.created_at, t.outbox.c.due_at, t.outbox.c.settled_at]
    columns = [t.tickets.c.ticket_id.label("id"), *said, *sent, *times]
    return select(*columns).join_from(t.tickets, t.outbox, same)
