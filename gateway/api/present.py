"""From the read model of a call to what one actor may see of it."""

import re
from typing import Any

from gateway.api import schemas as s
from gateway.api.rights import Right, has, may_act
from gateway.calls.facts import LegRole, UtteranceHeard
from gateway.calls.port import Actor
from gateway.calls.view import CallView, LegView, TransferView
from gateway.masking import mask_number, mask_text, mask_texts

_NOT_PERSONAL = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|^CB-\d{1,12}-\d{8}-\d{4,}$"
    r"|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$)",
    re.IGNORECASE,
)
"""Ids; numbers of call-back tasks and times (RFC 3339) that fill a whole field."""
_INTERNAL = frozenset({"channel", "unique_id"})


def summary(call: CallView, actor: Actor) -> s.CallSummary:
    live = [leg for leg in call.legs.values() if leg.role is LegRole.AGENT and not leg.ended_at]
    return s.CallSummary(
        **_head(call, actor),
        agents=[leg.agent_name or leg.agent or leg.extension for leg in live],
        transfer_state=call.transfer.state if call.transfer else None,
        designation_asked=call.designation_asked is not None and call.ended_at is None,
        urgency=call.suggestion.urgency if call.suggestion else None,
        platform=call.suggestion.platform if call.suggestion else None,
        ticket_state=call.ticket.state if call.ticket else None,
    )


def call_out(call: CallView, actor: Actor) -> s.CallOut:
    legs = sorted(call.legs.values(), key=lambda leg: leg.added_at)
    return s.CallOut(
        **_head(call, actor),
        recording=call.recording if has(actor, Right.RECORDINGS) else "",
        legs=[_leg(leg, actor, call.on_hold) for leg in legs],
        transfers=[transfer_out(transfer) for transfer in call.transfers],
        ticket=s.TicketStateOut.model_validate(call.ticket.model_dump()) if call.ticket else None,
        handovers=call.handovers,
        owner=s.OwnerOut(**call.owner.model_dump()) if call.owner else None,
        designation=_designation(call),
        unsettled=call.unsettled,
        callback=s.CallbackStateOut.model_validate(call.callback.model_dump())
        if call.callback
        else None,
        may_designate=has(actor, Right.DESIGNATE) and call.ended_at is None,
        may_act=may_act(actor, call),
        may_reveal=may_reveal(actor, call),
    )


def _designation(call: CallView) -> s.DesignationOut | None:
    asked = call.designation_asked
    return s.DesignationOut.model_validate(asked.model_dump()) if asked else None


def may_reveal(actor: Actor, call: CallView) -> bool:
    """A supervisor may reveal any call's number, an operator that of the call they are on."""
    return has(actor, Right.REVEAL) and (has(actor, Right.CALLS_ALL) or may_act(actor, call))


def transfer_out(transfer: TransferView) -> s.TransferOut:
    return s.TransferOut(
        **transfer.model_dump(exclude={"steps", "transferor_leg"}),
        state=transfer.state,
        steps=[s.StepOut(**step.model_dump()) for step in transfer.steps],
    )


def transcript(call: CallView, actor: Actor) -> s.TranscriptOut:
    hide = _as_said if has(actor, Right.NUMBERS_CLEAR) else _speaker_by_speaker
    texts = hide(call.utterances, [heard.text for heard in call.utterances])
    raw = hide(call.utterances, [heard.text_raw for heard in call.utterances])
    return s.TranscriptOut(
        call_id=call.id,
        utterances=[
            s.UtteranceOut(
                **heard.model_dump(exclude={"kind", "call_id", "at", "words", "text", "text_raw"}),
                text=text,
                text_raw=text_raw,
            )
            for heard, text, text_raw in zip(call.utterances, texts, raw, strict=True)
        ],
        gaps=[s.GapOut(**gap.model_dump(exclude={"kind", "call_id", "at"})) for gap in call.gaps],
        closed_legs=sorted(call.speech_closed),
    )


def _as_said(_utterances: list[UtteranceHeard], texts: list[str]) -> list[str]:
    return texts


def _speaker_by_speaker(utterances: list[UtteranceHeard], texts: list[str]) -> list[str]:
    """A number may be read out over several utterances, while others say "yes" in between."""
    shown = list(texts)
    for leg in {heard.leg_id for heard in utterances}:
        places = [at for at, heard in enumerate(utterances) if heard.leg_id == leg]
        for at, text in zip(places, mask_texts([texts[at] for at in places]), strict=True):
            shown[at] = text
    return shown


def suggestion(call: CallView, actor: Actor) -> s.SuggestionOut:
    made, decided = call.suggestion, call.decision
    out = s.SuggestionOut(
        call_id=call.id,
        suggestion=s.SuggestionBody(**made.model_dump(exclude={"kind", "call_id"}))
        if made
        else None,
        decision=s.DecisionOut(**decided.model_dump(exclude={"kind", "call_id"}))
        if decided
        else None,
    )
    if out.suggestion and not has(actor, Right.NUMBERS_CLEAR):
        _hide_numbers(out.suggestion)
    return out


def _hide_numbers(made: s.SuggestionBody) -> None:
    made.evidence = [
        span.model_copy(update={"text": mask_text(span.text)}) for span in made.evidence
    ]
    made.facts = [
        fact.model_copy(update={"text": mask_text(fact.text), "value": mask_text(fact.value)})
        for fact in made.facts
    ]
    made.place, made.title = mask_text(made.place), mask_text(made.title)
    made.summary = mask_text(made.summary)


def masked(value: Any) -> Any:
    """Mask every number in a JSON document, however deep.

    Word lists are emptied (they would spell a number out) and the switch's own names left out.
    """
    if isinstance(value, dict):
        return {
            key: [] if key == "words" else masked(item)
            for key, item in value.items()
            if key not in _INTERNAL
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    return _masked_but_ids(value) if isinstance(value, str) else value


def _masked_but_ids(text: str) -> str:
    # re.split with a group keeps the ids, at the odd places.
    parts = _NOT_PERSONAL.split(text)
    return "".join(part if at % 2 else mask_text(part) for at, part in enumerate(parts))


def _head(call: CallView, actor: Actor) -> dict[str, Any]:
    return {
        "id": call.id,
        "centre": call.centre,
        "caller_number": _number(call.caller_number, actor),
        "called_number": _number(call.called_number, actor),
        "message_status": call.message_status,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "end_reason": call.end_reason,
        "danger": call.danger,
    }


def _number(number: str, actor: Actor) -> str:
    return number if has(actor, Right.NUMBERS_CLEAR) else mask_number(number)


def _leg(leg: LegView, actor: Actor, on_hold: bool) -> s.LegOut:
    shown = leg.model_dump(exclude={"channel", "unique_id", "number", "aside"})
    number = _number(leg.number, actor)
    return s.LegOut(**shown, number=number, state=_leg_state(leg, on_hold))


def _leg_state(leg: LegView, on_hold: bool) -> Any:
    if leg.ended_at:
        return "ended"
    if leg.aside:
        return "aside"
    if on_hold and leg.role is LegRole.CALLER:
        return "on_hold"
    if leg.joined_room_at:
        return "in_room"
    return "talking" if leg.answered_at else "ringing"
