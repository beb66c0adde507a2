"""The leg log's figures beside those of the wire, call by call. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from gateway.lab.leg_check.spent import InVain, Spent
from gateway.lab.leg_check.wire import WireLeg

Logged = dict[str, Any]
"""A leg of the log, as the API shows it."""
_SPENT = ("talk", "conference", "hold")


class Difference(NamedTuple):
    """One figure of one leg; milliseconds, moments as Unix milliseconds."""

    leg: str
    figure: str
    logged: float
    wire: float

    @property
    def ms(self) -> float:
        return abs(self.logged - self.wire)


@dataclass(frozen=True)
class Verdict:
    """Of one call."""

    legs: int
    greatest: Difference | None
    estimated: bool = False
    """The log says itself that it guesses: facts were missing."""
    error: str = ""


def compare(
    logged: list[Logged],
    spent: list[Spent],
    in_vain: list[InVain],
    named: list[WireLeg],
) -> Verdict:
    """Every figure of every leg of a call; `named`: legs whose agent any call's log knows."""
    pairs, error = pair(logged, spent)
    if error:
        return Verdict(len(logged), None, error=error)
    found = [one for leg, wire in pairs for one in _of_leg(leg, wire, named)]
    vain = [leg for leg in logged if leg["role"] == "target" and not leg["answered_at"]]
    if len(vain) != len(in_vain):
        error = f"rung in vain: the log has {len(vain)}, the wire {len(in_vain)}"
        return Verdict(len(logged), None, error=error)
    vain.sort(key=lambda leg: str(leg["started_at"]))
    for leg, wire in zip(vain, in_vain, strict=True):
        if wire.refused:
            continue
        found.append(Difference("rung in vain", "wait", leg["wait_ms"], wire.wait * 1000))
        found.append(Difference("rung in vain", "ring", leg["ring_ms"], wire.ring * 1000))
    estimated = any(leg["estimated"] for leg in logged)
    return Verdict(len(logged), max(found, key=lambda one: one.ms), estimated)


def pair(logged: list[Logged], spent: list[Spent]) -> tuple[list[tuple[Logged, Spent]], str]:
    """The log's answered legs and the wire's, in order, or why they are not the same."""
    callers = [leg for leg in logged if leg["role"] == "caller"]
    answered = [leg for leg in logged if leg["role"] != "caller" and leg["answered_at"]]
    answered.sort(key=lambda leg: str(leg["answered_at"]))
    wires = sorted(
        (one for one in spent if one.role != "caller"), key=lambda one: one.leg.answered or 0
    )
    caller = [one for one in spent if one.role == "caller"]
    if len(callers) != 1 or len(answered) != len(wires):
        return [], f"answered: the log has {len(answered)} legs, the wire {len(wires)}"
    for leg, wire in zip(answered, wires, strict=True):
        # Of a key that nobody heard the log cannot know that it rang a target.
        same = leg["role"] == wire.role or leg["estimated"]
        if not same or leg["agent"] not in ("", f"a{wire.leg.user}"):
            return (
                [],
                f"the log has {leg['role']} {leg['agent']}, the wire {wire.role} {wire.leg.user}",
            )
    return list(zip([*callers, *answered], [*caller, *wires], strict=True)), ""


def _of_leg(leg: Logged, spent: Spent, named: list[WireLeg]) -> Iterator[Difference]:
    name = f"{spent.role} {spent.leg.user}"
    wire = spent.leg
    yield Difference(name, "ended", _ms(leg["ended_at"]), (wire.ended or 0) * 1000)
    if leg["answered_at"] or wire.answered:
        yield Difference(name, "answered", _ms(leg["answered_at"]), (wire.answered or 0) * 1000)
    figures: Iterable[str] = _SPENT
    if spent.role == "caller":
        yield Difference(name, "started", _ms(leg["started_at"]), wire.invited * 1000)
        figures = ("wait", "rewait", *_SPENT)
    elif spent.role == "target":
        figures = ("wait", "ring", *_SPENT)
    for figure in figures:
        if figure in ("wait", "ring") and leg[f"{figure}_ms"] is None:
            continue  # not known of a phone that the dialplan rang by itself
        seconds = getattr(spent, figure)
        yield Difference(name, figure, leg[f"{figure}_ms"] or 0, (seconds or 0) * 1000)
    if spent.role != "caller" and leg["agent"]:
        yield Difference(name, "wrap-up", leg["wrap_up_ms"] or 0, _wrap_up(wire, named) * 1000)


def _wrap_up(leg: WireLeg, named: list[WireLeg]) -> float:
    """Until the same phone has answered again; 0: it has not."""
    ended = leg.ended or 0.0
    again = [one.answered for one in named if one.user == leg.user and one.answered]
    return min((at - ended for at in again if at >= ended), default=0.0)


def _ms(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000 if moment else 0.0
