"""What is counted, and the last line. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.telephony.reconcile import TAP_PREFIX


class Event(Protocol):
    """One AMI event of the witness."""

    @property
    def name(self) -> str: ...

    @property
    def at(self) -> float: ...

    def get(self, key: str) -> str: ...


@dataclass
class Tally:
    """Faults by kind, and everything that must be zero."""

    faults: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    stuck: int = 0
    second_rings: int = 0
    left_behind: Counter[str] = field(default_factory=Counter)
    """Rooms, channels, taps, sockets."""
    tickets_lost: int = 0
    tickets_twice: int = 0
    rounds: int = 0
    rung: int = 0
    """Transfers that rang the target's phone."""
    answered: int = 0
    """Of those, the ones that a person took."""
    broken: list[str] = field(default_factory=list)
    """Rounds that could not be played to their end, and why."""
    played: dict[str, str] = field(default_factory=dict)
    """Each room, and the call in which it was opened."""
    notes: list[str] = field(default_factory=list)
    """Each thing that is not zero: the round, the faults in it, what was seen."""

    @property
    def holds(self) -> bool:
        """Whether everything that must be zero is."""
        return not (
            self.dropped
            or self.stuck
            or self.second_rings
            or self.left_behind.total()
            or self.tickets_lost
            or self.tickets_twice
            or self.broken
        )

    def last_line(self) -> str:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        left = ", ".join(f"{self.left_behind[what]} {what}" for what in LEFT)
        return (
            f"{self.faults.total()} faults ({kinds or 'none'}) in {self.rounds} calls "
            f"({self.rung} targets rang, {self.answered} answered): "
            f"dropped {self.dropped}, stuck {self.stuck}, second rings {self.second_rings}, "
            f"left behind {left}, tickets lost {self.tickets_lost}, "
            f"tickets twice {self.tickets_twice}, rounds not played {len(self.broken)}"
        )


AT_ONCE_S = 6.0
"""A key is good for 3 s (ADR 0002), and dialled and asked for over a slow way."""
LEFT = ("rooms", "channels", "taps", "sockets")


def rooms_of(events: Iterable[Event]) -> set[str]:
    """Every call that came in, by its room."""
    return {
        event.get("Call")
        for event in events
        if event.name == "UserEvent" and event.get("UserEvent") == "LiandongCall"
    }


@dataclass(frozen=True)
class Ring:
    """The place of a target was rung: time.time() of both ends, infinite while it lasts."""

    began: float
    ended: float


def rings(events: Iterable[Event], target: str) -> list[Ring]:
    """Each time the place of `target` was rung (its Local channel's near end), in order."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for event in events:
        leg = event.get("Channel")
        if leg.startswith(f"Local/{target}@") and leg.endswith(";1"):
            if event.name == "Newchannel":
                began[leg] = event.at
            elif event.name == "Hangup":
                ended[leg] = event.at
    return [Ring(at, ended.get(leg, math.inf)) for leg, at in began.items()]


def second_rings(rung: Sequence[Ring], presses: Sequence[float]) -> int:
    """Rings of no press, of one long gone, or while an earlier ring still lasted.

    `presses`: seconds of time.time(). An operator who hears nothing presses again, and each press
    may ring once, at once.
    """
    unused = sorted(presses)
    second = 0
    for at, ring in enumerate(rung):
        of = [press for press in unused if 0 <= ring.began - press < AT_ONCE_S]
        if of:
            unused.remove(of[-1])
        beside = any(earlier.ended > ring.began for earlier in rung[:at])
        second += not of or beside
    return second


def tickets(rooms: Iterable[str], delivered: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Calls without a final ticket, and further tickets of a call under another id.

    `delivered`: every event the order system has taken, its ticket under ``data``.
    """
    ids: dict[str, set[str]] = {room: set() for room in rooms}
    final: set[str] = set()
    for event in delivered:
        ticket = event["data"]
        room = ticket["call"]["room"]
        ids.setdefault(room, set()).add(ticket["ticket_id"])
        if ticket["phase"] == "final":
            final.add(room)
    lost = sum(1 for room in rooms if room not in final)
    return lost, sum(max(0, len(of_room) - 1) for of_room in ids.values())


def left(channels: Iterable[str], rooms: int, sockets: int) -> Counter[str]:
    """What should be gone once a call is over, from the names of what is live."""
    names = list(channels)
    taps = sum(name.startswith(TAP_PREFIX) for name in names)
    found = {"rooms": rooms, "channels": len(names) - taps, "taps": taps, "sockets": sockets}
    return Counter({what: count for what, count in found.items() if count})
