"""One party of many is let go, by an operator who stays with the caller. Pure."""

from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls import transfer as t
from gateway.calls.facts import TransferState
from gateway.calls.state import Leg
from gateway.calls.step import Step
from gateway.calls.verbs import droppable


def drop(step: Step, asked: e.Asked, by: Leg) -> None:
    """Let the party go that was named, or else came in last.

    The target of the live transfer is thereby taken back.
    """
    party = droppable(step.state, by, asked.party)
    if party is None:
        return
    step.set(asked=step.state.asked | {asked.ref})
    call_id, agent = step.state.call_id, by.party.agent
    step.record(
        f.PartyDropped(call_id=call_id, at=step.at, leg_id=party.id, by_leg=by.id, agent=agent)
    )
    transfer = step.state.transfer
    if transfer and transfer.live and transfer.leg_id == party.id:
        t.cancel(step, transfer, TransferState.CANCELLED)
    else:
        step.hang_up(party)
