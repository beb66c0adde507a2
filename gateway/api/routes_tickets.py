"""Tickets in the record."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from gateway.api import schemas as s
from gateway.api.auth import need
from gateway.api.ports import TicketRow
from gateway.api.present import masked
from gateway.api.problems import documented
from gateway.api.rights import Right, has
from gateway.api.services import Inject
from gateway.calls.port import Actor
from gateway.errors import TicketNotFound

router = APIRouter(
    prefix="/api/v1/tickets", tags=["tickets"], responses=documented(401, 403, 404, 422, 503)
)


@router.get("", summary="Tickets, newest first")
async def tickets(
    services: Inject,
    _: Annotated[Actor, Depends(need(Right.TICKETS))],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=128, description="From `next_before`.")] = None,
) -> s.TicketsOut:
    """Each at its latest revision, with the state of its delivery."""
    rows = await services.ledger.tickets(limit, before)
    return s.TicketsOut(
        tickets=[_row(row) for row in rows],
        next_before=rows[-1].id if len(rows) == limit else None,
    )


@router.get("/{ticket_id}", summary="One ticket")
async def ticket(
    services: Inject,
    actor: Annotated[Actor, Depends(need(Right.TICKETS_READ))],
    ticket_id: str,
) -> s.TicketOut:
    """The document of its latest revision. Numbers are masked without numbers.clear."""
    found = await services.ledger.ticket(ticket_id)
    if found is None:
        raise TicketNotFound(f"no ticket {ticket_id}")
    row, document = found
    clear = has(actor, Right.NUMBERS_CLEAR)
    if clear:
        await services.ledger.audit(actor.name, "numbers.clear", ticket_id, "ticket")
    return s.TicketOut(
        ticket=_row(row), document=dict(document) if clear else masked(dict(document))
    )


def _row(row: TicketRow) -> s.TicketRowOut:
    return s.TicketRowOut(
        id=row.id,
        call_id=row.call_id,
        revision=row.revision,
        phase=row.phase,
        state=row.state,
        attempts=row.attempts,
        error=row.error,
        updated_at=row.updated_at,
    )
