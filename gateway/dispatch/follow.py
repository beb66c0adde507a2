"""Follows the file of the diversion lists: a changed one comes in force, a broken one is told."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from gateway import log
from gateway.errors import ConfigError

_log = log.get("dispatch")
EVERY_S = 5.0


async def follow(path: Path, renew: Callable[[Path], None], every_s: float = EVERY_S) -> None:
    """Call `renew` whenever the file at `path` has changed, for ever.

    `renew` runs in a thread, since reading rules takes longer than calls may wait, and raises
    ConfigError for a file that is broken: that is logged with line and fix, and what was in force
    stays.
    """
    seen = _stamp(path)
    while True:
        await asyncio.sleep(every_s)
        now = await asyncio.to_thread(_stamp, path)
        if now == seen:
            continue
        seen = now
        try:
            await asyncio.to_thread(renew, path)
        except ConfigError as error:
            _log.error("diversion lists left as they were", hint=str(error))
        else:
            _log.info("diversion lists in force for calls from now on", file=path.name)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
