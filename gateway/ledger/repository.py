"""The ledger: the SQL record of calls, tickets and who did what."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.calls import facts as f
from gateway.calls.callback_task import CallbackEntry, CallbackState, Hand
from gateway.calls.figures import (
    Figures,
    LegEntry,
    Limits,
    Noted,
    NotedCall,
    Per,
    Scope,
    TransferCount,
)
from gateway.calls.view import CallView, TicketView
from gateway.clock import now as clock_now
from gateway.errors import LedgerRefused
from gateway.ledger import audit, callbacks, figures, leg_log
from gateway.ledger import tables as t
from gateway.ledger.engine import BUSY_MS, make_engine, migrate, writer
from gateway.ledger.entries import TicketEntry
from gateway.ledger.rows import (
    ensure_calls,
    entries,
    fact_row,
    insert_ticket,
    is_revision,
    newest_entries,
    project,
    translated,
)
from gateway.tickets.build import digest
from gateway.tickets.model import Ticket

ZONE = ZoneInfo("Asia/Shanghai")


class Ledger:
    """The record in one SQL database. Every method raises LedgerError when SQL is down."""

    def __init__(self, url: str, busy_ms: int = BUSY_MS, zone: tzinfo = ZONE) -> None:
        """Name the database; nothing is connected until the first use, which migrates it.

        `zone`: whose days call-back tasks are numbered by.
        """
        self._zone = zone
        self._engine = make_engine(url, busy_ms)
        self._writer = writer(self._engine)
        self._ready = False
        self._preparing = asyncio.Lock()

    async def close(self) -> None:
        """Let every connection go."""
        await self._engine.dispose()

    async def prepare(self) -> None:
        """Bring the schema up to date, once."""
        async with self._preparing:
            if not self._ready:
                with translated():
                    await migrate(self._engine)
                self._ready = True

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection to read with."""
        await self.prepare()
        with translated():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection inside one writing transaction, committed at the end."""
        await self.prepare()
        with translated():
            async with self._writer.begin() as connection:
                yield connection

    async def record(self, facts: Sequence[f.Fact]) -> int:
        """Add the facts that are not there yet, in order, in one transaction; return how many.

        A fact's key is a hash of all it says, so that a journal can be told again from its start.
        """
        keyed = {_key(fact): fact for fact in facts}
        async with self.write() as connection:
            seen = select(t.facts.c.key).where(t.facts.c.key.in_(keyed))
            known = set((await connection.execute(seen)).scalars())
            new = {key: fact for key, fact in keyed.items() if key not in known}
            await ensure_calls(connection, {fact.call_id for fact in new.values()})
            for key, fact in new.items():
                await connection.execute(insert(t.facts).values(**fact_row(key, fact)))
                await project(connection, fact)
                if isinstance(fact, f.CallbackDue):
                    await callbacks.open_task(connection, fact, self._zone)
        return len(new)

    async def position(self) -> int:
        """Return the position of the newest fact; 0: none."""
        async with self.read() as connection:
            newest = await connection.scalar(select(func.max(t.facts.c.position)))
        return newest or 0

    async def newest_at(self) -> datetime | None:
        """Return when the newest fact happened; None: there is none."""
        async with self.read() as connection:
            found: datetime | None = await connection.scalar(select(func.max(t.facts.c.at)))
        return found

    async def save_ticket(self, ticket: Ticket, now: datetime) -> None:
        """Add a revision and its place in the outbox, both or neither.

        Saving the same revision again changes nothing. Raises LedgerRefused where another
        revision of that number is there.
        """
        said = digest(ticket)
        async with self.write() as connection:
            there = select(t.tickets.c.digest).where(is_revision(t.tickets, ticket))
            known = await connection.scalar(there)
            if known == said:
                return
            if known is not None:
                raise LedgerRefused(f"ticket {ticket.ticket_id} has a revision {ticket.revision}")
            await ensure_calls(connection, {ticket.call.call_id})
            await insert_ticket(connection, ticket, said, now)

    async def tickets(self, limit: int = 50, before: str | None = None) -> list[TicketEntry]:
        """Return tickets at their newest revision, the latest call first; `before`: a ticket id."""
        query = newest_entries()
        if before:
            query = query.where(t.tickets.c.ticket_id < before)
        return await self._entries(query.order_by(t.tickets.c.ticket_id.desc()).limit(limit))

    async def dead(self, limit: int = 50) -> list[TicketEntry]:
        """Return the revisions that were given up, the latest first."""
        query = entries().where(t.outbox.c.state == "dead")
        return await self._entries(query.order_by(t.outbox.c.settled_at.desc()).limit(limit))

    async def given_up(self, since: datetime | None = None) -> int:
        """Return how many revisions are dead, or were given up after `since` and still are."""
        dead = select(func.count()).where(t.outbox.c.state == "dead")
        if since is not None:
            dead = dead.where(t.outbox.c.settled_at > since)
        async with self.read() as connection:
            return await connection.scalar(dead) or 0

    async def waiting_since(self) -> datetime | None:
        """Return when the oldest revision still on its way was made; None: none is."""
        oldest = select(func.min(t.outbox.c.created_at)).where(
            t.outbox.c.state.not_in(("delivered", "dead"))
        )
        async with self.read() as connection:
            found: datetime | None = await connection.scalar(oldest)
        return found

    async def revisions(self, ticket_id: str) -> list[TicketEntry]:
        """Return every revision, oldest first; empty: no such ticket."""
        query = entries().where(t.tickets.c.ticket_id == ticket_id)
        return await self._entries(query.order_by(t.tickets.c.revision))

    async def ticket(self, ticket_id: str) -> tuple[TicketEntry, dict[str, Any]] | None:
        """Return the ticket at its newest revision, and its document as sent."""
        query = newest_entries().add_columns(t.tickets.c.body)
        query = query.where(t.tickets.c.ticket_id == ticket_id)
        async with self.read() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return (TicketEntry.model_validate(dict(row)), json.loads(row["body"])) if row else None

    async def _entries(self, query: Select[Any]) -> list[TicketEntry]:
        async with self.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [TicketEntry.model_validate(dict(row)) for row in rows]

    async def call(self, call_id: str) -> CallView | None:
        """Return a past or present call, folded from its facts."""
        query = select(t.facts.c.body).where(t.facts.c.call_id == call_id)
        outbox = select(t.outbox).where(t.outbox.c.call_id == call_id)
        async with self.read() as connection:
            bodies = (await connection.execute(query.order_by(t.facts.c.position))).scalars().all()
            newest = outbox.order_by(t.outbox.c.revision.desc()).limit(1)
            row = (await connection.execute(newest)).mappings().one_or_none()
        if not bodies:
            return None
        view = CallView(id=call_id)
        for body in bodies:
            view.apply(f.parse(body))
        if row:  # nearer to the truth than the facts told of it, which need Redis to arrive
            view.ticket = TicketView(
                id=row["ticket_id"],
                **{name: row[name] for name in ("revision", "phase", "state", "attempts", "error")},
            )
        return view

    async def log_calls(self, call_ids: Sequence[str]) -> None:
        """Write the leg logs of these calls anew, from their facts, in one transaction."""
        async with self.write() as connection:
            for call_id in call_ids:
                await leg_log.write(connection, call_id)

    async def ended_calls(self, limit: int, after: str = "", *, logged: bool = False) -> list[str]:
        """Return ids of calls that have ended, in order; with a leg log only if `logged`."""
        query = leg_log.ended(logged=logged, after=after).order_by(t.calls.c.id).limit(limit)
        async with self.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def unlogged(self, scope: Scope) -> int:
        """Return how many calls of the scope's time are not in the figures for want of a log."""
        async with self.read() as connection:
            return await leg_log.count_unlogged(connection, scope)

    async def leg_log(
        self, scope: Scope | None, call: str, limit: int, before: str, wrap_up_cap_s: float
    ) -> list[LegEntry]:
        """Return legs of ended calls, the latest first; `before`: the id of a leg."""
        async with self.read() as connection:
            return await leg_log.legs(connection, scope, call, limit, before, wrap_up_cap_s)

    async def figures(self, scope: Scope, per: Per, zone: tzinfo, limits: Limits) -> list[Figures]:
        """Return the figures by period, then centre."""
        async with self.read() as connection:
            return await figures.figures(connection, scope, per, zone, limits)

    async def transfer_counts(self, scope: Scope) -> list[TransferCount]:
        """Return how the transfers of these calls went."""
        async with self.read() as connection:
            return await figures.transfers(connection, scope)

    async def noted(
        self, scope: Scope, which: Noted, limits: Limits, limit: int, before: str
    ) -> list[NotedCall]:
        """Return calls to look at one by one, the latest first; `before`: the id of a call."""
        async with self.read() as connection:
            return await figures.noted(connection, scope, which, limits, limit, before)

    async def callbacks(
        self, states: Sequence[CallbackState], centre: str, limit: int
    ) -> list[CallbackEntry]:
        """Return call-back tasks in these states; `centre` '': of every centre."""
        async with self.read() as connection:
            return await callbacks.entries(connection, states, centre, limit)

    async def callback(self, number: str) -> CallbackEntry:
        """Return one call-back task. Raises CallbackNotFound."""
        async with self.read() as connection:
            return await callbacks.entry(connection, number)

    async def callback_number(self, call_id: str) -> str:
        """Return the number of the call's task; '': it has none."""
        query = select(t.callbacks.c.number).where(t.callbacks.c.call_id == call_id)
        async with self.read() as connection:
            return await connection.scalar(query) or ""

    async def take_callback(self, number: str, by: Hand) -> f.CallbackTaken | None:
        """Give the task to `by`, one of several rivals; return the fact, None if theirs already.

        Raises CallbackNotFound, CallbackNotYours.
        """
        async with self.write() as connection:
            fact = await callbacks.taking(connection, number, by, clock_now())
            await self._write_down(connection, fact, by.name, "callback.take", number)
        return fact

    async def finish_callback(
        self, number: str, by: Hand, outcome: f.CallbackOutcome, note: str = ""
    ) -> f.CallbackDone | None:
        """End a task that `by` has taken; return the fact, None if told already.

        Raises CallbackNotFound, CallbackNotYours.
        """
        async with self.write() as connection:
            at = clock_now()
            fact = await callbacks.finishing(connection, number, by, at, outcome, note)
            await self._write_down(connection, fact, by.name, f"callback.{outcome}", number)
        return fact

    async def _write_down(
        self, connection: AsyncConnection, fact: f.Fact | None, by: str, action: str, number: str
    ) -> None:
        if fact is not None:
            await connection.execute(insert(t.facts).values(**fact_row(_key(fact), fact)))
            await project(connection, fact)
            await audit.append(connection, fact.at, by, action, number, "")

    async def audit(self, actor: str, action: str, subject: str, detail: str = "") -> None:
        """Write down that `actor` did `action` to `subject`."""
        async with self.write() as connection:
            await audit.append(connection, clock_now(), actor, action, subject, detail)

    async def audit_broken_at(self) -> int | None:
        """Return the id of the first audit entry that was tampered with; None: the chain holds."""
        async with self.read() as connection:
            return await audit.first_broken(connection)


def _key(fact: f.Fact) -> str:
    return hashlib.sha256(f.dump(fact).encode()).hexdigest()


async def open_ledger(url: str) -> Ledger:
    """Return the ledger at `url`, connected and migrated. Raises ConfigError, LedgerError."""
    ledger = Ledger(url)
    try:
        await ledger.prepare()
    except BaseException:
        await ledger.close()
        raise
    return ledger
