"""Where the caller is: with an agent, in the room, held by the dialplan, or in a queue. Pure.

A caller is never left where nobody comes: each word of the switch about the caller's place, and
each agent's leaving, ends in one of these.
"""

from datetime import timedelta

from gateway.calls import commands as c
from gateway.calls import consult, reach
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls import transfer as t
from gateway.calls.facts import FailureReason, TransferState
from gateway.calls.state import CallState, Leg
from gateway.calls.step import Step

_CROSSES = timedelta(seconds=2)
"""A hang-up this soon after a move that was refused is why it was."""


def served_again(step: Step) -> None:
    """An agent of the queue has the caller: what was still ringing for them is in vain."""
    _out_of_room(step, held=False)
    transfer = step.state.transfer
    if not transfer or not transfer.live or transfer.committed:
        return
    if step.state.agent(transfer.transferor) is None:
        step.drop_target(transfer)
        step.move_transfer(transfer, TransferState.RETURNED_TO_QUEUE, FailureReason.NO_ANSWER)
        step.forget_ringing()


def entered(step: Step) -> None:
    """The caller is in the room."""
    fetched = step.state.fetching
    step.set(caller_held=False, on_hold=False, fetching=False, queued=False, forsaken=False)
    step.set(requeued_at=None)
    transfer = step.state.transfer
    if transfer and transfer.live:
        if transfer.release_due and transfer.committed:
            t.release(step, transfer)
        elif not step.state.staying:
            t.hold_if_alone(step, transfer)
    elif fetched:
        # Whom we fetched the caller for may have left meanwhile.
        step.requeue()


def _out_of_room(step: Step, *, held: bool) -> None:
    step.set(caller_held=held, on_hold=False, fetching=False, queued=False)
    step.set(forsaken=held and step.state.served)
    if not held:
        step.set(requeued_at=None)
    if step.state.caller:
        step.leave_room(step.state.caller)


def held(step: Step, _event: e.CallerHeld) -> None:
    if not step.state.caller_held:
        step.record(f.CallerHeld(call_id=step.state.call_id, at=step.at))
    _out_of_room(step, held=True)
    transfer = step.state.transfer
    if transfer and transfer.live and transfer.blind:
        t.moved(step, transfer)
    if _awaited(step.state):
        step.fetch()
    elif (transfer is None or not transfer.live) and not consult.left_aside(step):
        step.requeue()


def put_on_hold(step: Step, _event: e.CallerOnHold) -> None:
    if not step.state.on_hold:
        step.record(f.CallerOnHold(call_id=step.state.call_id, at=step.at))
    _out_of_room(step, held=False)
    step.set(on_hold=True)
    transfer = step.state.transfer
    if transfer and transfer.live and transfer.aside:
        t.moved(step, transfer)
    elif _awaited(step.state):
        step.fetch()
    else:
        consult.on_hold_for_nobody(step)


def requeued(step: Step, _event: e.CallerRequeued) -> None:
    transfer = step.state.transfer
    transferor = step.state.agent(transfer.transferor) if transfer else None
    if transfer and transfer.live and transferor in step.state.staying:
        return  # late word of an earlier time: this caller is with the transferor
    if not step.state.queued:
        step.record(f.CallerRequeued(call_id=step.state.call_id, at=step.at))
    _out_of_room(step, held=False)
    step.set(queued=True, forsaken=step.state.served)
    if _awaited(step.state):
        step.fetch()
    elif transfer and transfer.live:
        step.drop_target(transfer)
        step.move_transfer(transfer, TransferState.RETURNED_TO_QUEUE, reach.why(transfer))
        step.forget_ringing()


def not_requeued(step: Step) -> None:
    """The switch did not do it, or is silent: who has shown since that they wait is sent again."""
    step.set(requeued_at=None)
    transfer = step.state.transfer
    if step.state.caller_held and not (transfer and transfer.live):
        step.requeue()


def _awaited(state: CallState) -> bool:
    """Is the transfer's person at the target in the room?"""
    transfer = state.transfer
    leg = state.agent(transfer.leg_id) if transfer and transfer.committed else None
    return leg is not None and leg.in_room and not leg.leaving


def same_bridge(step: Step, joined: e.RoomJoined) -> None:
    """Two rooms of one name: the caller came into one just as it ended. To the one with people.

    Seen of Asterisk 22.10 where the last one leaves a conference within milliseconds of another's
    coming: whoever comes next is in a new one, and neither hears the other.
    """
    if leg := step.state.leg_of(joined.unique_id):
        step.set_leg(leg, bridge=joined.bridge)
    caller = step.state.caller
    if (
        caller is None
        or not caller.in_room
        or joined.aside
        or not (caller.bridge and joined.bridge)
    ):
        return
    others = {leg.bridge for leg in step.state.staying if leg.in_room} | {joined.bridge}
    if others - {caller.bridge, ""}:
        step.do(c.FetchCaller(step.ref, caller.unique_id))


def let_alone_go(step: Step) -> None:
    """The caller has gone: an agent alone in the room has nobody to talk to."""
    inside = [leg for leg in step.state.staying if leg.in_room or leg.aside]
    if step.state.ended and len(inside) == 1:
        step.hang_up(inside[0])


def maybe_left_alone(step: Step, leg: Leg) -> None:
    """The last agent may go home and end the call; we may not take the last one away."""
    transfer = step.state.transfer
    queued = transfer is not None and transfer.state is TransferState.RETURNED_TO_QUEUE
    taken_away = leg.hung_up_by_us and not queued
    waits = step.state.caller_held or step.state.on_hold
    if waits or taken_away or _left_it_to_the_target(step, leg):
        step.requeue()


def _left_it_to_the_target(step: Step, leg: Leg) -> bool:
    """Whether the operator pressed the key and put down the phone at once.

    A switch that was to move an operator on the way out has refused, and said so before it said
    that the operator has gone: the caller was meant to go on.
    """
    transfer = step.state.transfer
    if transfer is None or transfer.transferor != leg.id or transfer.refused_at is None:
        return False
    return step.at - transfer.refused_at <= _CROSSES
