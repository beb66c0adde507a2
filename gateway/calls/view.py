"""The read model of a call: a fold over its facts, shared by API, page, ledger and tickets."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from gateway.calls import facts as f

_RELEASED = f.TransferState.RELEASED


class LegView(BaseModel):
    id: str
    role: f.LegRole
    channel: str
    unique_id: str
    number: str = ""
    centre: str = ""
    agent: str = ""
    agent_name: str = ""
    extension: str = ""
    added_at: datetime
    answered_at: datetime | None = None
    joined_room_at: datetime | None = None
    aside: bool = False
    """In the second room, where an operator consults without the caller."""
    holds: bool = False
    """Its own phone has put the call on hold."""
    dropped_by: str = ""
    """The operator who let this leg go."""
    ended_at: datetime | None = None
    cause: int = 0
    ended_by: str = ""


class TransferStep(BaseModel):
    state: f.TransferState
    at: datetime
    reason: f.FailureReason | None = None


class TransferView(BaseModel):
    id: str
    kind: f.TransferKind
    source: str
    target: str
    transferor_leg: str
    target_leg: str = ""
    agent: str = ""
    via: str = "key"
    hop: int = 0
    steps: list[TransferStep]

    @property
    def state(self) -> f.TransferState:
        return self.steps[-1].state

    def has_been(self, state: f.TransferState) -> bool:
        return any(step.state is state for step in self.steps)


class OwnerView(BaseModel):
    """Which centre accepts, and who says so."""

    centre: str
    how: Literal["accepted", "first_answer", "designated"]
    by: str = ""
    reason: str = ""
    transfer_id: str = ""
    at: datetime


class CallbackView(BaseModel):
    """Somebody is to call the caller back. `number` is empty until the ledger has given one."""

    centre: str
    why: f.CallbackReason
    target: str = ""
    danger: bool = False
    due_at: datetime
    number: str = ""
    state: Literal["open", "taken", "done"] = "open"
    by: str = ""
    outcome: f.CallbackOutcome | None = None
    changed_at: datetime


class TicketView(BaseModel):
    id: str
    revision: int
    phase: str
    state: str
    """queued | delivered | retrying | dead"""
    attempts: int = 0
    error: str = ""


class CallView(BaseModel):
    """Everything known of one call; `apply` each fact in order."""

    id: str
    room: str = ""
    centre: str = ""
    caller_number: str = ""
    called_number: str = ""
    recording: str = ""
    message_status: str = "Actual"
    on_hold: bool = False
    """The caller hears music while the operator consults."""
    handed_over_before: int = 0
    """How often, from centre to centre, before it came to this PBX."""
    danger: bool = False
    """A person has marked it: 110 first, whatever else is open."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str = ""
    legs: dict[str, LegView] = Field(default_factory=dict)
    transfers: list[TransferView] = Field(default_factory=list)
    utterances: list[f.UtteranceHeard] = Field(default_factory=list)
    gaps: list[f.GapMarked] = Field(default_factory=list)
    speech_closed: set[str] = Field(default_factory=set)
    heard_until: dict[str, datetime] = Field(default_factory=dict)
    """By leg: when speech last said something of it, be it that there is a gap."""
    suggestion: f.SuggestionMade | None = None
    decision: f.SuggestionDecided | None = None
    ticket: TicketView | None = None
    designation_asked: f.DesignationAsked | None = None
    """A hand-over that waits for a supervisor to say whose call it is."""
    owner: OwnerView | None = None
    unsettled: str = ""
    """The three-way between centres whose outcome nobody has said yet; '': none."""
    callback: CallbackView | None = None

    @property
    def handovers(self) -> int:
        """How often the call has gone from one centre to another."""
        here = sum(one.hop > 0 and one.has_been(_RELEASED) for one in self.transfers)
        return self.handed_over_before + here

    @property
    def transfer(self) -> TransferView | None:
        """The latest transfer."""
        return self.transfers[-1] if self.transfers else None

    def apply(self, fact: f.Fact) -> None:
        """Fold one fact in. Facts of other calls and repeats of leg facts change nothing."""
        if fact.call_id == self.id:
            _APPLY[fact.kind](self, fact)

    def knows(self, fact: f.Fact) -> bool:
        """Whether this fact of recognition or delivery has been folded in already."""
        if isinstance(fact, f.UtteranceHeard):
            return any(one.utterance_id == fact.utterance_id for one in self.utterances)
        if isinstance(fact, f.SpeechClosed):
            return fact.leg_id in self.speech_closed
        if isinstance(fact, f.TicketDelivered | f.TicketFailed):
            ticket = self.ticket
            if ticket is None or ticket.revision != fact.revision:
                return True
            return ticket.state == "delivered" or ticket.attempts >= fact.attempts
        return fact in self.gaps


def _call_started(view: CallView, fact: f.CallStarted) -> None:
    view.room, view.centre = fact.room, fact.centre
    view.caller_number, view.called_number = fact.caller_number, fact.called_number
    view.recording, view.message_status = fact.recording, fact.message_status
    view.started_at, view.handed_over_before = fact.at, fact.handovers


def _call_ended(view: CallView, fact: f.CallEnded) -> None:
    view.ended_at, view.end_reason = fact.at, fact.reason


def _leg_added(view: CallView, fact: f.LegAdded) -> None:
    fields = fact.model_dump(exclude={"kind", "call_id", "at", "leg_id"})
    view.legs.setdefault(fact.leg_id, LegView(id=fact.leg_id, added_at=fact.at, **fields))


def _leg_answered(view: CallView, fact: f.LegAnswered) -> None:
    if leg := view.legs.get(fact.leg_id):
        leg.answered_at = leg.answered_at or fact.at


def _leg_joined(view: CallView, fact: f.LegJoinedRoom) -> None:
    if leg := view.legs.get(fact.leg_id):
        leg.aside = fact.room == "consult"
        view.on_hold &= leg.role is not f.LegRole.CALLER
        if not leg.aside:
            leg.joined_room_at = leg.joined_room_at or fact.at


def _leg_held(view: CallView, fact: f.LegHeld) -> None:
    if leg := view.legs.get(fact.leg_id):
        leg.holds = fact.on


def _leg_left(view: CallView, fact: f.LegLeftRoom) -> None:
    """Else where a leg has been is no part of what is shown of a call: see `calls.leg_log`."""
    if leg := view.legs.get(fact.leg_id):
        leg.aside = False


def _on_hold(view: CallView, fact: f.CallerOnHold | f.CallerHeld | f.CallerRequeued) -> None:
    view.on_hold = fact.kind == "caller.on_hold"


def _leg_ended(view: CallView, fact: f.LegEnded) -> None:
    if leg := view.legs.get(fact.leg_id):
        leg.aside = False
        view.on_hold &= leg.role is not f.LegRole.CALLER
        leg.ended_at, leg.cause, leg.ended_by = fact.at, fact.cause, fact.ended_by


def _dropped(view: CallView, fact: f.PartyDropped) -> None:
    if leg := view.legs.get(fact.leg_id):
        leg.dropped_by = fact.agent or fact.by_leg


def _marked(view: CallView, fact: f.CallMarked) -> None:
    view.danger = fact.danger


def _transfer_requested(view: CallView, fact: f.TransferRequested) -> None:
    step = TransferStep(state=f.TransferState.REQUESTED, at=fact.at)
    view.transfers.append(
        TransferView(
            id=fact.transfer_id,
            kind=fact.transfer_kind,
            source=fact.source,
            target=fact.target,
            transferor_leg=fact.transferor_leg,
            agent=fact.agent,
            via=fact.via,
            hop=fact.hop,
            steps=[step],
        )
    )


def _transfer_changed(view: CallView, fact: f.TransferChanged) -> None:
    for transfer in view.transfers:
        if transfer.id == fact.transfer_id:
            transfer.steps.append(TransferStep(state=fact.state, at=fact.at, reason=fact.reason))
            transfer.target_leg = fact.target_leg or transfer.target_leg
            if transfer.hop and fact.state is _RELEASED:
                view.designation_asked, view.unsettled = None, ""
            three_way = transfer.kind is f.TransferKind.THREE_WAY
            if transfer.hop and three_way and fact.state is f.TransferState.THREE_WAY:
                view.unsettled = transfer.id


def _designation_asked(view: CallView, fact: f.DesignationAsked) -> None:
    view.designation_asked = fact


def _designated(view: CallView, fact: f.OwnershipDesignated) -> None:
    fields = fact.model_dump(include={"centre", "by", "reason", "at"})
    view.owner = OwnerView(how="designated", **fields)
    view.designation_asked, view.unsettled = None, ""


def _settled(view: CallView, fact: f.OwnershipSettled) -> None:
    view.owner = OwnerView(**fact.model_dump(exclude={"kind", "call_id"}))
    view.designation_asked, view.unsettled = None, ""


def _callback_due(view: CallView, fact: f.CallbackDue) -> None:
    view.callback = CallbackView(
        centre=fact.centre,
        why=fact.why,
        target=fact.target,
        danger=fact.danger,
        due_at=fact.at,
        changed_at=fact.at,
    )


def _callback_opened(view: CallView, fact: f.CallbackOpened) -> None:
    if view.callback:
        view.callback.number = fact.number


def _callback_taken(view: CallView, fact: f.CallbackTaken) -> None:
    if task := view.callback:
        task.state, task.by, task.changed_at = "taken", fact.by, fact.at


def _callback_done(view: CallView, fact: f.CallbackDone) -> None:
    if task := view.callback:
        task.state, task.by, task.changed_at = "done", fact.by, fact.at
        task.outcome = fact.outcome


def _utterance(view: CallView, fact: f.UtteranceHeard) -> None:
    # A worker that could not tell whether Redis took it sends it again.
    view.utterances = [one for one in view.utterances if one.utterance_id != fact.utterance_id]
    view.utterances.append(fact)
    view.utterances.sort(key=lambda heard: heard.start_ms)
    view.speech_closed.discard(fact.leg_id)  # a tap that was opened again has more to say
    _heard(view, fact)


def _gap(view: CallView, fact: f.GapMarked) -> None:
    view.gaps.append(fact)
    _heard(view, fact)


def _speech_closed(view: CallView, fact: f.SpeechClosed) -> None:
    view.speech_closed.add(fact.leg_id)
    _heard(view, fact)


def _heard(view: CallView, fact: f.UtteranceHeard | f.GapMarked | f.SpeechClosed) -> None:
    view.heard_until[fact.leg_id] = max(fact.at, view.heard_until.get(fact.leg_id, fact.at))


def _suggested(view: CallView, fact: f.SuggestionMade) -> None:
    view.suggestion = fact


def _decided(view: CallView, fact: f.SuggestionDecided) -> None:
    view.decision = fact


def _ticket_queued(view: CallView, fact: f.TicketQueued) -> None:
    view.ticket = TicketView(
        id=fact.ticket_id, revision=fact.revision, phase=fact.phase, state="queued"
    )


def _ticket_delivered(view: CallView, fact: f.TicketDelivered) -> None:
    if view.ticket and view.ticket.revision == fact.revision:
        view.ticket.state, view.ticket.attempts = "delivered", fact.attempts


def _ticket_failed(view: CallView, fact: f.TicketFailed) -> None:
    if view.ticket and view.ticket.revision == fact.revision:
        view.ticket.state = "dead" if fact.dead else "retrying"
        view.ticket.attempts, view.ticket.error = fact.attempts, fact.error


_APPLY: dict[str, Callable[[CallView, Any], None]] = {
    "call.started": _call_started,
    "call.ended": _call_ended,
    "leg.added": _leg_added,
    "leg.answered": _leg_answered,
    "leg.joined_room": _leg_joined,
    "leg.left_room": _leg_left,
    "leg.held": _leg_held,
    "caller.held": _on_hold,
    "caller.on_hold": _on_hold,
    "caller.requeued": _on_hold,
    "leg.ended": _leg_ended,
    "party.dropped": _dropped,
    "call.marked": _marked,
    "transfer.requested": _transfer_requested,
    "transfer.changed": _transfer_changed,
    "designation.asked": _designation_asked,
    "ownership.designated": _designated,
    "ownership.settled": _settled,
    "callback.due": _callback_due,
    "callback.opened": _callback_opened,
    "callback.taken": _callback_taken,
    "callback.done": _callback_done,
    "utterance.heard": _utterance,
    "speech.gap": _gap,
    "speech.closed": _speech_closed,
    "suggestion.made": _suggested,
    "suggestion.decided": _decided,
    "ticket.queued": _ticket_queued,
    "ticket.delivered": _ticket_delivered,
    "ticket.failed": _ticket_failed,
}
