"""What the ledger answers about tickets."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.tickets.model import Ticket

OutboxState = Literal["queued", "retrying", "delivered", "dead"]
OPEN: tuple[OutboxState, ...] = ("queued", "retrying")


class DeliveryEntry(BaseModel):
    """How far a revision has come on its way to the order system."""

    model_config = ConfigDict(frozen=True)

    webhook_id: str
    state: OutboxState
    attempts: int
    error: str
    due_at: datetime
    settled_at: datetime | None
    """Delivered, or given up."""


class TicketEntry(BaseModel):
    """One revision of a ticket and its delivery."""

    model_config = ConfigDict(frozen=True)

    ticket: Ticket
    delivery: DeliveryEntry
