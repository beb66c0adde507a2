"""Child processes that never outlive us: on success, failure, Ctrl-C or our own SIGKILL."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.errors import LabError


class Child:
    """One child process; its output goes to a log file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log, for error messages."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    async def stop(self, grace_s: float = 5.0) -> None:
        """SIGTERM the process group, then SIGKILL after `grace_s`."""
        if not self.running:
            return
        _signal_group(self.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), grace_s)
        except TimeoutError:
            _signal_group(self.pid, signal.SIGKILL)
            await self.process.wait()


async def spawn(
    name: str, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Child:
    """Start `argv` in its own process group, to be terminated when this process dies.

    Ctrl-C in a terminal then reaches only us, and we stop the children in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    out = log.open("ab")
    try:
        process = await asyncio.create_subprocess_exec(
            "setpriv",
            "--pdeathsig",
            "TERM",
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise LabError(f"cannot start {name}: {error}; run `make setup`") from error
    finally:
        out.close()
    return Child(name, process, log)


def children_of(pid: int) -> list[int]:
    """Process ids of the children of `pid` (Linux)."""
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()))


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
