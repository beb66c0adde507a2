"""A call-back task as it is shown, and who may lay hand on it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.calls import facts as f

CallbackState = Literal["open", "taken", "done"]


class CallbackEntry(BaseModel):
    """A task with what is known of its call. Times are aware; '' and None: not (yet)."""

    model_config = ConfigDict(frozen=True)

    number: str
    call_id: str
    centre: str
    why: f.CallbackReason
    target: str
    danger: bool
    state: CallbackState
    due_at: datetime
    taken_by: str
    taken_at: datetime | None
    done_by: str
    done_at: datetime | None
    outcome: str
    note: str
    caller_number: str
    message_status: str
    ticket_id: str | None
    suggestion_id: str | None
    platform: str | None
    item: str | None
    item_name: str | None
    urgency: str | None
    last_words: str | None
    """The caller's last sentence."""


@dataclass(frozen=True)
class Hand:
    """Who lays hand on a task. `any_task`: also on one that another has taken (a supervisor)."""

    name: str
    any_task: bool = False
