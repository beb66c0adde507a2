"""The composition root: one function a process. Only here concrete adapters meet."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine
from typing import Any

from gateway import loading
from gateway.errors import ConfigError
from gateway.settings import Settings


def load_what_all_need() -> None:
    """What every process below loads first, once before they are forked."""
    with loading.for_good():
        import prometheus_client

        from gateway.calls import facts
        from gateway.live import redis

        del prometheus_client, facts, redis


def run_control(settings: Settings) -> None:
    """AMI, call sessions, API and recorder, until SIGTERM."""
    with loading.for_good():
        from gateway.control import Control

    _keep_private()

    async def main() -> None:
        await Control(settings).run()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())


def run_recognition(settings: Settings, number: int = 0) -> None:
    """One recognition worker, the `number`th of this machine from 0, until SIGTERM."""
    with loading.for_good():
        from gateway.speech import worker

    _keep_private()
    settings = settings.model_copy(update={"speech": settings.speech.of_worker(number)})
    _serve_metrics(settings.speech.metrics_port)
    worker_id = f"{os.uname().nodename}-{os.getpid()}"
    asyncio.run(_until_signal(worker.run(settings, worker_id=worker_id)))


def run_delivery(settings: Settings) -> None:
    """The delivery process, until SIGTERM."""
    with loading.for_good():
        from gateway.tickets import delivery

    _keep_private()
    _serve_metrics(settings.orders.metrics_port)
    asyncio.run(_until_signal(delivery.run(settings)))


def _keep_private() -> None:
    """Journal and ledger hold what people said: files 0600, folders 0700, however started."""
    os.umask(0o077)


def _serve_metrics(port: int) -> None:
    """Loopback only: nothing is open to others by default."""
    if port:
        from prometheus_client import start_http_server

        try:
            start_http_server(port, addr="127.0.0.1")
        except OSError as error:
            raise ConfigError(f"metrics_port {port} cannot be used: {error.strerror}") from error


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
