"""From the read model of a call to its ticket. Pure: the same call gives the same ticket."""

import hashlib
from datetime import datetime
from typing import cast

from gateway.calls import facts as f
from gateway.calls import view as v
from gateway.ids import uuid7
from gateway.settings import Settings
from gateway.tickets import model as m


def ticket_id(call: v.CallView) -> str:
    """Return the id of `call`'s ticket.

    Made from the call, not drawn: when a journal is told again after a crash, the order system
    must see the same ticket and not a second one.
    """
    started = call.started_at
    unix_ms = int(started.timestamp() * 1000) if started else 0
    entropy = hashlib.sha256(f"ticket:{call.id}".encode()).digest()[:10]
    return str(uuid7(unix_ms, entropy))


def digest(ticket: m.Ticket) -> str:
    """Return a hash of what the ticket says, apart from which revision says it and when."""
    said = ticket.model_dump_json(exclude={"revision", "created_at", "updated_at", "updated_by"})
    return hashlib.sha256(said.encode()).hexdigest()


def build(
    call: v.CallView,
    settings: Settings,
    *,
    phase: m.Phase,
    revision: int,
    created_at: datetime,
    updated_at: datetime,
    unbroken: bool | None = None,
) -> m.Ticket:
    """Return revision `revision` of `call`'s ticket; `unbroken`: what is known of the recording."""
    number = ticket_id(call)
    caller = next((leg for leg in call.legs.values() if leg.role is f.LegRole.CALLER), None)
    return m.Ticket(
        ticket_id=number,
        revision=revision,
        phase=phase,
        message_status=cast(m.MessageStatus, call.message_status),  # checked by the model
        platform=settings.platform,
        created_at=created_at,
        updated_at=updated_at,
        updated_by=m.UpdatedBy(agency=settings.platform, agent=_acting_agent(call, phase)),
        call=_call(call, settings),
        caller=m.Caller(number=call.caller_number or None, leg_id=caller.id if caller else None),
        legs=[_leg(leg) for leg in call.legs.values()],
        transfers=[_transfer(transfer) for transfer in call.transfers],
        transcript=_transcript(call),
        suggestion=_suggestion(call.suggestion),
        decision=_decision(call.decision),
        ownership=_ownership(call.owner),
        callback=_callback(call.callback),
        recording=_recording(call.recording, unbroken),
        links=m.Links(call=f"/api/v1/calls/{call.id}", ticket=f"/api/v1/tickets/{number}"),
    )


def _acting_agent(call: v.CallView, phase: m.Phase) -> str | None:
    if phase == "preliminary" and call.transfer:
        return call.transfer.agent or None
    return None


def _call(call: v.CallView, settings: Settings) -> m.Call:
    names = {centre.code: centre.name for centre in settings.centres}
    span = call.ended_at - call.started_at if call.ended_at and call.started_at else None
    return m.Call.model_validate(
        {
            "call_id": call.id,
            "room": call.room,
            "caller_number": call.caller_number or None,
            "called_number": call.called_number or None,
            "centre": call.centre or None,
            "centre_name": names.get(call.centre),
            "started_at": call.started_at,
            "ended_at": call.ended_at,
            "duration_ms": m.duration_ms(span) if span is not None else None,
            "handovers": call.handovers,
            "end_reason": call.end_reason or None,
        }
    )


def _leg(leg: v.LegView) -> m.Leg:
    fields = leg.model_dump(exclude={"id", "channel", "unique_id"})
    for name in ("centre", "agent", "agent_name", "extension", "number", "cause", "ended_by"):
        fields[name] = fields[name] or None
    return m.Leg.model_validate({"leg_id": leg.id, **fields})


def _transfer(transfer: v.TransferView) -> m.Transfer:
    return m.Transfer.model_validate(
        {
            "transfer_id": transfer.id,
            "kind": transfer.kind,
            "from_centre": transfer.source,
            "to_centre": transfer.target,
            "transferor_leg": transfer.transferor_leg or None,
            "target_leg": transfer.target_leg or None,
            "agent": transfer.agent or None,
            "via": transfer.via,
            "state": transfer.state,
            "hop": transfer.hop,
            "steps": [step.model_dump() for step in transfer.steps],
        }
    )


def _transcript(call: v.CallView) -> m.Transcript:
    answered = {leg.id for leg in call.legs.values() if leg.answered_at}
    return m.Transcript(
        complete=answered <= call.speech_closed and not call.gaps,
        utterances=[_utterance(heard, call.legs.get(heard.leg_id)) for heard in call.utterances],
        gaps=[m.Gap.model_validate(gap.model_dump(exclude={"kind"})) for gap in call.gaps],
    )


def _utterance(heard: f.UtteranceHeard, leg: v.LegView | None) -> m.Utterance:
    speaker = {
        "role": leg.role if leg else None,
        "centre": (leg.centre or None) if leg else None,
        "agent": (leg.agent or None) if leg else None,
    }
    return m.Utterance.model_validate({**heard.model_dump(exclude={"kind", "words"}), **speaker})


def _suggestion(made: f.SuggestionMade | None) -> m.Suggestion | None:
    if made is None:
        return None
    fields = made.model_dump(exclude={"kind", "call_id", "at"})
    return m.Suggestion.model_validate({**fields, "item_name": made.item_name or None})


def _decision(decided: f.SuggestionDecided | None) -> m.Decision | None:
    if decided is None:
        return None
    fields = decided.model_dump(exclude={"kind", "call_id"})
    return m.Decision.model_validate({**fields, "agent": decided.agent or None})


def _ownership(owner: v.OwnerView | None) -> m.Ownership | None:
    if owner is None:
        return None
    return m.Ownership.model_validate({**owner.model_dump(), "by": owner.by or None})


def _callback(task: v.CallbackView | None) -> m.Callback | None:
    if task is None:
        return None
    named = {"callback_number": task.number or None, "by": task.by or None}
    return m.Callback.model_validate({**task.model_dump(), **named})


def _recording(file: str, unbroken: bool | None) -> m.Recording | None:
    return m.Recording(file=file, url=None, unbroken=unbroken) if file else None
