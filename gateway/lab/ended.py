"""Long runs of the lab end in order: what stood is taken down, and what was found is reported."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from gateway.errors import LiandongError


async def why_ended(run: Coroutine[Any, Any, str | None]) -> str:
    """Run until done, SIGINT, SIGTERM or SIGHUP; returns why it ended early, or ''."""
    work = asyncio.ensure_future(run)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, work.cancel)
    try:
        return await work or ""
    except LiandongError as error:
        return str(error)
    except asyncio.CancelledError:
        return "interrupted"
