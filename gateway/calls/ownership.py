"""Whose call it is when the centres do not agree (D03, D04). Pure.

Hand-overs between centres are counted. The third one does not ring again: it asks a supervisor to
designate the centre that accepts, while the operator who asked keeps the caller. What is marked as
dangerous always rings.
"""

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.state import CallState, Designating, Leg, Rules, Transfer
from gateway.calls.step import Step


def hop(state: CallState, rules: Rules) -> int:
    """Which hand-over between the centres the next one over this link is; 0: to a line outside."""
    return state.handovers + 1 if rules.designate_at else 0


def must_ask(state: CallState, asked: e.Asked, leg: Leg) -> bool:
    """Does this key ask for a designation? Not a three-way: there the two agree by themselves."""
    if asked.ask is not e.Ask.TRANSFER or asked.native or state.danger:
        return False
    rules = state.rules.get((_centre(state, leg), asked.target), Rules())
    return 0 < rules.designate_at <= hop(state, rules) and asked.target != state.owner


def ask(step: Step, asked: e.Asked, leg: Leg) -> None:
    """Ask for a designation, once for each way over; the operator hears why nothing rings."""
    state = step.state
    source = _centre(state, leg)
    waits = Designating(leg.id, source, asked.target)
    step.set(asked=state.asked | {asked.ref}, designating=waits)
    if state.designating != waits:
        rules = state.rules.get((source, asked.target), Rules())
        step.record(
            f.DesignationAsked(
                call_id=state.call_id,
                at=step.at,
                ref=asked.ref,
                source=source,
                target=asked.target,
                leg_id=leg.id,
                agent=leg.party.agent,
                hop=hop(state, rules),
            )
        )
    step.do(c.Tell(asked.ref, leg.channel, "designation-asked"))


def designated(step: Step, event: e.OwnerDesignated) -> None:
    """A supervisor has decided: a transfer to that centre rings again."""
    state = step.state
    step.record(
        f.OwnershipDesignated(
            call_id=state.call_id,
            at=step.at,
            centre=event.centre,
            by=event.by,
            reason=event.reason,
        )
    )
    waiting = state.agent(state.designating.leg_id) if state.designating else None
    step.set(owner=event.centre, designating=None, unsettled="")
    if waiting and not waiting.leaving:
        step.do(c.Tell(state.call_id, waiting.channel, "designation-made"))


def three_way(step: Step, transfer: Transfer) -> None:
    """People of two centres talk about whose matter it is."""
    if transfer.kind is f.TransferKind.THREE_WAY and transfer.rules.designate_at:
        step.set(unsettled=transfer.id)


def settled(step: Step, event: e.OwnerSettled) -> None:
    """They agree, or they do not: then the first centre accepts."""
    _settle(step, event.centre, event.by)


def handed_over(step: Step, transfer: Transfer) -> None:
    """The transferor has gone and the target has the call: that says whose it is for now."""
    if transfer.rules.designate_at:
        step.set(handovers=step.state.handovers + 1, unsettled="", designating=None)


def call_ends(step: Step) -> None:
    """Nobody has written down what became of a three-way: the first centre accepts."""
    if step.state.unsettled:
        _settle(step, "", "")


def _settle(step: Step, centre: str, by: str) -> None:
    state = step.state
    transfer_id = state.unsettled or (state.transfer.id if state.transfer else "")
    step.record(
        f.OwnershipSettled(
            call_id=state.call_id,
            at=step.at,
            centre=centre or state.centre,
            how="accepted" if centre else "first_answer",
            transfer_id=transfer_id,
            by=by,
        )
    )
    step.set(owner=centre or state.centre, unsettled="", designating=None)


def _centre(state: CallState, leg: Leg) -> str:
    return leg.party.centre or state.centre
