"""Who may do what: the one table of rights (plan clause D44)."""

from enum import StrEnum
from typing import Literal

from gateway.calls.port import Actor
from gateway.calls.view import CallView

Role = Literal["operator", "supervisor", "admin", "system"]


class Right(StrEnum):
    CALLS_OWN = "calls.own"
    """See calls on which one's own seat has, or had, a leg."""
    CALLS_ALL = "calls.all"
    ACT = "calls.act"
    """Use the verbs and decide suggestions, while one's own seat is on the call."""
    REVEAL = "numbers.reveal"
    """See a caller's number on request, one at a time, audited."""
    NUMBERS_CLEAR = "numbers.clear"
    """Get numbers unmasked throughout, audited per answer."""
    RECORDINGS = "recordings"
    TICKETS = "tickets.list"
    """See which tickets there are and how their delivery stands."""
    TICKETS_READ = "tickets.read"
    """Read a ticket's content."""
    FIGURES = "figures"
    """See connection rates, the leg log, and calls that were not served."""
    CALLBACKS = "callbacks.read"
    """See whom to call back: an operator those of the own centre."""
    CALLBACKS_DO = "callbacks.do"
    """Take a call-back and say what came of it; a supervisor also another's."""
    DESIGNATE = "calls.designate"
    """Say which centre accepts a call that goes to and fro."""
    SETUP = "setup"
    """See links, seats and keys."""
    SUGGEST = "suggestions"
    """Ask where a text belongs."""
    HEALTH = "health"
    METRICS = "metrics"


_R = Right
RIGHTS: dict[Role, frozenset[Right]] = {
    "operator": frozenset(
        {_R.CALLS_OWN, _R.ACT, _R.REVEAL, _R.CALLBACKS, _R.CALLBACKS_DO, _R.SETUP, _R.SUGGEST}
    ),
    "supervisor": frozenset(
        {
            _R.CALLS_ALL, _R.REVEAL, _R.RECORDINGS, _R.TICKETS, _R.TICKETS_READ, _R.FIGURES,
            _R.CALLBACKS, _R.CALLBACKS_DO, _R.DESIGNATE, _R.SETUP, _R.SUGGEST, _R.HEALTH,
            _R.METRICS,
        }
    ),
    # An admin keeps the machine running and has no need of what callers say.
    "admin": frozenset({_R.TICKETS, _R.FIGURES, _R.SETUP, _R.HEALTH, _R.METRICS}),
    "system": frozenset(
        {
            _R.CALLS_ALL, _R.NUMBERS_CLEAR, _R.RECORDINGS, _R.TICKETS, _R.TICKETS_READ,
            _R.FIGURES, _R.CALLBACKS, _R.SETUP, _R.SUGGEST, _R.HEALTH, _R.METRICS,
        }
    ),
}  # fmt: skip


def has(actor: Actor, right: Right) -> bool:
    """Whether the actor's role carries `right`."""
    return right in RIGHTS[actor.role]


def may_see(actor: Actor, call: CallView) -> bool:
    """Whether the call may be shown to the actor at all."""
    if has(actor, Right.CALLS_ALL):
        return True
    return has(actor, Right.CALLS_OWN) and any(_own(actor, leg.agent) for leg in call.legs.values())


def may_act(actor: Actor, call: CallView) -> bool:
    """Whether the actor's own seat is on the call now, so that its verbs are theirs to use."""
    return has(actor, Right.ACT) and any(
        _own(actor, leg.agent) and leg.ended_at is None for leg in call.legs.values()
    )


def _own(actor: Actor, agent: str) -> bool:
    return bool(actor.agent) and actor.agent == agent
