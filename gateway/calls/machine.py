"""The pure machine of a call: `step(state, event) -> (state, commands)`.

No clock, no I/O: what is true of every interleaving is proven by property tests. Asterisk is the
truth for legs; a hang-up may come in any state; an event that no longer fits changes nothing.
"""

from collections.abc import Callable
from typing import Any

from gateway.calls import commands as c
from gateway.calls import consult, reach
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls import ownership as o
from gateway.calls import transfer as t
from gateway.calls import whereabouts as w
from gateway.calls.callback import call_back
from gateway.calls.drop import drop
from gateway.calls.facts import FailureReason, LegRole, TransferState
from gateway.calls.state import CallState, Leg, Transfer
from gateway.calls.step import Step
from gateway.calls.verbs import asking_leg, meant, refusal, repeats


def step(state: CallState, event: e.Event) -> tuple[CallState, list[c.Command]]:
    """Take one event; returns the next state and what is to be done, in order."""
    handle = _HANDLERS.get(type(event))
    if handle is None or (state.ended and not isinstance(event, _AFTER_END)):
        return state, []
    taken = Step(state, event.at)
    handle(taken, event)
    return taken.state, taken.commands


def _arrived(step: Step, event: e.CallArrived) -> None:
    if step.state.caller is not None or step.state.room:
        return
    call_id = step.state.call_id
    leg = Leg(f"{call_id}.caller.0", LegRole.CALLER, event.channel, event.unique_id)
    step.set(
        caller=leg,
        room=event.room,
        centre=event.centre,
        caller_number=event.caller_number,
        started=event.at,
        handovers=event.handovers,
    )
    step.record(
        f.CallStarted(
            call_id=call_id,
            at=event.at,
            room=event.room,
            caller_number=event.caller_number,
            called_number=event.called_number,
            centre=event.centre,
            recording=event.recording,
            message_status=event.message_status,
            handovers=event.handovers,
        )
    )
    step.record(
        f.LegAdded(
            call_id=call_id,
            at=event.at,
            leg_id=leg.id,
            role=leg.role,
            channel=leg.channel,
            unique_id=leg.unique_id,
            number=event.caller_number,
        )
    )


def _agent_connected(step: Step, event: e.AgentConnected) -> None:
    state = step.state
    caller = state.caller
    if caller is None or state.leg_of(event.unique_id) or event.unique_id in state.gone:
        return
    if not event.in_room:
        w.served_again(step)
    spent = state.spent + 1
    leg = Leg(
        f"{state.call_id}.agent.{spent}",
        LegRole.AGENT,
        event.channel,
        event.unique_id,
        event.party,
    )
    first = not state.served
    step.set(spent=spent, served=True)
    step.state = step.state.with_leg(leg)
    call_id = state.call_id
    step.record(
        f.LegAdded(
            call_id=call_id,
            at=event.at,
            leg_id=leg.id,
            role=leg.role,
            channel=leg.channel,
            unique_id=leg.unique_id,
            centre=event.party.centre or state.centre,
            agent=event.party.agent,
            agent_name=event.party.name,
            extension=event.party.extension,
        )
    )
    if first:
        step.record(f.LegAnswered(call_id=call_id, at=event.at, leg_id=caller.id, late=event.late))
        step.do(c.OpenTap(caller.id, caller.channel))
    step.record(f.LegAnswered(call_id=call_id, at=event.at, leg_id=leg.id, late=event.late))
    step.do(c.OpenTap(leg.id, leg.channel))


def _room_joined(step: Step, event: e.RoomJoined) -> None:
    transfer = step.state.transfer
    if transfer and transfer.live and event.unique_id == transfer.leg_id:
        t.joined(step, transfer, aside=event.aside)
        w.same_bridge(step, event)
        return
    leg = step.state.leg_of(event.unique_id)
    if leg is None:
        if not _stray(step, event.unique_id) and transfer and transfer.live and transfer.native:
            t.adopt(step, transfer, event)
        return
    step.enter_room(leg, aside=event.aside)
    w.same_bridge(step, event)
    if leg.role is LegRole.CALLER:
        w.entered(step)
    else:
        consult.agent_moved(step, leg, aside=event.aside)
    w.let_alone_go(step)


def _room_left(step: Step, event: e.RoomLeft) -> None:
    if leg := step.state.leg_of(event.unique_id):
        step.leave_room(leg, aside=event.aside)


def _held(step: Step, event: e.Held) -> None:
    leg = step.state.leg_of(event.unique_id)
    if leg and leg.holds != event.on:
        step.set_leg(leg, holds=event.on)
        call_id = step.state.call_id
        step.record(f.LegHeld(call_id=call_id, at=step.at, leg_id=leg.id, on=event.on))


def _hangup_requested(step: Step, event: e.HangupRequested) -> None:
    if leg := step.state.leg_of(event.unique_id):
        step.set_leg(leg, hung_up_by_party=True)


def _channel_ended(step: Step, event: e.ChannelEnded) -> None:
    state = step.state
    transfer = state.transfer
    leg = state.leg_of(event.unique_id)
    step.set(gone=state.gone | {event.unique_id})
    if leg is None:
        if transfer and transfer.live and event.unique_id == transfer.leg_id:
            t.target_gone(step, transfer)
        return
    step.state = step.state.without_leg(leg)
    by = "gateway" if leg.hung_up_by_us else "party" if leg.hung_up_by_party else "switch"
    step.record(
        f.LegEnded(call_id=state.call_id, at=step.at, leg_id=leg.id, cause=event.cause, ended_by=by)
    )
    if leg.role is LegRole.CALLER:
        _caller_gone(step, leg)
    elif state.ended:
        w.let_alone_go(step)
    else:
        step.set(left=leg)
        _agent_gone(step, leg)


def _caller_gone(step: Step, caller: Leg) -> None:
    call_back(step)
    o.call_ends(step)
    state = step.state
    transfer = state.transfer
    if transfer and transfer.live:
        if transfer.answered:
            consult.caller_gone(step, step.move_transfer(transfer, TransferState.CALLER_GONE))
        else:
            t.cancel(step, transfer, TransferState.CALLER_GONE)
    reason = (
        "abandoned"
        if not state.served
        else "caller_hung_up"
        if caller.hung_up_by_party
        else "last_agent_left"
        if not state.agents
        else "switch"
    )
    step.set(ended=True)
    step.record(f.CallEnded(call_id=state.call_id, at=step.at, reason=reason))
    w.let_alone_go(step)


def _agent_gone(step: Step, leg: Leg) -> None:
    transfer = step.state.transfer
    if transfer is None or not transfer.live:
        w.maybe_left_alone(step, leg)
    elif leg.id == transfer.leg_id:
        t.target_gone(step, transfer)
    elif leg.id == transfer.transferor:
        t.transferor_gone(step, transfer, leg)


def _asked(step: Step, asked: e.Asked) -> None:
    asked = meant(step.state, asked)
    leg = asking_leg(step.state, asked)
    if leg is None or asked.ref in step.state.asked:
        return
    if refusal(step.state, asked):
        _tell_refusal(step, asked, leg)
        return
    transfer = step.state.transfer
    if o.must_ask(step.state, asked, leg):
        o.ask(step, asked, leg)
    elif asked.ask in (e.Ask.TRANSFER, e.Ask.THREE_WAY, e.Ask.CONSULT):
        t.request(step, asked, leg, asked.target)
    elif asked.ask is e.Ask.BACK and transfer:
        t.cancel(step, transfer, TransferState.CANCELLED)
    elif asked.ask is e.Ask.DROP:
        drop(step, asked, leg)
    elif asked.ask is e.Ask.JOIN and transfer:
        consult.join(step, transfer)
    elif asked.ask is e.Ask.RELEASE and transfer and transfer.aside:
        consult.hand_over(step, transfer)
    elif asked.ask is e.Ask.RELEASE and transfer:
        t.release(step, transfer)


def _tell_refusal(step: Step, asked: e.Asked, leg: Leg) -> None:
    """Whoever pressed a key that cannot be done hears it; by API, the answer says so."""
    by_key = asked.unique_id and not asked.native
    if by_key and not leg.leaving and not repeats(step.state, asked):
        step.do(c.Tell(asked.ref, leg.channel, "key-refused"))


def _marked(step: Step, event: e.DangerMarked) -> None:
    if event.danger != step.state.danger:
        step.set(danger=event.danger)
        step.record(
            f.CallMarked(
                call_id=step.state.call_id,
                at=step.at,
                danger=event.danger,
                agent=event.agent,
                why=event.why,
            )
        )


def _command_ended(step: Step, event: e.CommandEnded) -> None:
    if event.name == "HangUp" and event.outcome is e.Outcome.REFUSED:
        if leg := step.state.agent(event.ref):
            step.set_leg(leg, hung_up_by_us=False)
        return
    if event.name == "RequeueCaller" and event.outcome is not e.Outcome.DONE:
        w.not_requeued(step)
        return
    transfer = step.state.transfer
    if transfer is None or transfer.id != event.ref or not transfer.live:
        return
    if event.name == transfer.first_move and not transfer.moved:
        if event.outcome is e.Outcome.DONE:
            t.moved(step, transfer)
        elif event.outcome is e.Outcome.REFUSED:
            t.not_moved(step, transfer)
        # UNKNOWN: the room's own events, or the deadline, decide.
    elif event.name == "MoveToRoom" and transfer.crossing and event.outcome is e.Outcome.REFUSED:
        consult.not_crossed(step, transfer)
    elif event.name == "RingTarget" and event.outcome is e.Outcome.REFUSED and not transfer.met:
        t.failed(step, transfer, FailureReason.UNREACHABLE)


def _deadline(step: Step, event: e.DeadlinePassed) -> None:
    transfer = step.state.transfer
    if event.deadline is e.Deadline.CROSS:
        consult.cross_again(step, event.ref)
        return
    if transfer is None or event.ref not in (transfer.id, transfer.leg_id) or not transfer.live:
        return
    if event.deadline is e.Deadline.MOVE and not transfer.moved:
        t.not_moved(step, transfer)
    elif event.deadline is e.Deadline.MOVE and transfer.crossing:
        consult.not_crossed(step, transfer)
    elif event.deadline is e.Deadline.RING and not transfer.answered:
        step.drop_target(transfer)
        t.failed(step, transfer, FailureReason.NO_ANSWER)
    elif event.deadline is e.Deadline.ALIVE and reach.may_be_given_up(transfer):
        step.drop_target(transfer)
        t.failed(step, transfer, FailureReason.UNREACHABLE)
    elif event.deadline is e.Deadline.RELEASE and transfer.committed:
        t.release(step, transfer)


def _target_tried(step: Step, event: e.TargetTried) -> None:
    if (transfer := _of(step, event.leg_id)) is not None:
        reach.tried(step, transfer)
    else:
        _stray(step, event.leg_id)


def _target_ringing(step: Step, event: e.TargetRinging) -> None:
    if (transfer := _of(step, event.leg_id)) is not None:
        reach.ringing(step, transfer)
    else:
        _stray(step, event.leg_id)


def _target_refused(step: Step, event: e.TargetRefused) -> None:
    if (transfer := _of(step, event.leg_id)) is not None:
        step.set_transfer(transfer, refusals=(*transfer.refusals, event.reason))


def _target_answered(step: Step, event: e.TargetAnswered) -> None:
    if (transfer := _of(step, event.leg_id)) is not None:
        t.answered(step, transfer, event)
    else:
        _stray(step, event.leg_id)


def _target_failed(step: Step, event: e.TargetFailed) -> None:
    transfer = _of(step, event.leg_id)
    if transfer is not None and not transfer.answered:
        t.failed(step, transfer, reach.why(transfer))


def _stray(step: Step, leg_id: str) -> bool:
    """Hang up a target's leg that shows life although it was given up.

    Its hang-up may have come before the switch had made its channel.
    """
    state = step.state
    ours = leg_id.startswith(f"{state.call_id}.target.")
    if ours and leg_id not in state.gone and state.agent(leg_id) is None:
        step.do(c.HangUp(leg_id, leg_id))
    return ours


def _of(step: Step, leg_id: str) -> Transfer | None:
    """The live transfer whose target's leg this is."""
    transfer = step.state.transfer
    return transfer if transfer and transfer.live and transfer.leg_id == leg_id else None


_AFTER_END = (
    e.ChannelEnded,
    e.CommandEnded,
    e.HangupRequested,
    e.RoomJoined,
    e.RoomLeft,
    e.TargetAnswered,
    e.TargetRinging,
    e.TargetTried,
)
"""What still matters once the caller has gone: the legs that are left."""

_HANDLERS: dict[type[e.Event], Callable[[Step, Any], None]] = {
    e.CallArrived: _arrived,
    e.AgentConnected: _agent_connected,
    e.RoomJoined: _room_joined,
    e.RoomLeft: _room_left,
    e.Held: _held,
    e.CallerHeld: w.held,
    e.CallerOnHold: w.put_on_hold,
    e.CallerRequeued: w.requeued,
    e.HangupRequested: _hangup_requested,
    e.ChannelEnded: _channel_ended,
    e.Asked: _asked,
    e.DangerMarked: _marked,
    e.OwnerDesignated: o.designated,
    e.OwnerSettled: o.settled,
    e.CommandEnded: _command_ended,
    e.DeadlinePassed: _deadline,
    e.TargetTried: _target_tried,
    e.TargetRinging: _target_ringing,
    e.TargetRefused: _target_refused,
    e.TargetAnswered: _target_answered,
    e.TargetFailed: _target_failed,
}
