"""Follow a Redis stream over every outage, entry by entry; what came before first, if asked for."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway import log

_log = log.get("live")
_BLOCK_MS = 2000
_BATCH = 256
_RETRY_S = 0.5
_Entry = tuple[str, dict[str, str]]
_Id = tuple[int, int]
"""Milliseconds of Redis's clock, and a number within that millisecond."""


async def follow(
    redis: Redis,
    stream: str,
    handle: Callable[[str], None],
    *,
    missed: Callable[[str], None] | None = None,
    since: datetime | None = None,
) -> None:
    """Call `handle` with the field `event` of every entry that comes after now, until cancelled.

    An outage of Redis is waited out and reading goes on where it stopped. What `handle` raises
    is logged, and the entry skipped. `missed` is called first with each entry from `since` (by
    Redis's clock) until now, where both are given.
    """
    position: _Id | None = None
    task = asyncio.current_task()
    # The client waits with wait_for, which before Python 3.12 may swallow a cancellation.
    while task is None or not task.cancelling():
        try:
            if position is None:
                newest = position = await _newest(redis, stream)
                if missed is not None and since is not None:
                    position = min(newest, (int(since.timestamp() * 1000), 0))
            at = f"{position[0]}-{position[1]}"
            found: Any = await redis.xread({stream: at}, count=_BATCH, block=_BLOCK_MS)
            entries: list[_Entry] = found[0][1] if found else []
            for entry_id, fields in entries:
                position = _order(entry_id)
                take = missed if missed is not None and position <= newest else handle
                _give(take, stream, fields.get("event", ""))
        except (RedisError, OSError) as error:
            _log.warning("stream unreachable", stream=stream, error=type(error).__name__)
            await asyncio.sleep(_RETRY_S)
    raise asyncio.CancelledError


async def _newest(redis: Redis, stream: str) -> _Id:
    found: Any = await redis.xrevrange(stream, count=1)
    return _order(found[0][0]) if found else (0, 0)


def _order(entry_id: str) -> _Id:
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number)


def _give(handle: Callable[[str], None], stream: str, event: str) -> None:
    try:
        handle(event)
    except Exception as error:  # one bad entry must not stop the stream
        _log.error("entry refused", stream=stream, error=type(error).__name__)
