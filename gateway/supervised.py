"""A role's process, seen from inside: its name, and the pipes between it and `supervisor`."""

import contextlib
import os
import signal
import threading
from pathlib import Path

_PREFIX = "ld-"
_supervisor: tuple[int, int] | None = None
"""The pipe by which we are heard, and our place in the row; None: nobody supervises us."""
PLACE_BYTES = 4
"""Of a place in the pipe: so few are written and read in one piece."""


def ready() -> None:
    """Say that this role works: those that wait for it may start."""
    if _supervisor is not None:
        pipe, place = _supervisor
        with contextlib.suppress(OSError):  # the supervisor is gone
            os.write(pipe, place.to_bytes(PLACE_BYTES))


def role_of(pid: int) -> str:
    """Which supervised role a process is, or ''; `ps -o comm` shows it with a prefix."""
    name = Path(f"/proc/{pid}/comm").read_text("ascii", errors="replace").strip()
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""


def become(role: str, *, pipe: int, place: int, life: int) -> None:
    """Make this process, just forked, `role`: a session and a name of its own, and no input.

    `pipe`, `place`: where to say that it is ready, and who says so. `life`: a pipe that ends when
    the supervisor does; this process then ends as by SIGTERM.
    """
    global _supervisor  # noqa: PLW0603  it is the process that has changed
    _supervisor = pipe, place
    os.setsid()
    with contextlib.suppress(OSError):  # without /proc only the name is missing
        Path("/proc/self/comm").write_text(f"{_PREFIX}{role}", "ascii")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def watch() -> None:
        os.read(life, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
