"""Follow a Redis stream from now on, over every outage, entry by entry."""

import asyncio
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway import log

_log = log.get("live")
_BLOCK_MS = 2000
_BATCH = 256
_RETRY_S = 0.5
_Entry = tuple[str, dict[str, str]]


async def follow(redis: Redis, stream: str, handle: Callable[[str], None]) -> None:
    """Call `handle` with the field `event` of every entry that comes after now, until cancelled.

    An outage of Redis is waited out and reading goes on where it stopped. What `handle` raises
    is logged, and the entry skipped.
    """
    position: str | None = None
    task = asyncio.current_task()
    # The client waits with wait_for, which before Python 3.12 may swallow a cancellation.
    while task is None or not task.cancelling():
        try:
            if position is None:
                newest: Any = await redis.xrevrange(stream, count=1)
                position = newest[0][0] if newest else "0-0"
            found: Any = await redis.xread({stream: position}, count=_BATCH, block=_BLOCK_MS)
            entries: list[_Entry] = found[0][1] if found else []
            for entry_id, fields in entries:
                position = entry_id
                _give(handle, stream, fields.get("event", ""))
        except (RedisError, OSError) as error:
            _log.warning("stream unreachable", stream=stream, error=type(error).__name__)
            await asyncio.sleep(_RETRY_S)
    raise asyncio.CancelledError


def _give(handle: Callable[[str], None], stream: str, event: str) -> None:
    try:
        handle(event)
    except Exception as error:  # one bad entry must not stop the stream
        _log.error("entry refused", stream=stream, error=type(error).__name__)
