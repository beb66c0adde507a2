"""What can happen to a call: the inputs of the pure machine in `gateway.calls.machine`.

`unique_id` is the channel's Uniqueid on the PBX. `at` is the wall-clock time of the event.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from gateway.calls.facts import FailureReason, TransferKind

MessageStatus = Literal["Actual", "Exercise", "Test"]


@dataclass(frozen=True)
class Party:
    """A seat's operator: centre code, agent id, name, extension."""

    centre: str = ""
    agent: str = ""
    name: str = ""
    extension: str = ""


@dataclass(frozen=True)
class Event:
    at: datetime


@dataclass(frozen=True)
class CallArrived(Event):
    """A caller has entered a centre (dialplan: liandong-call)."""

    room: str
    channel: str
    unique_id: str
    caller_number: str
    called_number: str
    centre: str
    recording: str = ""
    message_status: MessageStatus = "Actual"
    handovers: int = 0
    """How often it was handed over between centres before it came to this PBX."""


@dataclass(frozen=True)
class AgentConnected(Event):
    """An operator's phone has answered this caller."""

    channel: str
    unique_id: str
    party: Party
    late: bool = False
    """Found on the switch: the answer was some time ago."""
    in_room: bool = False
    """Found with the caller in the room, where the dialplan brought them together."""


@dataclass(frozen=True)
class RoomJoined(Event):
    """`aside`: into the second room, where an operator consults without the caller."""

    unique_id: str
    channel: str
    aside: bool = False
    party: Party = Party()
    """Who it is, as far as the switch showed that; of an adopted target no event else tells."""
    bridge: str = ""
    """The bridge behind the room's name, where the switch says it."""


@dataclass(frozen=True)
class RoomLeft(Event):
    unique_id: str
    aside: bool = False


@dataclass(frozen=True)
class Held(Event):
    """A phone has put the call on hold by its own key, or (`on` False) has taken it back."""

    unique_id: str
    on: bool


@dataclass(frozen=True)
class HangupRequested(Event):
    """The party itself put down the phone (the channel's end follows)."""

    unique_id: str


@dataclass(frozen=True)
class ChannelEnded(Event):
    unique_id: str
    cause: int


@dataclass(frozen=True)
class TargetTried(Event):
    """A phone, or another PBX, is called beneath the target's leg; whether it is there is open."""

    leg_id: str


@dataclass(frozen=True)
class TargetRinging(Event):
    """What was called shows life: it rings, sends audio, or has answered."""

    leg_id: str


@dataclass(frozen=True)
class TargetRefused(Event):
    """One phone beneath the target's leg said no; the leg itself may go on trying."""

    leg_id: str
    reason: FailureReason


@dataclass(frozen=True)
class TargetAnswered(Event):
    """A *person* at the target has answered."""

    leg_id: str
    channel: str
    unique_id: str
    party: Party
    by_agent: bool = True
    """The switch's queue says so (AgentConnect); else a device answered."""
    by_sign: bool = False
    """The person, or their PBX, has given the agreed sign from the target's leg."""
    late: bool = False
    """Found on the switch: the answer was some time ago."""


@dataclass(frozen=True)
class TargetFailed(Event):
    """The switch has given up on the target's leg."""

    leg_id: str


@dataclass(frozen=True)
class CallerHeld(Event):
    """The last agent left while a target may be ringing; the dialplan holds the caller."""


@dataclass(frozen=True)
class CallerOnHold(Event):
    """The dialplan plays music to the caller while the operator consults."""


@dataclass(frozen=True)
class CallerRequeued(Event):
    """The caller is back at the head of a queue."""


class Ask(StrEnum):
    TRANSFER = "transfer"
    THREE_WAY = "three_way"
    BACK = "back"
    CONSULT = "consult"
    JOIN = "join"
    """The consultation becomes a talk of all three."""
    DROP = "drop"
    RELEASE = "release"


@dataclass(frozen=True)
class Asked(Event):
    """A verb was asked for, by key (`unique_id` set) or by API (`agent` set).

    `ref` becomes the transfer's id. `native`: the dialplan has already acted by itself.
    """

    ask: Ask
    ref: str
    target: str = ""
    unique_id: str = ""
    agent: str = ""
    native: bool = False
    party: str = ""
    """Whom to drop, a leg's id; '': the one who came in last."""

    @property
    def kind(self) -> TransferKind:
        kinds = {Ask.THREE_WAY: TransferKind.THREE_WAY, Ask.CONSULT: TransferKind.CONSULT}
        return kinds.get(self.ask, TransferKind.ONE_KEY)


@dataclass(frozen=True)
class KeyPressed(Event):
    """A key on an operator's phone, `age_s` seconds ago by the switch's clock."""

    asked: Asked
    age_s: float


@dataclass(frozen=True)
class DangerMarked(Event):
    """A person says whether there is danger now."""

    danger: bool
    agent: str = ""
    why: Literal["person", "suggestion"] = "person"


@dataclass(frozen=True)
class OwnerDesignated(Event):
    """A supervisor says which centre accepts."""

    centre: str
    by: str
    reason: str = ""


@dataclass(frozen=True)
class OwnerSettled(Event):
    """Those who talk three-way say which centre accepts; '': they do not agree."""

    centre: str
    by: str


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CommandEnded(Event):
    """A command to the switch has ended; `name` is its class name."""

    name: str
    ref: str
    outcome: Outcome


class Deadline(StrEnum):
    MOVE = "move"
    ALIVE = "alive"
    """What was called should have shown life by now."""
    RING = "ring"
    RELEASE = "release"
    CROSS = "cross"
    """Whoever was sent out of the second room (a leg's id) should have left it by now."""


@dataclass(frozen=True)
class DeadlinePassed(Event):
    deadline: Deadline
    ref: str
