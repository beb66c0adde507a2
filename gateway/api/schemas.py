"""What the API says and takes. Times are RFC 3339 with an offset, `_ms` counts from call start."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.calls.facts import (
    Area,
    CallbackReason,
    EvidenceSpan,
    FailureReason,
    LegRole,
    Said,
    TransferKind,
    TransferState,
)
from gateway.calls.port import Verb

MASKED = "Masked (138****1234) unless the token has the right numbers.clear."


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LegOut(BaseModel):
    id: str
    role: LegRole
    number: str = Field(description=MASKED)
    centre: str
    agent: str
    agent_name: str
    extension: str
    state: Literal["ringing", "talking", "in_room", "aside", "on_hold", "ended"] = Field(
        description="aside: consults in the second room; on_hold: the caller hears music meanwhile."
    )
    added_at: datetime
    answered_at: datetime | None
    joined_room_at: datetime | None
    ended_at: datetime | None
    dropped_by: str = Field(description="The operator who let this party go.")
    cause: int = Field(description="Q.850 cause of the end; 0 while it lasts.")
    ended_by: str


class StepOut(BaseModel):
    state: TransferState
    at: datetime
    reason: FailureReason | None


class TransferOut(BaseModel):
    id: str
    kind: TransferKind
    source: str
    target: str
    state: TransferState
    agent: str
    via: str
    target_leg: str
    hop: int = Field(description="Which hand-over between the centres; 0: to a line outside.")
    steps: list[StepOut]


class TicketStateOut(BaseModel):
    """How delivery of the call's latest ticket revision stands."""

    id: str
    revision: int
    phase: str
    state: Literal["queued", "delivered", "retrying", "dead"]
    attempts: int
    error: str


class OwnerOut(BaseModel):
    """Which centre accepts."""

    centre: str
    how: Literal["accepted", "first_answer", "designated"]
    by: str
    reason: str
    transfer_id: str
    at: datetime


class DesignationOut(BaseModel):
    """A hand-over that waits for a supervisor's decision."""

    source: str
    target: str
    agent: str
    hop: int
    at: datetime


class CallbackStateOut(BaseModel):
    number: str = Field(description="Empty until the record has given one.")
    centre: str
    why: CallbackReason
    state: Literal["open", "taken", "done"]
    by: str


class CallSummary(BaseModel):
    id: str
    centre: str
    caller_number: str = Field(description=MASKED)
    called_number: str
    message_status: str
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    danger: bool = Field(description="A person says: danger to life, property or public safety.")
    agents: list[str] = Field(description="Names of the operators on the call now.")
    transfer_state: TransferState | None
    designation_asked: bool = Field(description="A supervisor is to say which centre accepts.")
    urgency: str | None
    platform: str | None
    ticket_state: str | None


class CallOut(BaseModel):
    id: str
    centre: str
    caller_number: str = Field(description=MASKED)
    called_number: str
    message_status: Literal["Actual", "Exercise", "Test"]
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    danger: bool = Field(description="A person says: danger to life, property or public safety.")
    recording: str = Field(description="Empty without the right recordings.")
    legs: list[LegOut]
    transfers: list[TransferOut]
    ticket: TicketStateOut | None
    handovers: int = Field(description="How often it has gone from one centre to another.")
    owner: OwnerOut | None = Field(description="Who accepts, where that has been said.")
    designation: DesignationOut | None = Field(description="Asked for, and not made yet.")
    unsettled: str = Field(description="The three-way whose outcome nobody has said; empty: none.")
    callback: CallbackStateOut | None
    may_designate: bool
    may_act: bool = Field(description="Your own seat is on the call now.")
    may_reveal: bool


class UtteranceOut(BaseModel):
    utterance_id: str
    leg_id: str
    start_ms: int
    end_ms: int
    text: str
    text_raw: str
    confidence: float | None
    model: str


class GapOut(BaseModel):
    leg_id: str
    start_ms: int
    end_ms: int
    why: str


class TranscriptOut(BaseModel):
    call_id: str
    utterances: list[UtteranceOut]
    gaps: list[GapOut] = Field(description="Audio that recognition did not hear.")
    closed_legs: list[str] = Field(description="Legs about which everything has been said.")


class SuggestionBody(BaseModel):
    suggestion_id: str
    platform: str
    item: str | None
    item_name: str
    urgency: Literal["emergency", "urgent", "normal"]
    confidence: float
    evidence: list[EvidenceSpan]
    version: str
    at: datetime
    sure: bool = Field(default=True, description="False: a guess to look at.")
    runner_up: str | None = Field(default=None, description="Next likely class, G-... or L-120.")
    also: list[str] = Field(default=[], description="Emergency lines to bring in.")
    unit: str = ""
    assist: list[str] = []
    district: Area | None = Field(default=None, description="Null: not named beyond doubt.")
    place: str = ""
    facts: list[Said] = []
    ask: list[str] = Field(default=[], description="Questions still worth asking.")
    deadline: str = ""
    request_type: str = ""
    title: str = ""
    summary: str = ""


class DecisionOut(BaseModel):
    suggestion_id: str
    decision: Literal["accepted", "changed", "ignored"]
    platform: str
    item: str | None
    agent: str
    at: datetime


class SuggestionOut(BaseModel):
    """What the machine proposes, and what a person made of it; both may be null."""

    call_id: str
    suggestion: SuggestionBody | None
    decision: DecisionOut | None


class DecisionIn(_In):
    suggestion_id: str = Field(min_length=1, max_length=128)
    decision: Literal["accepted", "changed", "ignored"]
    platform: Literal["110", "12345", "119", "120", "122", "guide"] | None = Field(
        default=None, description="Needed with `changed` only."
    )
    item: Annotated[str, Field(pattern=r"^([AB][1-9]|G-[a-z0-9-]+)$")] | None = None

    @model_validator(mode="after")
    def _changed_says_what(self) -> "DecisionIn":
        if self.decision == "changed" and self.platform is None:
            raise ValueError("decision 'changed' needs platform")
        return self


class VerbOut(BaseModel):
    verb: Verb
    target: str
    key: str


class VerbsOut(BaseModel):
    call_id: str
    may_act: bool
    verbs: list[VerbOut] = Field(description="What would be accepted at this moment.")


class TransferIn(_In):
    target: str = Field(pattern=r"^[0-9]{3,12}$", description="Centre code, e.g. 110.")
    kind: TransferKind = TransferKind.ONE_KEY


class DropIn(_In):
    leg_id: str = Field(min_length=1, max_length=128, description="Whose leg: see `legs`.")


class DangerIn(_In):
    danger: bool = Field(description="Whether there is danger now.")


class SettleIn(_In):
    centre: Annotated[str, Field(pattern=r"^([0-9]{3,12})?$")] = Field(
        default="", description="Which centre accepts; empty: they do not agree."
    )


class DesignateIn(_In):
    centre: str = Field(pattern=r"^[0-9]{3,12}$", description="Which centre accepts.")
    reason: str = Field(default="", max_length=200, description="Kept in the record.")


class RevealIn(_In):
    reason: str = Field(default="", max_length=200, description="Kept in the audit record.")


class RevealOut(BaseModel):
    call_id: str
    caller_number: str


class TicketRowOut(BaseModel):
    id: str
    call_id: str
    revision: int
    phase: str
    state: str
    attempts: int
    error: str
    updated_at: datetime


class TicketsOut(BaseModel):
    tickets: list[TicketRowOut]
    next_before: str | None = Field(description="Pass as `before` for the next page.")


class TicketOut(BaseModel):
    ticket: TicketRowOut
    document: dict[str, object] = Field(description="As sent to the order system; numbers masked.")


class LinkOut(BaseModel):
    source: str
    target: str
    key: str
    consult_key: str


class CentreOut(BaseModel):
    code: str
    name: str


class KeysOut(BaseModel):
    three_way: str
    back: str
    release: str
    consult: str
    drop: str


class LinksOut(BaseModel):
    centres: list[CentreOut]
    links: list[LinkOut]
    keys: KeysOut


class SeatOut(BaseModel):
    extension: str
    centre: str
    agent: str
    name: str


class ClassOut(BaseModel):
    id: str
    name: str
    platform: str
    scope: str


class ClassesOut(BaseModel):
    version: str
    classes: list[ClassOut]


class LogIn(_In):
    token: str = Field(min_length=1, max_length=512)


class SessionOut(BaseModel):
    name: str
    role: str
    agent: str
    rights: list[str]


class ComponentOut(BaseModel):
    name: str
    ok: bool
    detail: str


class HealthOut(BaseModel):
    ok: bool
    components: list[ComponentOut]
    live_pages: int


class AliveOut(BaseModel):
    status: Literal["ok", "not ok"]
