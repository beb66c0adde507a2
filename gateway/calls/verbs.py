"""Which verbs are legal now, and whose they are. Pure."""

from gateway.calls import events as e
from gateway.calls.facts import LegRole
from gateway.calls.state import CallState, Leg


def legal(state: CallState, ask: e.Ask, leg: Leg | None) -> bool:
    """Would `ask`, made by the operator on `leg`, be accepted now?"""
    if state.ended or state.caller is None or leg is None or leg.hung_up_by_us:
        return False
    transfer = state.transfer
    live = transfer is not None and transfer.live
    if ask in (e.Ask.TRANSFER, e.Ask.THREE_WAY):
        return not live and not state.caller_held
    if transfer is None or not live:
        return False
    if ask is e.Ask.BACK:
        transferor = state.agent(transfer.transferor)
        return transferor is not None and not transferor.leaving
    return transfer.committed and transfer.transferor == leg.id


def refusal(state: CallState, asked: e.Asked) -> str:
    """Why `asked` would be ignored; '' when it would be done, or has been done already."""
    if asked.ref in state.asked:
        return ""
    leg = asking_leg(state, asked)
    if leg is None:
        return "unknown leg"
    return "" if legal(state, asked.ask, leg) else "illegal"


def asking_leg(state: CallState, asked: e.Asked) -> Leg | None:
    """The live agent leg that asks: by channel for keys, by agent (or whoever may) for API."""
    if asked.unique_id:
        leg = state.leg_of(asked.unique_id)
        return leg if leg and leg.role is LegRole.AGENT else None
    mine = [leg for leg in state.agents if not asked.agent or leg.party.agent == asked.agent]
    able = [
        leg for leg in mine if legal(state, asked.ask, leg) and linked(state, leg, asked.target)
    ]
    return next(iter([*able, *mine]), None)


def linked(state: CallState, leg: Leg, target: str) -> bool:
    """Is there a link from this leg's centre to `target` ('': the verb has none)?"""
    return not target or (leg.party.centre or state.centre, target) in state.rules
