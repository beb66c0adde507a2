"""A gateway that starts while calls are up: from the journal's facts back to live state. Pure.

The journal says what we knew; what the switch did meanwhile is asked of it afterwards
(`telephony.reconcile`), and goes through the machine like any other event.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.calls import commands as c
from gateway.calls import facts as f
from gateway.calls.events import Deadline, Party
from gateway.calls.facts import LegRole, TransferState
from gateway.calls.state import LIVE_TRANSFER, CallState, Designating, Leg, Rules, Transfer
from gateway.calls.transfer import RING_GRACE_S
from gateway.calls.view import CallView, LegView, TransferView

_JOINED = (TransferState.CONSULTING, TransferState.THREE_WAY, TransferState.COMPLETED)
RulesOf = Mapping[tuple[str, str], Rules]


def views_of(facts: Iterable[f.Fact]) -> dict[str, CallView]:
    """Fold facts, oldest first, into one view a call."""
    views: dict[str, CallView] = {}
    for fact in facts:
        views.setdefault(fact.call_id, CallView(id=fact.call_id)).apply(fact)
    return views


def state_of(view: CallView, rules: RulesOf) -> CallState:
    """The state as the journal knew it: every leg whose end is not on record counts as live."""
    legs = [_leg(leg) for leg in view.legs.values() if leg.ended_at is None]
    caller = next((leg for leg in legs if leg.role is LegRole.CALLER), None)
    agents = tuple(leg for leg in legs if leg.role is LegRole.AGENT)
    return CallState(
        call_id=view.id,
        room=view.room,
        centre=view.centre,
        caller_number=view.caller_number,
        started=view.started_at,
        danger=view.danger,
        caller=caller,
        agents=agents,
        transfer=_transfer(view, rules),
        handovers=view.handovers,
        owner=view.owner.centre if view.owner else "",
        designating=_designating(view),
        unsettled=view.unsettled,
        forsaken=_forsaken(view),
        on_hold=view.on_hold,
        spent=_spent(view),
        gone=frozenset(leg.unique_id for leg in view.legs.values() if leg.ended_at),
        served=any(leg.role is LegRole.AGENT for leg in view.legs.values()),
        ended=view.ended_at is not None,
        rules=rules,
    )


def deadlines(state: CallState, at: datetime) -> list[c.Arm]:
    """What a restarted gateway must arm anew for `state`."""
    transfer = state.transfer
    if transfer is None or not transfer.live:
        return []
    if not transfer.answered:
        after = timedelta(seconds=transfer.rules.ring_s + RING_GRACE_S)
        return [c.Arm(Deadline.RING, transfer.leg_id, at + after)]
    if transfer.kind is f.TransferKind.ONE_KEY and transfer.rules.release == "answered":
        after = timedelta(seconds=transfer.rules.brief_s)
        return [c.Arm(Deadline.RELEASE, transfer.id, at + after)]
    return []


def _leg(leg: LegView) -> Leg:
    been = leg.joined_room_at is not None
    inside = been and not leg.aside
    party = Party(leg.centre, leg.agent, leg.agent_name, leg.extension)
    return Leg(
        leg.id, leg.role, leg.channel, leg.unique_id, party, inside, been, leg.aside, leg.holds
    )


def _transfer(view: CallView, rules: RulesOf) -> Transfer | None:
    known = view.transfer
    if known is None:
        return None
    answered, native = bool(known.target_leg), known.via == "native"
    agreed = rules.get((known.source, known.target), Rules())
    return Transfer(
        id=known.id,
        kind=known.kind,
        source=known.source,
        target=known.target,
        transferor=known.transferor_leg,
        leg_id=known.target_leg or _leg_id(view, known),
        state=known.state,
        # Whoever came in natively may be no person: see `transfer.adopt`.
        rules=replace(agreed, release="talk") if native and answered else agreed,
        tried=_places(known) - 1,
        # A target that may ring is never rung again: the reconciliation or the deadline decides.
        # The dialplan's own ring has no channel that we know.
        rung=known.state in LIVE_TRANSFER and not native,
        joined=answered and known.state in _JOINED,
        aside=_consults(view, known),
        answered=answered,
        native=native,
    )


def _designating(view: CallView) -> Designating | None:
    asked = view.designation_asked
    return Designating(asked.leg_id, asked.source, asked.target) if asked else None


def _forsaken(view: CallView) -> bool:
    """Whether a transfer has left the caller to the queue, and nobody has answered since."""
    transfer = view.transfer
    if transfer is None or transfer.state is not TransferState.RETURNED_TO_QUEUE:
        return False
    left = transfer.steps[-1].at
    return all(leg.added_at <= left for leg in view.legs.values())


def _consults(view: CallView, transfer: TransferView) -> bool:
    """Is its operator still consulting, as far as is known?"""
    operator = view.legs.get(transfer.transferor_leg)
    begun = transfer.kind is f.TransferKind.CONSULT and transfer.state in LIVE_TRANSFER
    together = transfer.state is TransferState.THREE_WAY
    return begun and not together and operator is not None and operator.ended_at is None


def _leg_id(view: CallView, transfer: TransferView) -> str:
    """The id the machine gave this transfer's leg."""
    asked = [one.at for one in transfer.steps if one.state is TransferState.REQUESTED][-1]
    legs = [leg for leg in view.legs.values() if leg.added_at <= asked]
    earlier = view.transfers[: view.transfers.index(transfer)]
    return f"{view.id}.target.{_numbers(legs, earlier) + _places(transfer)}"


def _places(transfer: TransferView) -> int:
    """How many places of its link this transfer has rung: each is a request of its own."""
    return sum(one.state is TransferState.REQUESTED for one in transfer.steps)


def _spent(view: CallView) -> int:
    return _numbers(view.legs.values(), view.transfers)


def _numbers(legs: Iterable[LegView], transfers: Sequence[TransferView]) -> int:
    """How many leg numbers these took: the machine counts agents and places in one row.

    Exact, so that the count comes out the same after any number of restarts; no less than any
    number seen, should a fact be lost.
    """
    agents = [leg.id for leg in legs if leg.role is LegRole.AGENT]
    connected = [leg_id for leg_id in agents if ".agent." in leg_id]
    highest = max((int(leg_id.rpartition(".")[2]) for leg_id in agents), default=0)
    return max(len(connected) + sum(map(_places, transfers)), highest)
