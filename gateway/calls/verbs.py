"""Which verbs are legal now, and whose they are. Pure."""

from dataclasses import replace

from gateway.calls import events as e
from gateway.calls.facts import LegRole, TransferState
from gateway.calls.state import CallState, Leg, Transfer


def legal(state: CallState, ask: e.Ask, leg: Leg | None, target: str = "") -> bool:
    """Would `ask`, made by the operator on `leg`, be accepted now? `target` '': of any centre."""
    if state.ended or state.caller is None or leg is None or leg.hung_up_by_us:
        return False
    transfer = state.transfer
    live = transfer is not None and transfer.live
    if ask is e.Ask.CONSULT:
        alone = all(one.id == leg.id for one in state.staying)
        return not live and alone and not state.caller_held and not state.queued
    if ask in (e.Ask.TRANSFER, e.Ask.THREE_WAY):
        free = not live or settled(transfer)
        return free and not state.caller_held and not _present(state, target)
    if transfer is None or not live:
        return False
    if ask is e.Ask.BACK:
        transferor = state.agent(transfer.transferor)
        return transferor is not None and not transferor.leaving
    if ask is e.Ask.JOIN and not transfer.aside:
        return False
    return transfer.committed and transfer.transferor == leg.id


def settled(transfer: Transfer | None) -> bool:
    """Is its target's person in the room, so that a further party may be rung?"""
    return transfer is not None and transfer.state is TransferState.THREE_WAY


def _present(state: CallState, target: str) -> bool:
    """Is somebody of that centre on the call already?"""
    return bool(target) and any(leg.party.centre == target for leg in state.staying)


def meant(state: CallState, asked: e.Asked) -> e.Asked:
    """While an operator consults, the key for three makes three of it."""
    transfer = state.transfer
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
    return "" if legal(state, asked.ask, leg, asked.target) else "illegal"


def asking_leg(state: CallState, asked: e.Asked) -> Leg | None:
    """The live agent leg that asks: by channel for keys, by agent (or whoever may) for API."""
    if asked.unique_id:
        leg = state.leg_of(asked.unique_id)
        return leg if leg and leg.role is LegRole.AGENT else None
    mine = [leg for leg in state.agents if not asked.agent or leg.party.agent == asked.agent]
    able = [
        leg
        for leg in mine
        if legal(state, asked.ask, leg, asked.target) and linked(state, leg, asked.target)
    ]
    return next(iter([*able, *mine]), None)


def linked(state: CallState, leg: Leg, target: str) -> bool:
    """Is there a link from this leg's centre to `target` ('': the verb has none)?"""
    return not target or (leg.party.centre or state.centre, target) in state.rules
