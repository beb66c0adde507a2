"""Which process a gateway is, told so that another on the same machine can see whether it lives."""

import os
from pathlib import Path

_START_TIME, _STATE = 19, 0
"""Fields of /proc/PID/stat after the command's name (proc(5): 22 and 3)."""
_DEAD = {"Z", "X", "x"}


def own_identity() -> str:
    """``<machine since its boot>-<pid namespace>-<pid>-<start time>`` of this process."""
    fields = _stat(os.getpid())
    return f"{_machine()}-{os.getpid()}-{fields[_START_TIME] if fields else 0}"


def process_is_gone(token: str) -> bool:
    """Whether `token` (``<epoch>.<identity>``) is of a process of this machine that has ended.

    Of other machines and other containers nothing can be told: False.
    """
    machine, process = _parts(token)
    started = token.rpartition("-")[2]
    if machine != _machine() or not process.isdigit():
        return False
    fields = _stat(int(process))
    return not fields or fields[_STATE] in _DEAD or fields[_START_TIME] != started


def whose(token: str) -> str:
    """In words, whose `token` it is."""
    machine, process = _parts(token)
    here = machine == _machine()
    return f"process {process} {'of' if here else 'elsewhere, not of'} this machine"


def _parts(token: str) -> tuple[str, str]:
    """Machine and process id of ``<epoch>.<identity>``."""
    machine, _, process = token.partition(".")[2].rpartition("-")[0].rpartition("-")
    return machine, process


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]
    return f"{boot}-{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116  the namespace itself


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
