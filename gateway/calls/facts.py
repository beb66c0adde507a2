"""Facts: what happened to a call, in order. The journal, ledger, page and tickets all fold these.

A fact is written once and never changed. Times are aware datetimes (RFC 3339 on the wire);
`_ms` fields are milliseconds from the start of the call.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gateway.calls.fact_base import FactBase
from gateway.calls.facts_afterwards import (
    CallbackDone,
    CallbackDue,
    CallbackOpened,
    CallbackOutcome,
    CallbackReason,
    CallbackTaken,
    DesignationAsked,
    OwnershipDesignated,
    OwnershipSettled,
)

# Told there, found here like every other fact.
__all__ = [
    "CallbackDone",
    "CallbackDue",
    "CallbackOpened",
    "CallbackOutcome",
    "CallbackReason",
    "CallbackTaken",
    "DesignationAsked",
    "OwnershipDesignated",
    "OwnershipSettled",
]


class LegRole(StrEnum):
    """Who is on a leg. Agents carry their centre; transfer roles are relative to a transfer."""

    CALLER = "caller"
    AGENT = "agent"


class TransferKind(StrEnum):
    ONE_KEY = "one_key"
    THREE_WAY = "three_way"
    CONSULT = "consult"
    """Operator and target talk in a second room while the caller is on hold."""


class TransferState(StrEnum):
    """States of one transfer (plan section 3; roles after RFC 5589)."""

    REQUESTED = "requested"
    RINGING = "ringing"
    BRIEFING = "briefing"
    CONSULTING = "consulting"
    """In the second room; the caller is on hold."""
    THREE_WAY = "three_way"
    RELEASED = "released"
    COMPLETED = "completed"
    RETURNED_TO_AGENT = "returned_to_agent"
    RETURNED_TO_QUEUE = "returned_to_queue"
    CANCELLED = "cancelled"
    CALLER_GONE = "caller_gone"


class FailureReason(StrEnum):
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    TARGET_LEFT = "target_left"
    SWITCH_ERROR = "switch_error"


class CallStarted(FactBase):
    kind: Literal["call.started"] = "call.started"
    room: str
    """The dialplan's LD_CALL: room name, recording name and join key with the PBX."""
    caller_number: str
    called_number: str
    centre: str
    recording: str = ""
    message_status: Literal["Actual", "Exercise", "Test"] = "Actual"
    handovers: int = 0
    """How often it was handed over between centres before it came to this PBX."""


class LegAdded(FactBase):
    kind: Literal["leg.added"] = "leg.added"
    leg_id: str
    role: LegRole
    channel: str
    unique_id: str
    number: str = ""
    centre: str = ""
    agent: str = ""
    agent_name: str = ""
    extension: str = ""


class LegAnswered(FactBase):
    kind: Literal["leg.answered"] = "leg.answered"
    leg_id: str
    late: bool = False
    """Found on the switch by a gateway that had not been there: `at` is when it was found."""


class LegJoinedRoom(FactBase):
    kind: Literal["leg.joined_room"] = "leg.joined_room"
    leg_id: str
    room: Literal["call", "consult"] = "call"
    """consult: the second room, where the caller is not."""


class LegLeftRoom(FactBase):
    kind: Literal["leg.left_room"] = "leg.left_room"
    leg_id: str


class LegHeld(FactBase):
    """A phone's own hold key: this party hears nobody and nobody hears them, until not `on`."""

    kind: Literal["leg.held"] = "leg.held"
    leg_id: str
    on: bool


class CallerHeld(FactBase):
    """The dialplan holds the caller, who hears that it rings."""

    kind: Literal["caller.held"] = "caller.held"


class CallerOnHold(FactBase):
    """The caller hears hold music while the operator consults."""

    kind: Literal["caller.on_hold"] = "caller.on_hold"


class CallerRequeued(FactBase):
    """The caller waits in the first centre's queue again."""

    kind: Literal["caller.requeued"] = "caller.requeued"


class LegEnded(FactBase):
    kind: Literal["leg.ended"] = "leg.ended"
    leg_id: str
    cause: int = 0
    """Q.850 cause."""
    ended_by: Literal["party", "gateway", "switch", "unknown"] = "unknown"


class PartyDropped(FactBase):
    """An operator has let another party go; the end of that leg follows."""

    kind: Literal["party.dropped"] = "party.dropped"
    leg_id: str
    by_leg: str
    agent: str = ""


class CallMarked(FactBase):
    """A person says that life, property or public safety is in danger now, or no longer (D05)."""

    kind: Literal["call.marked"] = "call.marked"
    danger: bool
    agent: str = ""
    why: Literal["person", "suggestion"] = "person"
    """`suggestion`: they accepted a suggestion that is an emergency."""


class TransferRequested(FactBase):
    kind: Literal["transfer.requested"] = "transfer.requested"
    transfer_id: str
    transfer_kind: TransferKind
    source: str
    target: str
    transferor_leg: str
    agent: str = ""
    via: Literal["key", "api", "native"] = "key"
    hop: int = 0
    """The how-manieth hand-over between the centres it will be; 0: to a line outside."""


class TransferChanged(FactBase):
    kind: Literal["transfer.changed"] = "transfer.changed"
    transfer_id: str
    state: TransferState
    reason: FailureReason | None = None
    target_leg: str = ""


class UtteranceHeard(FactBase):
    """A final utterance. `words` are (text, start_ms, end_ms, confidence).

    Advice also takes one that is still being spoken, without `model`: never recorded.
    """

    kind: Literal["utterance.heard"] = "utterance.heard"
    utterance_id: str
    leg_id: str
    start_ms: int
    end_ms: int
    text: str
    text_raw: str
    confidence: float | None = None
    model: str
    words: list[tuple[str, int, int, float]] = Field(default_factory=list)


class GapMarked(FactBase):
    """Audio that was not heard by the recogniser (dropped frames, lost tap, no capacity)."""

    kind: Literal["speech.gap"] = "speech.gap"
    leg_id: str
    start_ms: int
    end_ms: int
    why: str


class SpeechClosed(FactBase):
    """The recogniser has said everything it will say about this leg."""

    kind: Literal["speech.closed"] = "speech.closed"
    leg_id: str


class EvidenceSpan(BaseModel):
    """The words behind a proposal: `[start, end)` in code points of the utterance's text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    utterance_id: str
    start: int
    end: int
    text: str
    why: str


class Area(BaseModel):
    """An administrative division; a code never goes without its system."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    code: str
    code_system: str
    name: str
    path: str = ""
    """Full name from the province or county down."""


class Said(BaseModel):
    """Something a caller said that a ticket needs, with the words it was read from."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: str
    """time, place, phone, casualty, weapon, hazard, plate, amount or person."""
    value: str
    utterance_id: str
    start: int
    end: int
    text: str


class SuggestionMade(FactBase):
    kind: Literal["suggestion.made"] = "suggestion.made"
    suggestion_id: str
    platform: str
    """'110', '12345', '119', '120', '122' or 'guide' (outside both scopes, D06)."""
    item: str | None
    """'A1'..'A9', 'B1'..'B8'."""
    item_name: str = ""
    runner_up: str | None = None
    """The next likely class, or guidance id ('G-...'), or line ('L-120')."""
    also: list[str] = Field(default_factory=list)
    """Emergency lines to bring in (D12)."""
    sure: bool = True
    """False: below the model's threshold, a guess to look at."""
    unit: str = ""
    assist: list[str] = Field(default_factory=list)
    district: Area | None = None
    place: str = ""
    facts: list[Said] = Field(default_factory=list)
    ask: list[str] = Field(default_factory=list)
    deadline: str = ""
    request_type: str = ""
    """咨询, 求助, 投诉, 举报, 建议, 表扬 or 其他."""
    title: str = ""
    summary: str = ""
    urgency: Literal["emergency", "urgent", "normal"]
    confidence: float
    evidence: list[EvidenceSpan] = Field(default_factory=list)
    version: str


class SuggestionDecided(FactBase):
    """A person accepted, changed or ignored the suggestion."""

    kind: Literal["suggestion.decided"] = "suggestion.decided"
    suggestion_id: str
    decision: Literal["accepted", "changed", "ignored"]
    platform: str
    item: str | None
    agent: str


class TicketQueued(FactBase):
    kind: Literal["ticket.queued"] = "ticket.queued"
    ticket_id: str
    revision: int
    phase: Literal["preliminary", "final"]


class TicketDelivered(FactBase):
    kind: Literal["ticket.delivered"] = "ticket.delivered"
    ticket_id: str
    revision: int
    attempts: int


class TicketFailed(FactBase):
    kind: Literal["ticket.failed"] = "ticket.failed"
    ticket_id: str
    revision: int
    attempts: int
    dead: bool
    error: str


class CallEnded(FactBase):
    kind: Literal["call.ended"] = "call.ended"
    reason: Literal["caller_hung_up", "last_agent_left", "abandoned", "lost", "switch"]


Fact = Annotated[
    CallStarted
    | LegAdded
    | LegAnswered
    | LegJoinedRoom
    | LegLeftRoom
    | LegHeld
    | CallerHeld
    | CallerOnHold
    | CallerRequeued
    | LegEnded
    | PartyDropped
    | CallMarked
    | TransferRequested
    | TransferChanged
    | DesignationAsked
    | OwnershipDesignated
    | OwnershipSettled
    | CallbackDue
    | CallbackOpened
    | CallbackTaken
    | CallbackDone
    | UtteranceHeard
    | GapMarked
    | SpeechClosed
    | SuggestionMade
    | SuggestionDecided
    | TicketQueued
    | TicketDelivered
    | TicketFailed
    | CallEnded,
    Field(discriminator="kind"),
]

_adapter: TypeAdapter[Fact] = TypeAdapter(Fact, config=ConfigDict(hide_input_in_errors=True))


def dump(fact: Fact) -> str:
    """Return `fact` as one line of JSON."""
    return _adapter.dump_json(fact).decode()


def parse(line: str | bytes) -> Fact:
    """Read a fact back from JSON; raises pydantic.ValidationError."""
    return _adapter.validate_json(line)
