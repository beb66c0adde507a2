"""One step in the making: the state as changed so far and the commands it led to."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from gateway.calls import commands as c
from gateway.calls import facts as f
from gateway.calls.events import Deadline
from gateway.calls.state import CallState, Leg, Transfer

_REQUEUED_WITHIN = timedelta(seconds=2)
"""An order to the queue of which the switch says nothing for so long has come to nothing."""


class Step:
    """Collects what one event does; `at` stamps every fact."""

    def __init__(self, state: CallState, at: datetime) -> None:
        self.state = state
        self.at = at
        self.commands: list[c.Command] = []

    def do(self, *commands: c.Command) -> None:
        self.commands.extend(commands)

    def arm(self, deadline: Deadline, ref: str, after_s: float) -> None:
        self.do(c.Arm(deadline, ref, self.at + timedelta(seconds=after_s)))

    def set(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    def set_leg(self, leg: Leg, **changes: object) -> Leg:
        leg = replace(leg, **changes)  # type: ignore[arg-type]
        self.state = self.state.with_leg(leg)
        return leg

    def set_transfer(self, transfer: Transfer, **changes: object) -> Transfer:
        transfer = replace(transfer, **changes)  # type: ignore[arg-type]
        self.state = self.state.with_transfer(transfer)
        return transfer

    def move_transfer(
        self, transfer: Transfer, state: f.TransferState, reason: f.FailureReason | None = None
    ) -> Transfer:
        """Take the transfer to `state` and say so."""
        leg = transfer.leg_id if transfer.answered else ""
        self.record(
            f.TransferChanged(
                call_id=self.state.call_id,
                at=self.at,
                transfer_id=transfer.id,
                state=state,
                reason=reason,
                target_leg=leg,
            )
        )
        return self.set_transfer(transfer, state=state)

    def record(self, fact: f.Fact) -> None:
        self.do(c.Record(fact))

    def hang_up(self, leg: Leg) -> None:
        """Let a leg go, once."""
        if not leg.hung_up_by_us:
            self.set_leg(leg, hung_up_by_us=True)
            self.do(c.HangUp(leg.id, leg.handle))

    def drop_target(self, transfer: Transfer) -> None:
        """End the target's leg, whether it rings or talks."""
        if leg := self.state.agent(transfer.leg_id):
            self.hang_up(leg)
        elif transfer.rung:
            self.do(c.HangUp(transfer.leg_id, transfer.leg_id))

    def enter_room(self, leg: Leg, *, aside: bool = False) -> None:
        """`aside`: the second room, where the caller is not."""
        if not (leg.aside if aside else leg.in_room):
            self.set_leg(leg, in_room=not aside, aside=aside, been_in_room=True)
            room: Literal["call", "consult"] = "consult" if aside else "call"
            call_id = self.state.call_id
            self.record(f.LegJoinedRoom(call_id=call_id, at=self.at, leg_id=leg.id, room=room))

    def leave_room(self, leg: Leg, *, aside: bool = False) -> None:
        if leg.aside if aside else leg.in_room:
            self.set_leg(leg, in_room=False, aside=False, bridge="")
            self.record(f.LegLeftRoom(call_id=self.state.call_id, at=self.at, leg_id=leg.id))

    @property
    def ref(self) -> str:
        """What an order about the caller is done for: the latest transfer, else the call."""
        transfer = self.state.transfer
        return transfer.id if transfer else self.state.call_id

    def requeue(self) -> None:
        """Nobody is left for the caller, and not because they wished it: back to the queue."""
        state = self.state
        if state.caller and not state.staying and not self._requeuing:
            self.do(c.RequeueCaller(self.ref, state.caller.unique_id, state.centre))
            self.set(caller_held=False, forsaken=state.served, requeued_at=self.at)

    @property
    def _requeuing(self) -> bool:
        """Is the caller on the way already? A second order would take them out of the queue again,
        and the next operator's phone would stop ringing and ring anew.
        """
        ordered = self.state.requeued_at
        return ordered is not None and timedelta() <= self.at - ordered < _REQUEUED_WITHIN

    def fetch(self) -> None:
        """Bring the caller to the person who waits in the room."""
        if self.state.caller:
            self.set(fetching=True, requeued_at=None)
            self.do(c.FetchCaller(self.ref, self.state.caller.unique_id))

    def hold(self, transfer: Transfer) -> None:
        """The caller sits in a room that nobody entered: let them hear that it rings."""
        if self.state.caller:
            self.do(c.HoldCaller(transfer.id, self.state.caller.unique_id))

    def forget_ringing(self) -> None:
        if self.state.caller:
            self.do(c.ForgetRinging(self.state.call_id, self.state.caller.unique_id))
