"""What the leg log says of one call: a record for the call, one for each leg.

Every moment of a leg's life on the call is counted once, as one of: waiting, talk, conference,
hold. A leg's `*_ms` therefore add up to its life; a caller's to the call.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LegKind = Literal["caller", "agent", "target"]
"""agent: the phone a queue found for the caller; target: a leg that a transfer rang."""

Outcome = Literal["answered", "abandoned", "lost"]
"""lost: the switch ended the caller's leg while neither the caller nor the last person on the call
had hung up, whether or not anyone had answered; abandoned: the caller hung up before that."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)

    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime
    talk_ms: int = Field(default=0, description="With the other side, in the queue's bridge.")
    conference_ms: int = Field(default=0, description="In the room with at least one other.")
    hold_ms: int = Field(
        default=0,
        description="On the line with nobody: held by the dialplan, on hold by a phone's own key, "
        "or alone.",
    )
    estimated: bool = Field(
        default=False, description="Facts are missing, or the clock was set back: a best guess."
    )


class LegRecord(_Record):
    id: str
    """Of the leg; of a place that a transfer rang in vain, `<transfer>#<place>`."""
    call_id: str
    role: LegKind
    centre: str = ""
    agent: str = ""
    transfer_id: str = ""
    wait_ms: int | None = Field(
        default=None,
        description="Caller: from arrival to the first answer. Target: from the request to the "
        "answer, ringing included. Not known of agents whom a queue has rung.",
    )
    rewait_ms: int = Field(default=0, description="Caller: in a queue again, after an answer.")
    returns: int = Field(default=0, description="How often that was.")
    ring_ms: int | None = Field(
        default=None,
        description="Target: from the first phone's ringing. Not known of others, nor of one that "
        "the dialplan rang by itself.",
    )
    how: str = Field(
        description="Who ended it: party, gateway, switch or unknown; of a target that never "
        "answered, why: busy, no_answer, rejected, unreachable, switch_error, cancelled, "
        "caller_gone."
    )


class CallRecord(_Record):
    id: str
    centre: str
    """The one that the caller has called."""
    message_status: str
    outcome: Outcome
    end_reason: str
    wait_ms: int
    rewait_ms: int = 0
    returned: int = 0
    """Transfers that came back, to the operator or to the queue."""
    gave_up: bool = False
    """Answered, then held or in a queue again, and hung up there."""


class CallLog(BaseModel):
    call: CallRecord
    legs: list[LegRecord]
