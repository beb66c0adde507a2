"""Issuing a ticket: the next revision of what the ledger has, if there is anything new to say."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.calls.facts import TicketQueued
from gateway.calls.view import CallView
from gateway.ledger.repository import Ledger
from gateway.settings import Settings
from gateway.tickets.build import build, digest, ticket_id
from gateway.tickets.model import Phase, Ticket
from gateway.tickets.recording import covers


@dataclass(frozen=True)
class Job:
    """A ticket to issue. `call` is a copy that nobody else changes."""

    phase: Phase
    call: CallView


async def issue(
    ledger: Ledger, job: Job, settings: Settings, clock: Callable[[], datetime]
) -> TicketQueued | None:
    """Save the next revision; return what to tell, None if it has all been told.

    Doing the same job again (a journal told once more) makes no new revision.
    """
    found = await ledger.ticket(ticket_id(job.call))
    known = Ticket.model_validate(found[1]) if found else None
    if known and job.phase == "preliminary":
        return _untold(job, known)
    now = clock()
    ticket = build(
        job.call,
        settings,
        phase=job.phase,
        revision=known.revision + 1 if known else 1,
        created_at=known.created_at if known else now,
        updated_at=now,
        unbroken=await _unbroken(job, known, settings),
    )
    if known and digest(known) == digest(ticket):
        return _untold(job, known)
    await ledger.save_ticket(ticket, now)
    return _queued(ticket)


def _queued(ticket: Ticket) -> TicketQueued:
    return TicketQueued(
        call_id=ticket.call.call_id,
        ticket_id=ticket.ticket_id,
        revision=ticket.revision,
        phase=ticket.phase,
    )


def _untold(job: Job, known: Ticket) -> TicketQueued | None:
    """Return the news of a revision that was saved just before a crash kept it from being told."""
    told = job.call.ticket.revision if job.call.ticket else 0
    return _queued(known) if told < known.revision else None


async def _unbroken(job: Job, known: Ticket | None, settings: Settings) -> bool | None:
    call = job.call
    if known and known.recording and known.recording.unbroken is not None:
        return known.recording.unbroken
    if not (call.recording and call.started_at and call.ended_at):
        return None
    span = call.ended_at - call.started_at
    return await asyncio.to_thread(covers, settings.recording.directory, call.recording, span)
