"""Looking at real processes, always with a bound."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 20.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds; nobody tells us of other people's processes."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether the process lives; one that has ended may have yet to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def until_gone(pid: int) -> None:
    await until(lambda: not runs(pid))


def lines_of(path: Path) -> list[str]:
    """The complete lines of a file that may not be there yet."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


async def until_lines(path: Path, count: int) -> list[str]:
    await until(lambda: len(lines_of(path)) >= count)
    return lines_of(path)


def python(program: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", program])
