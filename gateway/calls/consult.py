"""A private consultation: operator and target in a second room, the caller on hold. Pure.

It ends in one of four ways: all three in the caller's room (`join`), target and caller there
(`hand_over`, or the operator hangs up), the operator back with the caller (`reunite`), or without
the caller. The switch lets the target out of the second room when the operator leaves it, and on
into the caller's; twice a second the caller's own dialplan looks whether anybody is there.
"""

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import TransferState
from gateway.calls.state import Leg, Transfer
from gateway.calls.step import Step

CROSS_WITHIN_S = 3.0
CROSS_AGAIN_S = 0.4
"""A way out takes milliseconds, and the caller's dialplan looks for somebody for a second."""


def talking(step: Step, transfer: Transfer) -> None:
    """The target's person is in the second room."""
    step.record(
        f.LegJoinedRoom(
            call_id=step.state.call_id, at=step.at, leg_id=transfer.leg_id, room="consult"
        )
    )
    step.forget_ringing()
    step.move_transfer(transfer, TransferState.CONSULTING)


def join(step: Step, transfer: Transfer) -> None:
    """All three into the caller's room; the target follows the operator by itself."""
    if operator := step.state.agent(transfer.transferor):
        _cross(step, transfer, operator)


def hand_over(step: Step, transfer: Transfer) -> None:
    """Target and caller into the caller's room; the operator goes once both are there."""
    if target := step.state.agent(transfer.leg_id):
        _cross(step, step.set_transfer(transfer, release_due=True), target)


def _cross(step: Step, transfer: Transfer, companion: Leg) -> None:
    step.set_transfer(transfer, aside=False, joined=False, crossing=True)
    if _to_caller(step, companion):
        step.arm(e.Deadline.MOVE, transfer.id, CROSS_WITHIN_S)


def not_crossed(step: Step, transfer: Transfer) -> None:
    """The switch refused the way out: they go on as they were, and the caller stays on hold.

    With the operator gone, the switch takes target and caller to each other by itself.
    """
    operator = step.state.agent(transfer.transferor)
    if step.state.on_hold and operator and not operator.leaving:
        step.set(fetching=False)
        step.set_transfer(transfer, aside=True, joined=True, crossing=False, release_due=False)


def reunite(step: Step, transfer: Transfer) -> None:
    """The operator returns to the caller, if the two are apart."""
    operator = step.state.agent(transfer.transferor)
    if operator is None or operator.leaving:
        return
    if transfer.aside or operator.aside or step.state.on_hold:
        step.set_transfer(transfer, aside=False, crossing=False)
        _to_caller(step, operator)


def operator_gone(step: Step, transfer: Transfer) -> None:
    """The operator has put down the phone: the caller is the target's, as with any transfer."""
    target = step.state.agent(transfer.leg_id)
    if target and not target.leaving:
        _cross(step, transfer, target)
        return
    transfer = step.set_transfer(transfer, aside=False, joined=False, crossing=False)
    step.hold(transfer)


def agent_moved(step: Step, leg: Leg, *, aside: bool) -> None:
    """An agent was seen in a room: where they are is where the consultation stands."""
    transfer = step.state.transfer
    if transfer and transfer.live:
        if transfer.crossing:
            return
        if transfer.kind is f.TransferKind.CONSULT and leg.id == transfer.transferor:
            step.set_transfer(transfer, aside=aside)
    if step.state.on_hold and not aside and not step.state.fetching:
        step.fetch()


def caller_gone(step: Step, transfer: Transfer) -> None:
    """There is nothing left to consult about: both are told, and may talk on."""
    if not transfer.aside:
        return
    for leg in step.state.staying:
        if leg.id in (transfer.transferor, transfer.leg_id):
            step.do(c.Tell(transfer.id, leg.channel, "caller-gone"))


def on_hold_for_nobody(step: Step) -> None:
    """The caller is on hold although we know of no consultation: to whoever serves them.

    With an operator in the second room there is one, begun without us; the dialplan sees to it.
    """
    transfer = step.state.transfer
    staying = sorted(
        step.state.staying, key=lambda leg: transfer is None or leg.id != transfer.transferor
    )
    if not staying:
        step.requeue()
    elif transfer and transfer.live and transfer.crossing:
        step.arm(e.Deadline.MOVE, transfer.id, CROSS_WITHIN_S)
    elif not any(leg.aside for leg in staying):
        _to_caller(step, staying[0])


def _to_caller(step: Step, leg: Leg) -> bool:
    """Take the caller from hold and `leg` from wherever it is into the caller's room."""
    caller = step.state.caller
    if caller is None or caller.leaving:
        return False
    step.set(fetching=True)
    step.do(c.MoveToRoom(step.ref, caller.unique_id, leg.handle, back=True))
    step.arm(e.Deadline.CROSS, leg.id, CROSS_AGAIN_S)
    return True


def cross_again(step: Step, leg_id: str) -> None:
    """Asterisk forgets a redirect of one whose key in the room it is just acting on: once more."""
    leg = step.state.agent(leg_id)
    if leg and leg.aside and not leg.leaving and step.state.fetching:
        _to_caller(step, leg)


def left_aside(step: Step) -> bool:
    """A caller with nobody while somebody is in the second room still: the two belong together."""
    aside = [leg for leg in step.state.staying if leg.aside]
    return bool(aside) and _to_caller(step, aside[0])
