"""The leg log: from a call's facts to how long each leg waited, talked, conferred, was held. Pure.

A PBX's own records go wrong once calls are moved; these follow the call through queue, room, hold
and queue again. Facts may be missing, after a restart or in old records: what can then only be
guessed is marked `estimated`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal

from gateway.calls import facts as f
from gateway.calls.facts import TransferState as S
from gateway.calls.leg_record import CallLog, CallRecord, LegKind, LegRecord, Outcome

_SET_BACK = timedelta(seconds=1)
_HANG_UPS_CROSS = timedelta(seconds=2)
"""A hang-up this soon after the caller's end may have caused it."""
RETURNED = frozenset({S.RETURNED_TO_AGENT, S.RETURNED_TO_QUEUE})
_NOBODY = RETURNED | {S.CANCELLED, S.CALLER_GONE}

Activity = Literal["wait", "rewait", "talk", "conference", "hold"]


class Place(Enum):
    QUEUE = "in a queue"
    BRIDGE = "in the bridge that a queue made"
    ROOM = "in the room"
    ASIDE = "in the second room, where the caller is not"
    HELD = "held by the dialplan"
    OUT = "on the line with nobody"


@dataclass
class _Leg:
    id: str
    role: LegKind
    started: datetime
    place: Place
    centre: str = ""
    agent: str = ""
    transfer_id: str = ""
    rang: datetime | None = None
    answered: datetime | None = None
    ended: datetime | None = None
    how: str = "unknown"
    returns: int = 0
    holds: bool = False
    """Its own phone has put the call on hold."""
    spent: dict[Activity, timedelta] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return self.answered is not None and self.ended is None


@dataclass
class _Call:
    id: str
    at: datetime
    """Of the latest fact: time never goes back in here."""
    started: f.CallStarted | None = None
    ended: f.CallEnded | None = None
    caller: _Leg | None = None
    agents: dict[str, _Leg] = field(default_factory=dict)
    ringing: dict[str, _Leg] = field(default_factory=dict)
    """By transfer, the place that is being rung."""
    in_vain: list[_Leg] = field(default_factory=list)
    returned: set[str] = field(default_factory=set)
    let_go: bool = False
    """The last person on the call has hung up, and the caller was not sent on since."""
    estimated: bool = False

    @property
    def live(self) -> list[_Leg]:
        return [leg for leg in self.agents.values() if leg.live]


def leg_log(facts: Iterable[f.Fact]) -> CallLog | None:
    """Fold the facts of one call, in the order they were told; None: it has not ended.

    Facts told twice and facts that say nothing of legs change nothing.
    """
    told = list(dict.fromkeys(fact for fact in facts if fact.kind in KINDS))
    if not told:
        return None
    call = _Call(told[0].call_id, told[0].at)
    for fact in told:
        _pass_time(call, fact.at)
        _APPLY[fact.kind](call, fact)
    return _close(call)


# --- time -----------------------------------------------------------------------------------


def _pass_time(call: _Call, at: datetime) -> None:
    if call.at - at > _SET_BACK:
        call.estimated = True
    passed = max(at - call.at, timedelta())
    call.at = max(at, call.at)
    legs = [*call.live, *([call.caller] if call.caller and call.caller.ended is None else [])]
    for leg, does in [(leg, _activity(call, leg)) for leg in legs]:
        leg.spent[does] = leg.spent.get(does, timedelta()) + passed


def _activity(call: _Call, leg: _Leg) -> Activity:
    if leg.place is Place.QUEUE:
        return "rewait" if leg.answered else "wait"
    if leg.holds:
        return "hold"
    # Whoever has put the call on hold is with nobody.
    agents = [agent for agent in call.live if not agent.holds]
    caller = call.caller if call.caller and call.caller.ended is None else None
    caller = None if caller and caller.holds else caller
    others = [*agents, *([caller] if caller else [])]
    in_room = leg.place in (Place.ROOM, Place.ASIDE)
    if in_room and any(o.place is leg.place for o in others if o is not leg):
        return "conference"
    # On the way into the room the two still talk.
    if leg is caller:
        bridged = any(agent.place is Place.BRIDGE for agent in agents)
        talks = (leg.place is Place.BRIDGE and agents) or (leg.place is Place.ROOM and bridged)
    else:
        with_caller = (Place.BRIDGE, Place.ROOM) if leg.place is Place.BRIDGE else (Place.BRIDGE,)
        moving = leg.place in (Place.BRIDGE, Place.ROOM)
        talks = moving and caller is not None and caller.place in with_caller
    return "talk" if talks else "hold"


# --- facts ----------------------------------------------------------------------------------


def _call_started(call: _Call, fact: f.CallStarted) -> None:
    call.started = call.started or fact


def _call_ended(call: _Call, fact: f.CallEnded) -> None:
    call.ended = call.ended or fact


def _leg_added(call: _Call, fact: f.LegAdded) -> None:
    if fact.role is f.LegRole.CALLER:
        call.caller = call.caller or _Leg(fact.leg_id, "caller", call.at, Place.QUEUE)
    elif fact.leg_id not in call.agents:
        target = not _from_queue(fact.leg_id)
        place = Place.OUT if target else Place.BRIDGE
        leg = _Leg(fact.leg_id, "target" if target else "agent", call.at, place)
        leg.centre, leg.agent = fact.centre, fact.agent
        call.agents[leg.id] = leg


def _from_queue(leg_id: str) -> bool:
    """The machine's names: `<call>.agent.<n>` from a queue, else `.target.` or `.native.`."""
    return ".agent." in leg_id


def _leg_answered(call: _Call, fact: f.LegAnswered) -> None:
    leg = call.agents.get(fact.leg_id)
    if leg is None or leg.answered:
        return
    leg.answered = call.at
    call.estimated |= fact.late
    call.let_go = False
    caller = call.caller
    if caller is None or leg.role == "target":
        return
    alone = caller.place is Place.ROOM and call.live == [leg]
    if caller.answered and (alone or caller.place in (Place.HELD, Place.OUT)):
        call.estimated = True  # nobody said that they were in a queue again
    caller.answered = caller.answered or call.at
    if caller.place is not Place.ROOM:
        caller.place = Place.BRIDGE


def _leg_of(call: _Call, leg_id: str) -> _Leg | None:
    caller = call.caller
    return caller if caller and caller.id == leg_id else call.agents.get(leg_id)


def _joined(call: _Call, fact: f.LegJoinedRoom) -> None:
    if leg := _leg_of(call, fact.leg_id):
        leg.place = Place.ASIDE if fact.room == "consult" else Place.ROOM


def _left(call: _Call, fact: f.LegLeftRoom) -> None:
    leg = _leg_of(call, fact.leg_id)
    if leg and leg.place in (Place.ROOM, Place.ASIDE):
        leg.place = Place.OUT


def _put_on_hold(call: _Call, fact: f.LegHeld) -> None:
    if leg := _leg_of(call, fact.leg_id):
        leg.holds = fact.on


def _held(call: _Call, _fact: f.CallerHeld | f.CallerOnHold) -> None:
    if call.caller:
        call.caller.place = Place.HELD
        call.let_go = False


def _requeued(call: _Call, _fact: f.CallerRequeued) -> None:
    caller = call.caller
    if caller and caller.place is not Place.QUEUE:
        caller.place = Place.QUEUE
        caller.returns += 1
        call.let_go = False


def _leg_ended(call: _Call, fact: f.LegEnded) -> None:
    leg = _leg_of(call, fact.leg_id)
    if leg is None or leg.ended:
        return
    leg.ended, leg.how = call.at, fact.ended_by
    if leg is not call.caller and not call.live:
        call.let_go = fact.ended_by == "party"


def _transfer_requested(call: _Call, fact: f.TransferRequested) -> None:
    _ring(call, fact.transfer_id, fact.target, 0)


def _ring(call: _Call, transfer_id: str, centre: str, place: int) -> None:
    leg = _Leg(f"{transfer_id}#{place}", "target", call.at, Place.OUT, centre)
    leg.transfer_id = transfer_id
    call.ringing[transfer_id] = leg


def _transfer_changed(call: _Call, fact: f.TransferChanged) -> None:
    rings = call.ringing.get(fact.transfer_id)
    if fact.state in RETURNED:
        call.returned.add(fact.transfer_id)
    if rings is not None:
        _ringing_changed(call, rings, fact)
    if fact.state is S.RETURNED_TO_QUEUE and not call.live:
        _requeued(call, f.CallerRequeued(call_id=call.id, at=fact.at))


def _ringing_changed(call: _Call, rings: _Leg, fact: f.TransferChanged) -> None:
    if fact.state is S.RINGING:
        rings.rang = rings.rang or call.at
    target = call.agents.get(fact.target_leg)
    if target and target.answered:
        target.role, target.transfer_id = "target", fact.transfer_id
        # A leg that was talking before it became the target keeps the time it talked.
        target.started = min(target.started, rings.started)
        # One that is said to ring in the moment of its answer: nobody saw it ring.
        seen = rings.rang and rings.rang < target.answered
        target.rang = rings.rang if seen else None
        del call.ringing[fact.transfer_id]
    elif fact.state is S.REQUESTED or fact.state in _NOBODY:
        rings.ended, rings.how = call.at, fact.reason or fact.state
        call.in_vain.append(rings)
        del call.ringing[fact.transfer_id]
        if fact.state is S.REQUESTED:
            tried = sum(leg.transfer_id == fact.transfer_id for leg in call.in_vain)
            _ring(call, fact.transfer_id, rings.centre, tried)


_APPLY: dict[str, Callable[[_Call, Any], None]] = {
    "call.started": _call_started,
    "leg.added": _leg_added,
    "leg.answered": _leg_answered,
    "leg.joined_room": _joined,
    "leg.left_room": _left,
    "leg.held": _put_on_hold,
    "caller.held": _held,
    "caller.on_hold": _held,
    "caller.requeued": _requeued,
    "leg.ended": _leg_ended,
    "transfer.requested": _transfer_requested,
    "transfer.changed": _transfer_changed,
    "call.ended": _call_ended,
}
KINDS = frozenset(_APPLY)
"""The facts that say something of legs."""


# --- records --------------------------------------------------------------------------------


def _close(call: _Call) -> CallLog | None:
    if call.ended is None:
        return None
    caller = call.caller or _Leg(f"{call.id}.caller.0", "caller", call.at, Place.OUT)
    complete = call.started and call.caller and caller.ended
    estimated = call.estimated or not complete
    for leg in call.agents.values():
        estimated |= leg.ended is None
    legs = [caller, *call.agents.values(), *call.in_vain, *call.ringing.values()]
    records = [_leg_record(call, leg, estimated) for leg in legs]
    return CallLog(call=_call_record(call, caller, records[0]), legs=records)


def _leg_record(call: _Call, leg: _Leg, estimated: bool) -> LegRecord:
    ended = leg.ended or call.at
    until = leg.answered or ended
    # Of one that the dialplan rang by itself, only the answer is known.
    rung = leg.role == "target" and (leg.rang or not leg.answered)
    return LegRecord(
        id=leg.id,
        call_id=call.id,
        role=leg.role,
        centre=leg.centre or (call.started.centre if call.started else ""),
        agent=leg.agent,
        transfer_id=leg.transfer_id,
        started_at=leg.started,
        answered_at=leg.answered,
        ended_at=ended,
        wait_ms=None if leg.role == "agent" else _ms(until - leg.started),
        rewait_ms=_ms(leg.spent.get("rewait")),
        returns=leg.returns,
        ring_ms=_ms(until - leg.rang if leg.rang else None) if rung else None,
        talk_ms=_ms(leg.spent.get("talk")),
        conference_ms=_ms(leg.spent.get("conference")),
        hold_ms=_ms(leg.spent.get("hold")),
        how=leg.how,
        estimated=estimated,
    )


def _call_record(call: _Call, caller: _Leg, record: LegRecord) -> CallRecord:
    shared = record.model_dump(
        include={
            "started_at", "answered_at", "ended_at", "rewait_ms", "talk_ms", "conference_ms",
            "hold_ms", "estimated",
        }
    )  # fmt: skip
    waits = caller.answered is not None and caller.place in (Place.QUEUE, Place.HELD)
    return CallRecord(
        id=call.id,
        centre=record.centre,
        message_status=call.started.message_status if call.started else "Actual",
        outcome=_outcome(call, caller, record.ended_at),
        end_reason=call.ended.reason if call.ended else "",
        wait_ms=record.wait_ms or 0,
        returned=len(call.returned),
        gave_up=waits and caller.how == "party",
        **shared,
    )


def _outcome(call: _Call, caller: _Leg, end: datetime) -> Outcome:
    hung_up = call.let_go or any(
        leg.how == "party" and leg.ended and end <= leg.ended <= end + _HANG_UPS_CROSS
        for leg in call.agents.values()
    )
    if caller.ended and caller.how in ("switch", "gateway") and not hung_up:
        return "lost"
    return "answered" if caller.answered else "abandoned"


def _ms(span: timedelta | None) -> int:
    return round(span.total_seconds() * 1000) if span else 0
