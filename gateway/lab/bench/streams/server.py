"""A recogniser's process for the bench, pinned to one core; Redis and the feeder keep off it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gateway.errors import LabError

_START_S = 60.0
_STOP_S = 15.0


@contextlib.contextmanager
def one_core_for_the_server() -> Iterator[int]:
    """Yield the core that the servers get; meanwhile this process and its children use the rest.

    Raises LabError on a machine with one core: there the feeder would be measured.
    """
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        raise LabError("the bench needs two cores: one for the recogniser, one to feed it")
    core = min(cores)
    os.sched_setaffinity(0, cores - {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, cores)


class Server:
    """A child that has told its port."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_s(self) -> float:
        """Seconds of processor it has used; 0 when it is gone."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))

    def rss_mb(self) -> float:
        """Memory it holds, in MiB; 0 when it is gone."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1])
        except OSError:
            return 0.0
        return pages * int(os.sysconf("SC_PAGE_SIZE")) / 2**20


@contextlib.asynccontextmanager
async def server(module: str, folder: Path, **given: Any) -> AsyncIterator[Server]:
    """Run ``gateway.lab.bench.streams.<module>`` with `given`; raises LabError with its last words.

    It is stopped with SIGTERM, so that it says what is left.
    """
    told = folder / f"{module}.log"
    with _log(told) as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"{__package__}.{module}",
            json.dumps(given),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=out,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
        )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), _START_S)
        if not line:
            raise LabError(f"{module} did not start: {told.read_text()[-2000:]}")
        yield Server(process, json.loads(line)["port"])
    except TimeoutError as error:
        stacks = await _stacks(process, told)
        raise LabError(f"{module} did not say all in time. It was at:\n{stacks}") from error
    finally:
        await _stop(process)


async def _stacks(process: asyncio.subprocess.Process, told: Path) -> str:
    """What each of its threads was doing (a server that registers faulthandler with SIGUSR1)."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGUSR1)
    await asyncio.sleep(1.0)
    return _tail(told)


def _tail(path: Path) -> str:
    return path.read_text("utf-8", "replace")[-4000:]


def _log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
