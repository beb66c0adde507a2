"""Processor time of processes, from /proc (Linux, proc(5))."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from gateway.lab.town import Town

GATEWAY = ("control", "deliver")
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pids: Iterable[int]) -> float:
    """Seconds of processor time, user's and kernel's, that these processes have used."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended
            stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
            fields = stat.rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def spent(town: Town) -> dict[str, float]:
    """Seconds by part: the gateway's processes, the PBX, what makes the load."""
    found = {role: cpu_s(town.pids_of(role)) for role in GATEWAY if town.gateway}
    found["asterisk"] = cpu_s([town.pbx.child.pid] if town.pbx.child else [])
    found["phones"] = cpu_s([os.getpid()])
    return found


def less(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    """What was spent in between."""
    return {part: after[part] - before[part] for part in after}
