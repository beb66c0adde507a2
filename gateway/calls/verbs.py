"""Which verbs are legal now, and whose they are. Pure."""

from dataclasses import replace

from gateway.calls import events as e
from gateway.calls.facts import LegRole, TransferState
from gateway.calls.state import CallState, Leg, Transfer

RINGS = frozenset({e.Ask.TRANSFER, e.Ask.THREE_WAY, e.Ask.CONSULT})
"""Verbs that ring their target; the others may come with one that means nothing."""


def legal(state: CallState, ask: e.Ask, leg: Leg | None, target: str = "") -> bool:
    """Would `ask`, made by the operator on `leg`, be accepted now?

    `target`: a centre, '' any; of DROP a leg, '' the one who came in last.
    """
    if state.ended or state.caller is None or leg is None or leg.hung_up_by_us:
        return False
    if ask is e.Ask.DROP:
        return droppable(state, leg, target) is not None
    transfer = state.transfer
    if transfer is None or not transfer.live:
        return _may_ring(state, ask, leg, target)
    if ask is e.Ask.BACK:
        transferor = state.agent(transfer.transferor)
        return transferor is not None and not transferor.leaving
    if ask in (e.Ask.RELEASE, e.Ask.JOIN):
        together = transfer.aside or ask is e.Ask.RELEASE
        return together and transfer.committed and transfer.transferor == leg.id
    return settled(transfer) and _may_ring(state, ask, leg, target)


def _may_ring(state: CallState, ask: e.Ask, leg: Leg, target: str) -> bool:
    """May another party be rung? Who else serves the caller could not be left with them aside."""
    if ask is e.Ask.CONSULT and (state.queued or any(one.id != leg.id for one in state.staying)):
        return False
    return ask in RINGS and not state.caller_held and not _present(state, target)


def droppable(state: CallState, leg: Leg, leg_id: str = "") -> Leg | None:
    """Whom the operator on `leg` would drop: never the caller, never the last with the caller."""
    caller = state.caller
    if caller is None or not (caller.in_room and leg.in_room) or leg.leaving:
        return None
    others = [one for one in state.staying if one.in_room and one.id != leg.id]
    return next((one for one in reversed(others) if leg_id in ("", one.id)), None)


def settled(transfer: Transfer | None) -> bool:
    """Is its target's person in the room, so that a further party may be rung?"""
    return transfer is not None and transfer.state is TransferState.THREE_WAY


def _present(state: CallState, target: str) -> bool:
    """Is somebody of that centre on the call already?"""
    return bool(target) and any(leg.party.centre == target for leg in state.staying)


def meant(state: CallState, asked: e.Asked) -> e.Asked:
    """While an operator consults, the key for three makes three of it; no key drops a centre."""
    transfer = state.transfer
    if asked.ask is e.Ask.DROP:
        return replace(asked, target="")
    if asked.ask is e.Ask.THREE_WAY and transfer and transfer.live and transfer.aside:
        return replace(asked, ask=e.Ask.JOIN, target="")
    return asked


def refusal(state: CallState, asked: e.Asked) -> str:
    """Why `asked` would be ignored; '' when it would be done, or has been done already."""
    asked = meant(state, asked)
    if asked.ref in state.asked:
        return ""
    leg = asking_leg(state, asked)
    if leg is None:
        return "unknown leg"
    if not legal(state, asked.ask, leg, asked.target or asked.party):
        return "illegal"
    rung = asked.ask in RINGS and not asked.native
    return "no link" if rung and not linked(state, leg, asked.target) else ""


def repeats(state: CallState, asked: e.Asked) -> bool:
    """Is `asked` what is under way already: a key pressed twice, by one operator or by two?"""
    transfer = state.transfer
    under_way = transfer is not None and transfer.live and asked.target == transfer.target
    return under_way and asked.ask in RINGS


def asking_leg(state: CallState, asked: e.Asked) -> Leg | None:
    """The agent leg that asks: by channel for keys, by agent (or whoever may) for API."""
    if asked.unique_id:
        leg = state.leg_of(asked.unique_id)
        left = state.left
        handed = asked.native and asked.ask is e.Ask.TRANSFER
        if handed and left and asked.unique_id in (left.unique_id, left.channel):
            return left  # a phone's own transfer: its leg may have ended before we hear of it
        return leg if leg and leg.role is LegRole.AGENT else None
    mine = [leg for leg in state.agents if not asked.agent or leg.party.agent == asked.agent]
    able = [
        leg
        for leg in mine
        if legal(state, asked.ask, leg, asked.target or asked.party)
        and linked(state, leg, asked.target)
    ]
    return next(iter([*able, *mine]), None)


def linked(state: CallState, leg: Leg, target: str) -> bool:
    """Is there a link from this leg's centre to `target` ('': the verb has none)?"""
    return not target or (leg.party.centre or state.centre, target) in state.rules
