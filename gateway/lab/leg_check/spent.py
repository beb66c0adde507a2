"""What the wire says of one call: how long each leg waited, talked, conferred, was held. Pure.

Written from docs/architecture.md and the definitions in `gateway.calls.leg_record`, and from
nothing of the gateway's own record: where a key or a hang-up puts whom is what the manual says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from itertools import pairwise
from typing import Literal, NamedTuple

from gateway.lab.leg_check.wire import WireLeg
from gateway.lab.town import centre_of, is_seat

Role = Literal["caller", "agent", "target"]
_NEXT_SEAT_S = 1.3
"""Within this the queue (retry=1) rings the next seat, or has given up."""


class _At(Enum):
    QUEUE = 1
    BRIDGE = 2
    ROOM = 3
    ASIDE = 4
    HELD = 5
    AWAY = 6


class _Event(NamedTuple):
    at: float
    what: Literal["up", "end", "key", "hold", "resume", "refer", "failed"]
    leg: WireLeg
    code: str = ""


@dataclass
class Spent:
    """Of one leg; seconds. `asked`: when the key was pressed that rang a target."""

    leg: WireLeg
    role: Role
    asked: float | None = None
    wait: float | None = None
    ring: float | None = None
    rewait: float = 0.0
    talk: float = 0.0
    conference: float = 0.0
    hold: float = 0.0


class InVain(NamedTuple):
    """A key whose target gave nobody; seconds from the key, and from the first ringing."""

    asked: float
    wait: float
    ring: float
    refused: bool = False
    """By the phones: when the queue gave up asking again is not on the wire."""


@dataclass
class _Call:
    at_once: bool
    caller: WireLeg
    legs: list[WireLeg]
    place: dict[int, _At] = field(default_factory=dict)
    holds: set[int] = field(default_factory=set)
    roles: dict[int, Role] = field(default_factory=dict)
    asked: dict[int, float] = field(default_factory=dict)
    key: _Event | None = None
    """The key whose target has neither answered nor failed."""
    in_vain: list[InVain] = field(default_factory=list)

    def up(self) -> list[WireLeg]:
        return [leg for leg in self.legs if id(leg) in self.place]

    def put(self, place: _At, *legs: WireLeg | None) -> None:
        for leg in legs:
            if leg is not None:
                self.place[id(leg)] = place

    def where(self, place: _At) -> list[WireLeg]:
        return [leg for leg in self.up() if self.place[id(leg)] is place]

    @property
    def caller_at(self) -> _At:
        return self.place.get(id(self.caller), _At.AWAY)


def spent_of(legs: list[WireLeg], *, at_once: bool) -> tuple[list[Spent], list[InVain]]:
    """What each leg of a call has spent; `legs`: all with its caller's number."""
    caller = next(leg for leg in legs if leg.calls_in)
    others = [leg for leg in legs if not leg.calls_in]
    call = _Call(at_once, caller, others)
    call.put(_At.QUEUE, caller)
    spent = {id(leg): Spent(leg, "agent") for leg in others if leg.answered}
    spent[id(caller)] = Spent(caller, "caller")
    happened = sorted(_events(caller, others), key=lambda event: event.at)
    first = _Event(caller.invited, "up", caller)
    for event, following in pairwise([first, *happened, happened[-1]]):
        if event is not first:
            _apply(call, event)
        for leg in [caller, *call.up()]:
            if event.at < (leg.ended or following.at):
                _add(spent[id(leg)], _does(call, leg), following.at - event.at)
    return [_finish(call, one) for one in spent.values()], call.in_vain


def _events(caller: WireLeg, others: list[WireLeg]) -> Iterator[_Event]:
    for leg in [caller, *others]:
        if leg.answered and leg is not caller:
            yield _Event(leg.answered, "up", leg)
        if leg.ended and (leg.answered or leg is caller):
            yield _Event(leg.ended, "end", leg)
        if leg.referred:
            yield _Event(leg.referred, "refer", leg)
        yield from (_Event(key.at, "key", leg, key.code) for key in leg.keys)
        yield from (_Event(one.at, "hold" if one.on else "resume", leg) for one in leg.holds)
        if leg.ended and not leg.answered and leg is not caller and _gave_up(leg, others):
            yield _Event(leg.ended, "failed", leg)


def _gave_up(leg: WireLeg, others: list[WireLeg]) -> bool:
    """Whether nobody of that centre was rung any more when this phone had stopped ringing."""
    ended = leg.ended or 0.0
    same = [one for one in others if _centre(one) == _centre(leg) and one is not leg]
    rings = (one.invited <= ended + _NEXT_SEAT_S and (one.ended or ended) > ended for one in same)
    talks = (one.answered and one.answered <= ended + _NEXT_SEAT_S for one in same)
    return not any(rings) and not any(talks)


def _centre(leg: WireLeg) -> str:
    return centre_of(leg.user) if is_seat(leg.user) else leg.user


# --- what each event means --------------------------------------------------------------------


def _apply(call: _Call, event: _Event) -> None:
    if event.what == "up":
        _up(call, event)
    elif event.what == "end":
        _end(call, event.leg)
    elif event.what == "hold":
        call.holds.add(id(event.leg))
    elif event.what == "resume":
        call.holds.discard(id(event.leg))
    elif event.what == "refer":
        call.key = event
        call.put(_At.HELD, call.caller)
        call.put(_At.AWAY, event.leg)
    elif event.what == "key":
        _pressed(call, event)
    elif event.what == "failed" and call.key:
        _failed(call, call.key, event)


def _up(call: _Call, event: _Event) -> None:
    leg = event.leg
    if call.caller_at is _At.QUEUE:
        call.roles[id(leg)] = "agent"
        call.put(_At.BRIDGE, leg, call.caller)
        return
    call.roles[id(leg)] = "target"
    if call.key:
        call.asked[id(leg)] = call.key.at
    call.key = None
    if call.where(_At.ASIDE):
        call.put(_At.ASIDE, leg)
    else:
        call.put(_At.ROOM, leg, call.caller)


def _end(call: _Call, leg: WireLeg) -> None:
    was = call.place.pop(id(leg), _At.AWAY)
    if leg is call.caller:
        return
    if was is _At.ASIDE:
        # Who is left is the operator, or the person that they have handed the caller to.
        rest = call.where(_At.ASIDE)
        call.put(_At.ROOM, *rest, *([call.caller] if rest else []))
    elif was is _At.ROOM and not call.where(_At.ROOM) and call.caller_at is _At.ROOM:
        call.put(_At.HELD if call.key else _At.AWAY, call.caller)
    elif was is _At.BRIDGE and call.caller_at is _At.BRIDGE:
        call.put(_At.AWAY, call.caller)


def _pressed(call: _Call, event: _Event) -> None:
    leg, code = event.leg, event.code
    aside = call.place.get(id(leg)) is _At.ASIDE
    if aside and code in ("*0", "*3"):
        together = call.where(_At.ASIDE) if code == "*3" else [leg]
        call.put(_At.ROOM, *together, call.caller)
    elif aside and code == "*9":
        call.put(_At.ROOM, *(one for one in call.where(_At.ASIDE) if one is not leg), call.caller)
        call.put(_At.AWAY, leg)
    elif code.startswith("*7"):
        call.key = event
        call.put(_At.HELD, call.caller)
        call.put(_At.ASIDE, leg)
    elif code == "*3" or len(code) > 2:
        call.key = event
        at_once = call.at_once and code != "*3" and len(call.up()) == 1
        call.put(_At.HELD if at_once else _At.ROOM, call.caller)
        call.put(_At.AWAY if at_once else _At.ROOM, leg)


def _failed(call: _Call, key: _Event, event: _Event) -> None:
    """Nobody answered: the operator goes on with the caller, or the queue gets them back."""
    same = [one for one in call.legs if _centre(one) == _centre(event.leg)]
    rang = [one.rang for one in same if one.rang and key.at <= one.invited <= event.at]
    ring = event.at - min(rang) if rang else 0.0
    call.in_vain.append(InVain(key.at, event.at - key.at, ring, event.leg.refused))
    call.key = None
    if aside := call.where(_At.ASIDE):
        call.put(_At.ROOM, *aside, call.caller)
    elif call.caller_at is _At.HELD and not call.where(_At.ROOM):
        call.put(_At.QUEUE, call.caller)


# --- time -------------------------------------------------------------------------------------


def _does(call: _Call, leg: WireLeg) -> str:
    place = call.place.get(id(leg), _At.AWAY)
    if place is _At.QUEUE:
        return "rewait" if call.roles else ""
    here = [call.caller, *call.legs]
    beside = [one for one in here if one is not leg and call.place.get(id(one)) is place]
    together = id(leg) not in call.holds and any(id(one) not in call.holds for one in beside)
    if together and place is _At.BRIDGE:
        return "talk"
    return "conference" if together and place in (_At.ROOM, _At.ASIDE) else "hold"


def _add(spent: Spent, does: str, seconds: float) -> None:
    if does:
        setattr(spent, does, getattr(spent, does) + seconds)


def _finish(call: _Call, spent: Spent) -> Spent:
    leg = spent.leg
    until = leg.answered or leg.ended or leg.invited
    if leg is call.caller:
        spent.wait = until - leg.invited
        return spent
    spent.role = call.roles.get(id(leg), "agent")
    if spent.role == "target":
        spent.asked = call.asked.get(id(leg))
        alike = partial(_rung_for, leg, spent.asked or 0.0)
        rang = [one.rang for one in call.legs if one.rang and alike(one)]
        spent.ring = until - min(rang) if rang else None
        spent.wait = until - spent.asked if spent.asked else None
    return spent


def _rung_for(leg: WireLeg, asked: float, other: WireLeg) -> bool:
    return _centre(other) == _centre(leg) and asked <= other.invited <= (leg.answered or asked)
