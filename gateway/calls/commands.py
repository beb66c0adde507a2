"""What the machine wants done: the outputs of `gateway.calls.machine`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.calls.events import Deadline
from gateway.calls.facts import Fact


@dataclass(frozen=True)
class Record:
    """Write down a fact."""

    fact: Fact


@dataclass(frozen=True)
class Arm:
    """Pass `deadline` with `ref` at `at` unless the state has moved on by then."""

    deadline: Deadline
    ref: str
    at: datetime


@dataclass(frozen=True)
class MoveToRoom:
    """Move caller and operator into the room, in one action. `back`: from hold, see MoveAside."""

    ref: str
    caller: str
    agent: str
    back: bool = False


@dataclass(frozen=True)
class MoveAside:
    """Put the caller on hold and take the operator to the second room, in one action."""

    ref: str
    caller: str
    agent: str


@dataclass(frozen=True)
class RingTarget:
    """Ring `target` into the room. `leg_id` is the channel id: spent once, never used again.

    `place`: which of the link's dial strings, 0 for the first.
    """

    ref: str
    leg_id: str
    room: str
    caller_channel: str
    caller_number: str
    centre: str
    source: str
    target: str
    ring_s: float
    place: int = 0
    aside: bool = False
    """Into the second room, as long as the operator is there."""
    urgent: bool = False
    """To the head of the target's queue, with a ring of its own (D05)."""
    hop: int = 0
    """The how-manieth hand-over between the centres it will be; 0: to a line outside."""


@dataclass(frozen=True)
class HangUp:
    ref: str
    unique_id: str


@dataclass(frozen=True)
class ForgetRinging:
    """Tell the dialplan that no target rings for this caller any more."""

    ref: str
    caller: str


@dataclass(frozen=True)
class HoldCaller:
    """Take the caller to where the dialplan holds callers, who hear that it rings.

    `ring_s`: for so many seconds something may ring for them; 0: for as long as marked already.
    """

    ref: str
    caller: str
    ring_s: float = 0.0


@dataclass(frozen=True)
class FetchCaller:
    """Bring a held caller into the room, where someone is now."""

    ref: str
    caller: str


@dataclass(frozen=True)
class RequeueCaller:
    """Send a held caller to the head of the first centre's queue."""

    ref: str
    caller: str
    centre: str


@dataclass(frozen=True)
class Tell:
    """Play an announcement to this channel's own ear: nobody else hears it."""

    ref: str
    channel: str
    announcement: Literal["designation-asked", "designation-made", "caller-gone", "key-refused"]


@dataclass(frozen=True)
class OpenTap:
    """Listen to what this channel's speaker says."""

    leg_id: str
    channel: str


SwitchCommand = (
    MoveToRoom
    | MoveAside
    | RingTarget
    | HangUp
    | ForgetRinging
    | HoldCaller
    | FetchCaller
    | RequeueCaller
    | Tell
    | OpenTap
)
Command = Record | Arm | SwitchCommand
