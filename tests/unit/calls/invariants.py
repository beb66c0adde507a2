"""What must hold after every step, whatever the switch says in whatever order."""

from collections import Counter
from itertools import pairwise

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import TransferState as S
from gateway.calls.state import CallState, Transfer

from .given import CALLER, Scene

ENDS = {S.RETURNED_TO_AGENT, S.RETURNED_TO_QUEUE, S.CANCELLED, S.CALLER_GONE}
NEXT = {
    S.REQUESTED: {S.RINGING, S.REQUESTED} | ENDS,
    S.RINGING: {S.BRIEFING, S.REQUESTED} | ENDS,
    S.BRIEFING: {S.CONSULTING, S.THREE_WAY, S.RELEASED} | ENDS,
    S.CONSULTING: {S.THREE_WAY, S.RELEASED} | ENDS,
    S.THREE_WAY: {S.RELEASED, S.COMPLETED} | ENDS,
    S.RELEASED: {S.COMPLETED},
}
"""Legal order of a transfer's states; those not named are its end."""
MOVES_CALLER = c.MoveToRoom | c.FetchCaller | c.HoldCaller | c.RequeueCaller


class Watch:
    """Checks each step of a scene's machine."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.held_at: int | None = None
        self.on_hold_at: int | None = None
        self.ended = False
        self.called = ""
        """The target's leg beneath which something was called last."""
        self.people: set[str] = set()
        """Targets' legs on which a person has answered, as the link's rules know one."""

    def take(self, event: e.Event) -> list[c.Command]:
        """Let the machine take `event`; every invariant holds afterwards."""
        scene = self.scene
        before = scene.state
        seen = len(scene.commands)
        self._knows_people(event, before)
        scene.take(event)
        commands = scene.commands[seen:]
        self._answered_by_a_person()
        if isinstance(event, e.TargetTried) and before.transfer:
            # Of a leg that is not rung yet nothing can be tried.
            self.called = event.leg_id if event.leg_id == before.transfer.leg_id else self.called
        if isinstance(event, e.CallerHeld) and not before.ended:
            self.held_at = seen
        if isinstance(event, e.CallerOnHold) and not before.ended:
            # With an operator in the second room already, it is the dialplan that sees to both.
            theirs = any(leg.aside for leg in scene.state.staying)
            late = before.transfer and before.transfer.live and before.transfer.crossing
            self.on_hold_at = None if theirs else self._last_aside() if late else seen
        for command in commands:
            if isinstance(command, c.HangUp):
                self._hang_up_is_right(command, event, before)
            assert not (self.ended and isinstance(command, c.RingTarget | MOVES_CALLER))
            # (n) to the queue only without anybody to talk to: it would release who has the caller.
            assert not (isinstance(command, c.RequeueCaller) and scene.state.staying)
        self._moved_then_rung(commands, before)
        self._dropped_if_refused(commands, event, before)
        self._rings_as_often_as_agreed(commands, before)
        self._called_back_if_forsaken(commands, before)
        self._once_only()
        self._way_out()
        self._held_is_served()
        self._on_hold_is_fetched()
        self._facts_are_in_order(commands)
        assert not before.ended or scene.state.ended
        self.ended = scene.state.ended
        return commands

    def _knows_people(self, event: e.Event, before: CallState) -> None:
        """Scenes begin with people on the call already; later ones have to prove themselves."""
        transfer = before.transfer
        if transfer is None:
            return
        by = transfer.rules.places[transfer.tried]
        if not self.people and transfer.answered and by != "sign":
            self.people.add(transfer.leg_id)
        if isinstance(event, e.TargetAnswered):
            proof = {"sign": event.by_sign, "agent": event.by_agent, "device": True}
            if event.leg_id == transfer.leg_id and proof[by]:
                self.people.add(event.leg_id)

    def _answered_by_a_person(self) -> None:
        """(m) what only looks like an answer, as a queue's or a PBX's own, is none."""
        transfer = self.scene.state.transfer
        if transfer and transfer.live and transfer.answered and not transfer.native:
            assert transfer.leg_id in self.people

    def _hang_up_is_right(self, command: c.HangUp, event: e.Event, before: CallState) -> None:
        """(a) never the caller's leg, (b) no agent who would leave the caller without a person."""
        assert command.unique_id != CALLER
        assert ".caller." not in command.unique_id
        state = self.scene.state
        transfer = state.transfer
        if state.ended or (".target." in command.unique_id and transfer is None):
            return
        assert transfer is not None
        if isinstance(event, e.Asked) and event.ask is e.Ask.DROP:
            self._drop_is_right(command, state)
            return
        if transfer.transferor != command.ref or before.agent(command.ref) is None:
            assert command.ref.startswith((f"{state.call_id}.target.", f"{state.call_id}.native."))
            return
        if transfer.blind and self._caller_hears_ringing(event, before):
            return
        person = transfer.answered and (transfer.native or transfer.leg_id in self.people)
        assert person, f"{event} released the operator before a person answered"
        assert transfer.joined
        assert state.caller is not None
        assert state.caller.in_room
        assert state.agent(transfer.leg_id) is not None

    def _caller_hears_ringing(self, event: e.Event, before: CallState) -> bool:
        """Released at once: the dialplan has the caller, or the queue is given them."""
        transfer = self.scene.transfer
        if not any(one.ref == transfer.id for one in self.scene.all(c.HoldCaller)):
            return False
        done = isinstance(event, e.CommandEnded) and event.outcome is e.Outcome.DONE
        held = before.caller_held or isinstance(event, e.CallerHeld) or done
        queued = transfer.state is S.RETURNED_TO_QUEUE and any(
            isinstance(one, c.RequeueCaller) for one in self.scene.commands[-2:]
        )
        return held or queued or bool(self.scene.state.staying)

    def _drop_is_right(self, command: c.HangUp, state: CallState) -> None:
        """(l) a party is let go only beside another who stays with the caller, and it is told."""
        assert state.caller is not None
        assert state.caller.in_room
        assert [leg for leg in state.staying if leg.in_room and leg.id != command.ref]
        dropped = [one.leg_id for one in self.scene.facts if isinstance(one, f.PartyDropped)]
        assert command.ref in dropped

    def _moved_then_rung(self, commands: list[c.Command], before: CallState) -> None:
        """(h) a move is followed by its ring at once, and only who is in the room rings alone."""
        orders = [one for one in commands if isinstance(one, c.RingTarget) or _moves(one)]
        if not orders:
            return
        *moves, ring = orders
        assert isinstance(ring, c.RingTarget)
        if moves:
            [move] = moves
            assert isinstance(move, c.MoveToRoom | c.HoldCaller | c.MoveAside)
            assert move.ref == ring.ref
            assert ring.aside == isinstance(move, c.MoveAside)
            return
        if ring.place > 0:
            assert ring.place < len(self.scene.transfer.rules.places)
            assert before.transfer is not None
            assert (before.transfer.id, before.transfer.tried) == (ring.ref, ring.place - 1)
            assert not before.transfer.answered, "a person was there: nobody else is rung"
            return
        transferor = before.agent(self.scene.transfer.transferor)
        assert transferor is not None
        assert transferor.in_room
        assert before.caller is not None
        assert before.caller.in_room

    def _dropped_if_refused(
        self, commands: list[c.Command], event: e.Event, before: CallState
    ) -> None:
        """(i) a refused move ends what rings for it, unless the caller is seen with the room."""
        transfer, caller = before.transfer, before.caller
        if not isinstance(event, e.CommandEnded) or transfer is None or transfer.moved:
            return
        if event.name != transfer.first_move:
            return
        if not transfer.live or transfer.id != event.ref or caller is None:
            return
        if caller.in_room and not transfer.blind and not transfer.aside:
            return
        if transfer.aside and before.on_hold:
            return
        if event.outcome is not e.Outcome.REFUSED or before.caller_held:
            return
        leg = before.agent(transfer.leg_id)
        dropped = {one.ref for one in commands if isinstance(one, c.HangUp)}
        dropped |= {leg.id} if leg and leg.hung_up_by_us else set()
        assert transfer.leg_id in dropped or not transfer.rung
        assert self.scene.transfer.state in ENDS

    def _rings_as_often_as_agreed(self, commands: list[c.Command], before: CallState) -> None:
        """(j) a hand-over too many rings only for danger, or to whom it belongs by a decision."""
        view, transfer = self.scene.view, self.scene.state.transfer
        if transfer is None or not any(isinstance(one, c.RingTarget) for one in commands):
            return
        limit = transfer.rules.designate_at
        hand_over = transfer.kind is f.TransferKind.ONE_KEY and transfer.tried == 0 and limit > 0
        if hand_over and view.handovers + 1 >= limit and not before.danger:
            assert view.owner is not None
            assert view.owner.centre == transfer.target

    def _called_back_if_forsaken(self, commands: list[c.Command], before: CallState) -> None:
        """(k) a task for whoever went while a target only rang, none beside a person's answer."""
        facts = [one.fact for one in commands if isinstance(one, c.Record)]
        due = [one for one in facts if isinstance(one, f.CallbackDue)]
        gone = any(isinstance(one, f.CallEnded) for one in facts)
        transfer = before.transfer
        if gone and transfer is not None and transfer.live:
            if not transfer.answered or before.on_hold:
                assert len(due) == 1
            elif not before.forsaken:
                assert due == []
        if due:
            assert gone
            assert before.served
            assert before.forsaken or (transfer is not None and transfer.live)
            assert len(due) == 1

    def _once_only(self) -> None:
        """(c) one ring a leg id, one a transfer's place; leg ids are never used again."""
        rings = self.scene.all(c.RingTarget)
        places = Counter((one.ref, one.place) for one in rings)
        for counted in (Counter(one.leg_id for one in rings), places):
            assert max(counted.values(), default=1) == 1
        added = Counter(one.leg_id for one in self.scene.facts if isinstance(one, f.LegAdded))
        assert max(added.values(), default=1) == 1

    def _way_out(self) -> None:
        """(d) a live transfer has a deadline ahead of it, or a person who talks; silence and the
        way out of a consultation have their own.
        """
        transfer = self.scene.state.transfer
        if transfer is None or not transfer.live:
            return
        ours = (transfer.id, transfer.leg_id)
        armed = {arm.deadline for arm in self.scene.armed if arm.ref in ours}
        if transfer.answered:
            assert self.scene.state.agent(transfer.leg_id) is not None
            self._crossing_ends(transfer, armed)
        else:
            assert e.Deadline.RING in armed
        if self.called == transfer.leg_id and transfer.state is S.REQUESTED:
            queue, joined = transfer.answered_by == "agent", transfer.joined
            assert queue or joined or e.Deadline.ALIVE in armed
        if transfer.rung and not transfer.moved:
            assert e.Deadline.MOVE in armed

    def _crossing_ends(self, transfer: Transfer, armed: set[e.Deadline]) -> None:
        """On the way out of a consultation, as long as the switch does not do it by itself."""
        state = self.scene.state
        operator = state.agent(transfer.transferor)
        ours = transfer.crossing and state.on_hold and operator and not operator.leaving
        if ours and state.caller and not state.caller.leaving:
            assert e.Deadline.MOVE in armed

    def _held_is_served(self) -> None:
        """(g) a held caller with nobody left and nothing ringing is sent to the queue."""
        state = self.scene.state
        live = state.transfer is not None and state.transfer.live
        if self.held_at is None or not state.caller_held or state.caller is None:
            return
        transfer = state.transfer
        person = state.agent(transfer.leg_id) if transfer and live and transfer.committed else None
        if person and person.in_room and not person.leaving:
            since = self.scene.commands[self.held_at :]
            assert any(isinstance(one, c.FetchCaller) for one in since), "a person waits inside"
        if not live and not state.agents:
            since = self.scene.commands[self.held_at :]
            sent = any(isinstance(one, c.RequeueCaller | c.FetchCaller) for one in since)
            assert sent or state.requeued_at is not None, "nor are they on the way"

    def _on_hold_is_fetched(self) -> None:
        """(j) music plays while an operator consults; else the caller was sent for."""
        state = self.scene.state
        transfer = state.transfer
        consults = transfer is not None and transfer.live and (transfer.aside or transfer.crossing)
        if self.on_hold_at is None or not state.on_hold or state.caller is None or consults:
            return
        if state.caller.leaving:
            return
        since = self.scene.commands[self.on_hold_at :]
        assert any(isinstance(one, MOVES_CALLER) for one in since)

    def _last_aside(self) -> int:
        """Where the order stands that has put the caller on hold: the way out follows it."""
        commands = self.scene.commands
        places = [at for at, one in enumerate(commands) if isinstance(one, c.MoveAside)]
        return places[-1] if places else 0

    def _facts_are_in_order(self, commands: list[c.Command]) -> None:
        """(f) facts survive the journal, and each transfer's states come in a legal order."""
        for command in commands:
            if isinstance(command, c.Record):
                assert f.parse(f.dump(command.fact)) == command.fact
        for transfer in self.scene.view.transfers:
            states = [one.state for one in transfer.steps]
            for one, after in pairwise(states):
                assert after in NEXT.get(one, set()), states


def _moves(command: c.Command) -> bool:
    """Is it the beginning of a transfer: both into the room, or one of them aside?"""
    aside = isinstance(command, c.HoldCaller) and command.ring_s > 0
    return aside or isinstance(command, c.MoveAside) or _enters(command)


def _enters(command: c.Command) -> bool:
    return isinstance(command, c.MoveToRoom) and not command.back
