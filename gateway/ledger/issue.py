"""Issuing a ticket: the next revision of what the ledger has, if there is anything new to say."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.calls.facts import TicketDelivered, TicketFailed, TicketQueued
from gateway.calls.view import CallView
from gateway.ledger.entries import TicketEntry
from gateway.ledger.repository import Ledger
from gateway.settings import Settings
from gateway.tickets.build import build, digest, ticket_id
from gateway.tickets.model import Phase, Ticket
from gateway.tickets.recording import covers

TicketFact = TicketQueued | TicketDelivered | TicketFailed


@dataclass(frozen=True)
class Job:
    """A ticket to issue: of `call`, a copy that nobody else changes; `live` goes on changing."""

    phase: Phase
    call: CallView
    live: CallView


async def issue(
    ledger: Ledger, job: Job, settings: Settings, clock: Callable[[], datetime]
) -> list[TicketFact]:
    """Save the next revision; return what to tell, nothing if it has all been told.

    Doing the same job again (a journal told once more) makes no new revision.
    """
    found = await ledger.ticket(ticket_id(job.call))
    known = Ticket.model_validate(found[1]) if found else None
    if found and known and job.phase == "preliminary" and not _handed_on(job, known):
        return _untold(job, found[0])
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
    if found and known and digest(known) == digest(ticket):
        return _untold(job, found[0])
    await ledger.save_ticket(ticket, now)
    return [
        TicketQueued(
            call_id=ticket.call.call_id,
            ticket_id=ticket.ticket_id,
            revision=ticket.revision,
            phase=ticket.phase,
        )
    ]


def _handed_on(job: Job, known: Ticket) -> bool:
    """Whether the next centre rings that is to read what the one before has left (a hand-back)."""
    return known.phase == "preliminary" and known.call.handovers < job.call.handovers


def _untold(job: Job, entry: TicketEntry) -> list[TicketFact]:
    """Return the news of a revision that was saved just before a crash kept it from being told."""
    told = job.live.ticket.revision if job.live.ticket else 0
    if told >= entry.revision:
        return []
    same = {"call_id": entry.call_id, "ticket_id": entry.id, "revision": entry.revision}
    news: list[TicketFact] = [TicketQueued.model_validate(same | {"phase": entry.phase})]
    tried = same | {"attempts": entry.attempts}
    if entry.state == "delivered":
        news.append(TicketDelivered.model_validate(tried))
    elif entry.state != "queued":
        failed = {"dead": entry.state == "dead", "error": entry.error}
        news.append(TicketFailed.model_validate(tried | failed))
    return news


async def _unbroken(job: Job, known: Ticket | None, settings: Settings) -> bool | None:
    call = job.call
    if known and known.recording and known.recording.unbroken is not None:
        return known.recording.unbroken
    if not (call.recording and call.started_at and call.ended_at):
        return None
    span = call.ended_at - call.started_at
    return await asyncio.to_thread(covers, settings.recording.directory, call.recording, span)
