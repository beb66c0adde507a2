"""Facts laid out for search: which rows a fact writes. Each fact is projected once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Table, func, insert, update

from gateway.calls import facts as f
from gateway.ledger import tables as t


@dataclass(frozen=True)
class Once:
    """A row to insert unless one of that id is there: a leg told of twice is one leg."""

    table: Table
    values: dict[str, Any]


def statements(fact: f.Fact) -> list[Executable | Once]:
    """Return what to execute for `fact`; its row in `calls` and `facts` exists already."""
    project = _PROJECT.get(fact.kind)
    return project(fact) if project else []


def _fields(fact: f.Fact, *leave_out: str) -> dict[str, Any]:
    return fact.model_dump(exclude={"kind", *leave_out})


def _once(table: Table, **values: Any) -> Once:
    return Once(table, values)


def _leg(leg_id: str, **values: Any) -> Executable:
    return update(t.legs).where(t.legs.c.id == leg_id).values(**values)


def _call_started(fact: f.CallStarted) -> list[Executable | Once]:
    # Hand-overs are counted over the facts, here as elsewhere.
    values = _fields(fact, "call_id", "at", "handovers")
    return [
        update(t.calls).where(t.calls.c.id == fact.call_id).values(started_at=fact.at, **values)
    ]


def _call_ended(fact: f.CallEnded) -> list[Executable | Once]:
    return [
        update(t.calls)
        .where(t.calls.c.id == fact.call_id)
        .values(ended_at=fact.at, end_reason=fact.reason)
    ]


def _leg_added(fact: f.LegAdded) -> list[Executable | Once]:
    return [_once(t.legs, id=fact.leg_id, added_at=fact.at, **_fields(fact, "leg_id", "at"))]


def _leg_answered(fact: f.LegAnswered) -> list[Executable | Once]:
    return [_leg(fact.leg_id, answered_at=func.coalesce(t.legs.c.answered_at, fact.at))]


def _leg_joined(fact: f.LegJoinedRoom) -> list[Executable | Once]:
    if fact.room != "call":
        return []
    return [_leg(fact.leg_id, joined_room_at=func.coalesce(t.legs.c.joined_room_at, fact.at))]


def _leg_ended(fact: f.LegEnded) -> list[Executable | Once]:
    return [_leg(fact.leg_id, ended_at=fact.at, cause=fact.cause, ended_by=fact.ended_by)]


def _step(fact: f.Fact, transfer_id: str, state: str, reason: str) -> Executable:
    return insert(t.transfer_steps).values(
        call_id=fact.call_id, transfer_id=transfer_id, state=state, reason=reason, at=fact.at
    )


def _transfer_requested(fact: f.TransferRequested) -> list[Executable | Once]:
    state = f.TransferState.REQUESTED.value
    row = _once(
        t.transfers,
        id=fact.transfer_id,
        kind=fact.transfer_kind.value,
        state=state,
        requested_at=fact.at,
        changed_at=fact.at,
        **_fields(fact, "transfer_id", "transfer_kind", "at"),
    )
    return [row, _step(fact, fact.transfer_id, state, "")]


def _transfer_changed(fact: f.TransferChanged) -> list[Executable | Once]:
    reason = fact.reason.value if fact.reason else ""
    changed: dict[str, Any] = {"state": fact.state.value, "reason": reason, "changed_at": fact.at}
    if fact.target_leg:
        changed["target_leg"] = fact.target_leg
    row = update(t.transfers).where(t.transfers.c.id == fact.transfer_id).values(**changed)
    return [row, _step(fact, fact.transfer_id, fact.state.value, reason)]


def _utterance(fact: f.UtteranceHeard) -> list[Executable | Once]:
    return [_once(t.utterances, id=fact.utterance_id, **_fields(fact, "utterance_id"))]


def _gap(fact: f.GapMarked) -> list[Executable | Once]:
    return [insert(t.gaps).values(**_fields(fact))]


def _callback(call_id: str, **values: Any) -> list[Executable | Once]:
    return [update(t.callbacks).where(t.callbacks.c.call_id == call_id).values(**values)]


def _callback_taken(fact: f.CallbackTaken) -> list[Executable | Once]:
    return _callback(fact.call_id, state="taken", taken_by=fact.by, taken_at=fact.at)


def _callback_done(fact: f.CallbackDone) -> list[Executable | Once]:
    done = {"done_by": fact.by, "done_at": fact.at, "outcome": fact.outcome.value}
    return _callback(fact.call_id, state="done", note=fact.note, **done)


def _suggested(fact: f.SuggestionMade) -> list[Executable | Once]:
    # What search needs has columns; the whole suggestion is in `facts`.
    said = _fields(fact, "suggestion_id") | {"item": fact.item or ""}
    values = {name: value for name, value in said.items() if name in t.suggestions.c}
    return [_once(t.suggestions, id=fact.suggestion_id, **values)]


def _decided(fact: f.SuggestionDecided) -> list[Executable | Once]:
    return [insert(t.decisions).values(**(_fields(fact) | {"item": fact.item or ""}))]


_PROJECT: dict[str, Callable[[Any], list[Executable | Once]]] = {
    "call.started": _call_started,
    "call.ended": _call_ended,
    "leg.added": _leg_added,
    "leg.answered": _leg_answered,
    "leg.joined_room": _leg_joined,
    "leg.ended": _leg_ended,
    "transfer.requested": _transfer_requested,
    "transfer.changed": _transfer_changed,
    "callback.taken": _callback_taken,
    "callback.done": _callback_done,
    "utterance.heard": _utterance,
    "speech.gap": _gap,
    "suggestion.made": _suggested,
    "suggestion.decided": _decided,
}
