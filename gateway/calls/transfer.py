"""A transfer, step by step: pure. Roles after RFC 5589: transferor, transferee, target.

The transferor (an operator) asks; caller and transferor move into the room and the target is rung
into it, in one go. Nothing releases the transferor before a *person* at the target has answered.
"""

from dataclasses import replace

from gateway.calls import commands as c
from gateway.calls import consult, ownership, reach
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import FailureReason, TransferKind, TransferState
from gateway.calls.state import Leg, Rules, Transfer
from gateway.calls.step import Step

MOVE_WITHIN_S = 3.0
RING_GRACE_S = 3.0
"""How long past the ring time we wait for the switch's own word that nobody answered."""
_ANSWERED = (TransferState.BRIEFING, TransferState.CONSULTING)
_HUNTED = frozenset(
    {
        FailureReason.NO_ANSWER,
        FailureReason.BUSY,
        FailureReason.REJECTED,
        FailureReason.UNREACHABLE,
    }
)


def request(step: Step, asked: e.Asked, transferor: Leg, target: str) -> None:
    """Begin a transfer from `transferor` to the centre `target`.

    With an earlier target in the room it adds one more party: the earlier transfer is done.
    """
    if (earlier := step.state.transfer) and earlier.live:
        step.move_transfer(earlier, TransferState.COMPLETED)
    state = step.state
    source = transferor.party.centre or state.centre
    spent = state.spent + 1
    rules = state.rules.get((source, target), Rules())
    step.set(spent=spent, asked=state.asked | {asked.ref})
    transfer = Transfer(
        id=asked.ref,
        kind=asked.kind,
        source=source,
        target=target,
        transferor=transferor.id,
        leg_id=f"{state.call_id}.target.{spent}",
        state=TransferState.REQUESTED,
        rules=rules,
        native=asked.native,
        aside=asked.kind is TransferKind.CONSULT,
        blind=_goes_at_once(step, asked, transferor, rules),
    )
    step.set_transfer(transfer)
    step.record(
        f.TransferRequested(
            call_id=state.call_id,
            at=step.at,
            transfer_id=transfer.id,
            transfer_kind=transfer.kind,
            source=source,
            target=target,
            transferor_leg=transferor.id,
            agent=transferor.party.agent,
            via="native" if asked.native else "key" if asked.unique_id else "api",
            hop=ownership.hop(state, rules),
        )
    )
    if asked.native:
        step.arm(e.Deadline.RING, transfer.leg_id, transfer.rules.ring_s + RING_GRACE_S)
        return
    if state.caller is None:
        return
    if transfer.blind:
        step.do(c.HoldCaller(transfer.id, state.caller.unique_id, transfer.rules.ring_s))
    elif transfer.aside:
        step.do(c.MoveAside(transfer.id, state.caller.unique_id, transferor.handle))
    elif transferor.in_room and state.caller.in_room:
        ring(step, step.set_transfer(transfer, moved=True))
        return
    else:
        step.do(c.MoveToRoom(transfer.id, state.caller.unique_id, transferor.handle))
    step.arm(e.Deadline.MOVE, transfer.id, MOVE_WITHIN_S)
    # The switch takes our orders one after the other: to await its word on the first would only
    # make the target ring later. Should it refuse to move them, the target is dropped.
    ring(step, transfer)


def _goes_at_once(step: Step, asked: e.Asked, transferor: Leg, rules: Rules) -> bool:
    """Whether the caller waits for the target alone: never taken away from someone who stays."""
    alone = all(leg.id == transferor.id for leg in step.state.staying)
    one_key = asked.kind is TransferKind.ONE_KEY and not asked.native
    return one_key and alone and rules.release == "at_once"


def moved(step: Step, transfer: Transfer) -> None:
    """The caller is where the transfer wants them: with one released at once, that was all."""
    step.set_transfer(transfer, moved=True)
    transferor = step.state.agent(transfer.transferor)
    if transfer.blind and transferor:
        step.hang_up(transferor)


def ring(step: Step, transfer: Transfer) -> None:
    """Ring the target: each place of the link once in the life of a transfer."""
    caller = step.state.caller
    if caller is None:
        return
    transfer = step.set_transfer(transfer, rung=True)
    step.do(
        c.RingTarget(
            ref=transfer.id,
            leg_id=transfer.leg_id,
            room=step.state.room,
            caller_channel=caller.channel,
            caller_number=step.state.caller_number,
            centre=step.state.centre,
            source=transfer.source,
            target=transfer.target,
            ring_s=transfer.rules.ring_s,
            place=transfer.tried,
            aside=transfer.aside,
            urgent=step.state.danger,
            hop=ownership.hop(step.state, transfer.rules),
        )
    )
    step.arm(e.Deadline.RING, transfer.leg_id, transfer.rules.ring_s + RING_GRACE_S)


def hunt(step: Step, transfer: Transfer, reason: FailureReason) -> bool:
    """Ring the link's next place, if there is one, for a caller who is still on the line."""
    caller = step.state.caller
    tried = transfer.tried + 1
    if reason not in _HUNTED or tried >= len(transfer.rules.places) or transfer.native:
        return False
    if caller is None or caller.leaving or transfer.answered:
        return False
    step.set(spent=step.state.spent + 1)
    step.move_transfer(transfer, TransferState.REQUESTED, reason)
    again = replace(
        transfer,
        leg_id=f"{step.state.call_id}.target.{step.state.spent}",
        state=TransferState.REQUESTED,
        tried=tried,
        joined=False,
        phones=0,
        refusals=(),
    )
    ring(step, again)
    return True


def answered(step: Step, transfer: Transfer, event: e.TargetAnswered) -> None:
    """A person answered: their leg is on the call."""
    if transfer.answered or event.unique_id in step.state.gone:
        return
    if not _proves_a_person(transfer.answered_by, event):
        return
    if transfer.state is TransferState.REQUESTED:
        transfer = step.move_transfer(transfer, TransferState.RINGING)
    leg = Leg(
        transfer.leg_id,
        f.LegRole.AGENT,
        event.channel,
        event.unique_id,
        # Whoever answers behind a trunk has no seat here, and yet is of the centre that was rung.
        replace(event.party, centre=event.party.centre or transfer.target),
        in_room=transfer.joined and not transfer.aside,
        been_in_room=transfer.joined,
        aside=transfer.joined and transfer.aside,
    )
    step.state = step.state.with_leg(leg)
    call_id = step.state.call_id
    step.record(
        f.LegAdded(
            call_id=call_id,
            at=step.at,
            leg_id=leg.id,
            role=leg.role,
            channel=leg.channel,
            unique_id=leg.unique_id,
            centre=event.party.centre or transfer.target,
            agent=event.party.agent,
            agent_name=event.party.name,
            extension=event.party.extension,
        )
    )
    step.record(f.LegAnswered(call_id=call_id, at=step.at, leg_id=leg.id, late=event.late))
    step.do(c.OpenTap(leg.id, leg.channel))
    transfer = step.set_transfer(transfer, answered=True)
    step.move_transfer(transfer, TransferState.BRIEFING)
    commit(step)


def _proves_a_person(answered_by: str, event: e.TargetAnswered) -> bool:
    """A queue, and a PBX that answers by itself, is no person."""
    if answered_by == "sign":
        return event.by_sign
    return event.by_agent or answered_by == "device"


def joined(step: Step, transfer: Transfer, *, aside: bool = False) -> None:
    """The target's leg is in the room; whether a person is on it is another matter.

    `aside`: in the second room. The switch takes it on from there when the operator leaves.
    """
    if aside and not transfer.aside:
        return
    if transfer.aside and not aside and not transfer.answered and step.state.on_hold:
        step.hold(transfer)
    step.set_transfer(transfer, joined=True, aside=aside)
    if leg := step.state.agent(transfer.leg_id):
        step.set_leg(leg, in_room=not aside, aside=aside, been_in_room=True)
    commit(step)


def commit(step: Step) -> None:
    """Once a person at the target is in the room, hand over as the link's rules say."""
    transfer = step.state.transfer
    if transfer is None or not transfer.committed or transfer.state not in _ANSWERED:
        return
    if transfer.aside:
        if transfer.state is TransferState.BRIEFING:
            consult.talking(step, transfer)
        return
    step.record(f.LegJoinedRoom(call_id=step.state.call_id, at=step.at, leg_id=transfer.leg_id))
    on_hold = step.state.on_hold and not transfer.crossing
    transfer = step.set_transfer(transfer, crossing=False)
    if step.state.caller_held or on_hold:
        step.fetch()
        step.set(caller_held=False)
    step.forget_ringing()
    if step.state.agent(transfer.transferor) is None:
        complete(step, transfer)
        return
    transfer = step.move_transfer(transfer, TransferState.THREE_WAY)
    ownership.three_way(step, transfer)
    if transfer.release_due:
        release(step, transfer)
        return
    if transfer.kind is not TransferKind.ONE_KEY or transfer.rules.release != "answered":
        return
    if transfer.rules.brief_s > 0:
        step.arm(e.Deadline.RELEASE, transfer.id, transfer.rules.brief_s)
    else:
        release(step, transfer)


def release(step: Step, transfer: Transfer) -> None:
    """Let the transferor go, once the caller too is seen in the room with the target.

    The end of the transferor's leg completes the transfer.
    """
    caller = step.state.caller
    if caller is None or not caller.in_room:
        step.set_transfer(transfer, release_due=True)
    elif transferor := step.state.agent(transfer.transferor):
        step.hang_up(transferor)


def adopt(step: Step, transfer: Transfer, event: e.RoomJoined) -> None:
    """The dialplan rang natively and someone has come in: take them as the target."""
    if transfer.answered or event.unique_id in step.state.gone:
        return
    rules = replace(transfer.rules, release="talk")
    transfer = step.set_transfer(transfer, aside=event.aside)
    # Not a name that we gave to a channel, yet one of this call.
    leg_id = transfer.leg_id.replace(".target.", ".native.")
    transfer = step.set_transfer(transfer, leg_id=leg_id, joined=True, rules=rules)
    party = replace(event.party, centre=event.party.centre or transfer.target)
    answered(
        step,
        transfer,
        e.TargetAnswered(step.at, leg_id, event.channel, event.unique_id, party, by_sign=True),
    )


def complete(step: Step, transfer: Transfer) -> None:
    """The transferor has gone and the target has the call."""
    ownership.handed_over(step, transfer)
    transfer = step.move_transfer(transfer, TransferState.RELEASED)
    step.move_transfer(transfer, TransferState.COMPLETED)


def failed(step: Step, transfer: Transfer, reason: FailureReason) -> None:
    """No person at the target: the next place is rung; after the last one the operator keeps the
    caller, or the queue takes them back.
    """
    if hunt(step, transfer, reason):
        return
    if transfer.blind and reason is not FailureReason.SWITCH_ERROR:
        moved(step, transfer)
    if _keeps_caller(step, transfer):
        transfer = step.move_transfer(transfer, TransferState.RETURNED_TO_AGENT, reason)
        step.forget_ringing()
        consult.reunite(step, transfer)
        return
    to_queue(step, transfer, reason)


def to_queue(step: Step, transfer: Transfer, reason: FailureReason) -> None:
    """Nobody at the target, and the transferor has gone."""
    step.move_transfer(transfer, TransferState.RETURNED_TO_QUEUE, reason)
    # In this order: a caller for whom nothing rings any more may be let go by the dialplan.
    if step.state.on_hold:
        consult.on_hold_for_nobody(step)
    else:
        step.requeue()
    step.forget_ringing()


def not_moved(step: Step, transfer: Transfer) -> None:
    """The switch refused the move or is silent about it: a target would wait alone in the room.

    Unless the room itself has shown that the caller came.
    """
    caller = step.state.caller
    if caller and _seen_moved(step, transfer, caller):
        moved(step, transfer)
    elif caller and caller.hung_up_by_party:
        cancel(step, transfer, TransferState.CALLER_GONE)
    else:
        step.drop_target(transfer)
        transfer = step.set_transfer(transfer, refused_at=step.at, aside=False)
        failed(step, transfer, FailureReason.SWITCH_ERROR)


def _seen_moved(step: Step, transfer: Transfer, caller: Leg) -> bool:
    if transfer.aside:
        return step.state.on_hold
    return step.state.caller_held or (caller.in_room and not transfer.blind)


def _keeps_caller(step: Step, transfer: Transfer) -> bool:
    """Does the transferor, or another party, have the caller when the target has failed?

    One who puts down the phone while the target rings has left the caller to it; one who does so
    after the talk with the target has ended the call.
    """
    others = (transfer.transferor, transfer.leg_id)
    if any(leg.in_room and leg.id not in others for leg in step.state.staying):
        return True
    transferor = step.state.agent(transfer.transferor)
    if transferor is None or transferor.hung_up_by_us:
        return False
    return (transfer.committed and not transfer.aside) or not transferor.hung_up_by_party


def target_gone(step: Step, transfer: Transfer) -> None:
    """The target's leg has ended while the transfer was live."""
    failed(step, transfer, FailureReason.TARGET_LEFT if transfer.answered else reach.why(transfer))


def transferor_gone(step: Step, transfer: Transfer, leg: Leg) -> None:
    """The operator has put down the phone, or was released."""
    if transfer.aside or (transfer.crossing and step.state.on_hold):
        consult.operator_gone(step, transfer)
    elif transfer.committed:
        complete(step, transfer)
    elif not leg.been_in_room and not step.state.staying:
        hold_if_alone(step, transfer)


def hold_if_alone(step: Step, transfer: Transfer) -> None:
    """Only an agent's leaving makes the room let the caller out: here none ever came in."""
    caller = step.state.caller
    if caller and caller.in_room and transfer.rung and not transfer.joined:
        step.hold(transfer)


def cancel(step: Step, transfer: Transfer, state: TransferState) -> None:
    """End the target's leg: the operator wants the caller back, or the caller has gone."""
    step.drop_target(transfer)
    step.forget_ringing()
    consult.reunite(step, step.move_transfer(transfer, state))
