"""Sending again what was given up, on a person's word."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from gateway.errors import TicketError, TicketNotFound
from gateway.ledger import tables as t
from gateway.ledger.audit import append
from gateway.ledger.entries import OPEN
from gateway.ledger.repository import Ledger
from gateway.tickets.outbox import requeue


@dataclass(frozen=True)
class Replayed:
    """A message that was queued again."""

    ticket_id: str
    revision: int
    was: str


async def replay_ticket(
    ledger: Ledger, ticket_id: str, now: datetime, actor: str
) -> list[Replayed]:
    """Queue a ticket's dead revisions again, or its newest one where none is dead.

    Raises TicketNotFound, and TicketError where a revision is still on its way.
    """
    revisions = await ledger.revisions(ticket_id)
    if not revisions:
        raise TicketNotFound(f"no ticket {ticket_id}; `liandong tickets list` shows what there is")
    chosen = [entry.revision for entry in revisions if entry.state == "dead"]
    if not chosen and (late := next((e for e in revisions if e.state in OPEN), None)):
        raise TicketError(
            f"revision {late.revision} of {ticket_id} is still {late.state}: it goes out by itself"
        )
    chosen = chosen or [revisions[-1].revision]
    query = select(t.outbox).where(
        t.outbox.c.ticket_id == ticket_id, t.outbox.c.revision.in_(chosen)
    )
    return await _requeue(ledger, query, now, actor)


async def replay_dead(
    ledger: Ledger, since: datetime | None, now: datetime, actor: str
) -> list[Replayed]:
    """Queue every dead message again, or those given up at or after `since`."""
    query = select(t.outbox).where(t.outbox.c.state == "dead")
    if since:
        query = query.where(t.outbox.c.settled_at >= since)
    return await _requeue(ledger, query, now, actor)


async def _requeue(ledger: Ledger, query: Select[Any], now: datetime, actor: str) -> list[Replayed]:
    async with ledger.write() as connection:
        rows = (await connection.execute(query.order_by(t.outbox.c.id))).all()
        await requeue(connection, [row.id for row in rows], now)
        for row in rows:
            subject, detail = row.ticket_id, f"revision {row.revision}, was {row.state}"
            await append(connection, now, actor, "ticket.replay", subject, detail)
    return [Replayed(row.ticket_id, row.revision, row.state) for row in rows]
