"""What a phone sent and received, kept in memory for debugging."""

from collections import deque
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from gateway.lab.phones.stamp import Stamp
from gateway.lab.phones.udp import Address

KEPT = 2000


class TraceEntry(NamedTuple):
    """One SIP datagram. `at` is the kernel's time of arrival, or the moment before sending."""

    at: Stamp
    direction: Literal["sent", "received", "malformed"]
    peer: Address
    data: bytes

    @property
    def first_line(self) -> str:
        return self.data.partition(b"\r\n")[0].decode("utf-8", "replace")


class Trace:
    """The last `KEPT` SIP datagrams; ``print(phone.trace)`` shows one line each."""

    def __init__(self) -> None:
        self.entries: deque[TraceEntry] = deque(maxlen=KEPT)

    def add(
        self,
        at: Stamp,
        direction: Literal["sent", "received", "malformed"],
        peer: Address,
        data: bytes,
    ) -> None:
        self.entries.append(TraceEntry(at, direction, peer, data))

    def count(self, direction: str, first_line_part: str) -> int:
        """Count entries of `direction` whose first line holds `first_line_part`."""
        return sum(
            entry.direction == direction and first_line_part in entry.first_line
            for entry in self.entries
        )

    def render(self, *, full: bool = False) -> str:
        """Return the trace as text, with whole messages when `full`."""
        return "\n".join(_line(entry, full) for entry in self.entries)

    def __str__(self) -> str:
        return self.render()


def _line(entry: TraceEntry, full: bool) -> str:
    clock = datetime.fromtimestamp(entry.at.wall, UTC).strftime("%H:%M:%S.%f")
    arrow = {"sent": "-->", "received": "<--", "malformed": "<??"}[entry.direction]
    line = f"{clock} {entry.at.mono:.6f} {arrow} {entry.peer[0]}:{entry.peer[1]} {entry.first_line}"
    if not full:
        return line
    return line + "\n" + entry.data.decode("utf-8", "replace").replace("\r\n", "\n")
