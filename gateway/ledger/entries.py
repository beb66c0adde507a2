"""What the ledger answers about tickets."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

OutboxState = Literal["queued", "retrying", "delivered", "dead"]
OPEN: tuple[OutboxState, ...] = ("queued", "retrying")
"""States in which a message is still on its way."""


class TicketEntry(BaseModel):
    """One revision of a ticket and how far it has come on its way to the order system."""

    model_config = ConfigDict(frozen=True)

    id: str
    call_id: str
    revision: int
    phase: Literal["preliminary", "final"]
    state: OutboxState
    attempts: int
    error: str
    """Why the last attempt failed; empty after a success."""
    webhook_id: str
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    settled_at: datetime | None
    """Delivered, or given up."""
