"""A moment on both clocks: monotonic for differences, wall for comparing with other processes."""

import time
from typing import NamedTuple


class Stamp(NamedTuple):
    """Nanoseconds of ``time.monotonic_ns`` and of Unix time, for the same moment."""

    mono_ns: int
    wall_ns: int

    @property
    def mono(self) -> float:
        """Seconds on the monotonic clock (``time.monotonic``)."""
        return self.mono_ns / 1e9

    @property
    def wall(self) -> float:
        """Unix seconds."""
        return self.wall_ns / 1e9

    def ms_since(self, earlier: "Stamp") -> float:
        """Milliseconds from `earlier` to this moment, by the monotonic clock."""
        return (self.mono_ns - earlier.mono_ns) / 1e6


def stamp() -> Stamp:
    """Return the present moment."""
    return Stamp(time.monotonic_ns(), time.time_ns())


def stamp_of_wall(wall_ns: int) -> Stamp:
    """Return the moment a kernel time stamp (Unix nanoseconds) names."""
    here = stamp()
    return Stamp(here.mono_ns - (here.wall_ns - wall_ns), wall_ns)
