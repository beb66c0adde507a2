"""The composition root: one function a process. Only here concrete adapters meet."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine
from typing import Any

from gateway.settings import Settings


def run_control(settings: Settings) -> None:
    """AMI, call sessions, API and recorder, until SIGTERM."""
    from gateway.control import Control

    async def main() -> None:
        await Control(settings).run()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())


def run_recognition(settings: Settings) -> None:
    """One recognition worker, until SIGTERM."""
    from gateway.speech import worker

    worker_id = f"{os.uname().nodename}-{os.getpid()}"
    asyncio.run(_until_signal(worker.run(settings, worker_id=worker_id)))


def run_delivery(settings: Settings) -> None:
    """The delivery process, until SIGTERM."""
    from gateway.tickets import delivery

    asyncio.run(_until_signal(delivery.run(settings)))


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
