"""`liandong serve`: runs control, recognition and delivery as processes and keeps them running.

Separate processes, so that recognition can never slow call control. A child that ends is started
again with growing pauses; each child stops by itself when the supervisor is gone.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from gateway import log

_log = log.get("serve")
ROLES = ("control", "recognise", "deliver")
SUPERVISED_ENV = "LIANDONG_SUPERVISED"
NUMBER_ENV = "LIANDONG_SUPERVISED_NUMBER"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _WELL_S = 0.2, 10.0, 30.0
_GRACE_S = 10.0
_STARTING_S = 30.0
"""Bad settings stop a gateway that starts; one that runs is not stopped by a later mistake."""


@dataclass(frozen=True)
class _Role:
    name: str
    number: int


async def supervise(argv: Sequence[str], roles: Sequence[str] = ROLES) -> int:
    """Run `roles` until SIGTERM or SIGINT; returns the exit status.

    `argv`: a role's whole command line, in which ``{role}`` stands for its name. A role that is
    named several times runs so often, numbered from 0 in NUMBER_ENV. A role that ends with
    EX_CONFIG stops all: it would never get better by itself.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ends = await asyncio.gather(
        *(
            _keep(
                _Role(role, roles[:at].count(role)), [word.format(role=role) for word in argv], stop
            )
            for at, role in enumerate(roles)
        )
    )
    return max(ends)


async def _keep(role: _Role, argv: Sequence[str], stop: asyncio.Event) -> int:
    pause = _FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not stop.is_set():
        started = loop.time()
        status = await _run_once(role, argv, stop)
        if status == os.EX_CONFIG and started - began < _STARTING_S:
            stop.set()
            return status
        if stop.is_set():
            break
        pause = _FIRST_PAUSE_S if loop.time() - started > _WELL_S else pause
        _log.error(
            "process ended; starting it again", role=role.name, number=role.number, in_s=pause
        )
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            pause = min(_LONGEST_PAUSE_S, pause * 2)
    return 0


async def _run_once(role: _Role, argv: Sequence[str], stop: asyncio.Event) -> int:
    child = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        env={**os.environ, SUPERVISED_ENV: "1", NUMBER_ENV: str(role.number)},
        start_new_session=True,
    )
    ended = asyncio.create_task(child.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not ended.done():
        child.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(ended), _GRACE_S)
        except TimeoutError:
            _log.error("process would not stop", role=role.name)
            child.kill()
    return await ended


def number() -> int:
    """Which one of its role this process is, from 0."""
    return int(os.environ.get(NUMBER_ENV, "0"))


def stop_with_supervisor() -> None:
    """In a supervised child: end with SIGTERM when the supervisor's end of our stdin closes."""
    if os.environ.get(SUPERVISED_ENV) != "1":
        return

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
