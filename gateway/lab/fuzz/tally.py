"""What the independent witness makes of it, what is counted, and the last line. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.lab.fuzz.payloads import MARK

_PLANNED = re.compile(
    r"PJSIP/(1001|1002|2001|2002|city)-[0-9a-f]+"
    r"|Local/(110|12345)@liandong-(target|native)-[0-9a-f]+;[12]"
    r"|Local/say@liandong-tell-[0-9a-f]+;[12]"
    r"|AudioSocket/127\.0\.0\.1:\d+-[0-9a-f-]{36}"
    r"|CBAnn/ld-[A-Za-z0-9.-]+;[12]"
)
"""Channels of the plan: phones of the town, targets of its links, announcements, taps, rooms."""
_PROGRAMS = {"System", "TrySystem", "AGI", "EAGI", "ExternalIVR", "Exec", "TryExec"}
_TROUBLE = re.compile(
    r"Traceback|\bexception\b\W*[=:]|never retrieved| died$|unforeseen error", re.M
)


class Event(Protocol):
    """One AMI event of the witness."""

    @property
    def name(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def get(self, key: str) -> str: ...


@dataclass
class Batch:
    """One kind of abuse: what was sent, what of it was refused where somebody sees it."""

    name: str
    sent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """How the refusals showed: a SIP status, a slug, a tone."""
    silent: list[str] = field(default_factory=list)
    """Should have been refused visibly, and was not."""
    ring_ms: float = 0.0
    """Key to ringing phone of the normal transfer afterwards; 0: there was none."""


@dataclass
class Tally:
    """Batches, and everything that must be zero."""

    first_ring_ms: float = 0.0
    batches: list[Batch] = field(default_factory=list)
    outside: int = 0
    unplanned: list[str] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)
    """Variables that a text has set."""
    forged: list[str] = field(default_factory=list)
    """Headers and events that the switch made of a number with line ends: its own defect."""
    heard: int = 0
    """Of the forged events, those that the gateway took for the switch's own."""
    dropped: int = 0
    troubles: int = 0
    """Unhandled exceptions in the gateway's log."""
    restarted: list[str] = field(default_factory=list)
    """Processes that are not the ones of the start."""
    grown_mib: dict[str, float] = field(default_factory=dict)
    """Memory by process, end less start."""
    notes: list[str] = field(default_factory=list)

    def holds(self, *, ring_limit_ms: float, grow_limit_mib: float) -> bool:
        """Whether all is as it must be."""
        rings = all(0 < one.ring_ms <= ring_limit_ms for one in self.batches)
        small = all(grown <= grow_limit_mib for grown in self.grown_mib.values())
        bad = (self.outside, self.unplanned, self.injected, self.heard, self.dropped, self.troubles)
        silent = any(one.silent for one in self.batches)
        return rings and small and bool(self.batches) and not (any(bad) or self.restarted or silent)

    def last_line(self) -> str:
        sent = sum(one.sent for one in self.batches)
        refused = sum((one.refused for one in self.batches), Counter[str]())
        rung = [one.ring_ms for one in self.batches if one.ring_ms]
        grown = ", ".join(f"{name} {mib:+.0f}" for name, mib in self.grown_mib.items())
        return (
            f"{sent} inputs in {len(self.batches)} batches, {refused.total()} refusals seen: "
            f"outside calls {self.outside}, unplanned channels {len(self.unplanned)}, "
            f"injected {len(self.injected)}, "
            f"forged by the switch {len(self.forged)}, of them heard {self.heard}, "
            f"callers dropped {self.dropped}, "
            f"silent refusals {sum(len(one.silent) for one in self.batches)}, "
            f"unhandled exceptions {self.troubles}, processes lost {len(self.restarted)}; "
            f"transfers afterwards {len(rung)} of {len(self.batches)}, "
            f"ring {self.first_ring_ms:.0f} ms before, "
            f"at most {max(rung, default=0):.0f} ms after; "
            f"MiB {grown or 'unknown'}"
        )


def unplanned(events: Iterable[Event]) -> list[str]:
    """Channels that are in no plan, and dialplan that ran a program."""
    found = []
    for event in events:
        if event.name == "Newchannel" and not _PLANNED.fullmatch(event.get("Channel")):
            found.append(event.get("Channel"))
        if event.name == "Newexten" and event.get("Application") in _PROGRAMS:
            found.append(f"{event.get('Application')} on {event.get('Channel')}")
    return found


def injected(events: Iterable[Event]) -> list[str]:
    """Variables that were set by a text."""
    names = (one.get("Variable") for one in events if one.name == "VarSet")
    return [name for name in names if MARK in name]


def forged(events: Iterable[Event]) -> list[str]:
    """Events and headers that were made of a text."""
    return [
        f"{event.name}: {_origin(event)}"
        for event in events
        if event.name == MARK or MARK in event.headers
    ]


def _origin(event: Event) -> str:
    """Which header the text was in: the one before the forged header."""
    names = list(event.headers)
    at = names.index(MARK) if MARK in names else 0
    told = names[at - 1] if at else "the whole event"
    return f"{told} of {event.get('Channel')} in {event.get('Context')}"


def troubles(log: str) -> int:
    """Unhandled exceptions in a log."""
    return len(_TROUBLE.findall(log))
