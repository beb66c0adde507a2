"""The live stream: control publishes without waiting, each page reads at its own pace.

The stream in Redis is the buffer: a reader holds one batch, so a slow page costs nothing but a
RESET when it falls behind the trimmed end. Nothing here is the record (the ledger is).
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.typing import EncodableT, FieldT

from gateway import log
from gateway.live.item import HELLO, RESET, RESUMED, STALLED, LiveItem
from gateway.live.names import LIVE

_log = log.get("live")
_ID = re.compile(r"\d{1,20}-\d{1,20}")
_TROUBLE = (RedisError, OSError, TimeoutError)
_START = "0-0"
_BATCH = 64

_Fields = dict[FieldT, EncodableT]
_Entry = tuple[str, dict[str, str]]


class LivePublisher:
    """Writes the live stream from a background task.

    `publish` never waits: when Redis is away the oldest entries are dropped and counted, and the
    first entry after that is a RESET so that every page reloads.
    """

    def __init__(
        self, redis: Redis, *, maxlen: int = 20_000, capacity: int = 5_000, retry_s: float = 0.5
    ) -> None:
        self.dropped = 0
        self._redis = redis
        self._maxlen = maxlen
        self._retry_s = retry_s
        self._waiting: deque[_Fields] = deque(maxlen=capacity)
        self._sending: list[_Fields] = []
        self._lost = False
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def publish(self, call_id: str, kind: str, data_json: str) -> None:
        """Queue one event of a call (`data_json`: the fact or partial); returns at once."""
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
            self._lost = True
        self._waiting.append({"call": call_id, "kind": kind, "data": data_json})
        self._idle.clear()
        self._wake.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="live-publisher")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self, flush_s: float = 1.0) -> None:
        """Stop, giving what is queued `flush_s` seconds to go out."""
        task, self._task = self._task, None
        if task is None:
            return
        try:
            async with asyncio.timeout(flush_s):
                await self._idle.wait()
        except TimeoutError:
            self.dropped += sum(fields["kind"] != RESET for fields in self._sending)
            self.dropped += len(self._waiting)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        reachable = True
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting or self._sending:
                try:
                    await self._send_batch()
                    reachable = True
                except _TROUBLE as error:
                    if reachable:
                        _log.warning("live stream unreachable", error=type(error).__name__)
                    reachable = False
                    await asyncio.sleep(self._retry_s)
            self._idle.set()

    async def _send_batch(self) -> None:
        if not self._sending:
            if self._lost:
                self._lost = False
                self._sending.append({"call": "", "kind": RESET, "data": "{}"})
            while self._waiting and len(self._sending) < _BATCH:
                self._sending.append(self._waiting.popleft())
        async with self._redis.pipeline(transaction=False) as pipe:
            for fields in self._sending:
                pipe.xadd(LIVE, fields, maxlen=self._maxlen, approximate=True)
            await pipe.execute()
        self._sending.clear()


class RedisLiveReader:
    """Reads the live stream for one page at a time; safe to share between pages."""

    def __init__(self, redis: Redis, *, block_s: float = 2.0, retry_s: float = 0.5) -> None:
        self._redis = redis
        self._block_ms = int(block_s * 1000)
        self._retry_s = retry_s

    async def read(self, after: str | None) -> AsyncGenerator[LiveItem, None]:
        """Yield a mark (HELLO, RESUMED or RESET), then every entry after it, without end.

        `after` is the id of the last entry seen; None starts at the newest. While Redis cannot
        be reached one STALLED is yielded, and reading goes on when it can.
        """
        position, stalled = None, False
        while True:
            try:
                if position is None:
                    position, mark = await self._start(after)
                    stalled = False
                    yield LiveItem(position, mark)
                for item in await self._next(position):
                    after = position = item.id
                    yield item
            except _TROUBLE:
                position = None
                if not stalled:
                    stalled = True
                    yield LiveItem("", STALLED)
                await asyncio.sleep(self._retry_s)

    async def _start(self, after: str | None) -> tuple[str, str]:
        first, last = await self._ends()
        if after is None:
            return last, HELLO
        if not _ID.fullmatch(after) or _order(after) > _order(last) or _trimmed(first, after):
            return last, RESET
        return after, RESUMED

    async def _ends(self) -> tuple[str, str]:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xrange(LIVE, count=1)
            pipe.xrevrange(LIVE, count=1)
            first, last = await pipe.execute()
        return (first[0][0], last[0][0]) if first else (_START, _START)

    async def _next(self, position: str) -> list[LiveItem]:
        """Return the entries after `position`; empty when none came in `block_s`.

        The first look is atomic with a look at the oldest entry, so that falling behind the
        trimmed end is seen; when there is nothing new, wait at the tail, where none can be lost.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xrange(LIVE, count=1)
            pipe.xread({LIVE: position}, count=_BATCH)
            first, found = await pipe.execute()
        if found and position != _START and _trimmed(first[0][0], position):
            _, last = await self._ends()
            return [LiveItem(last, RESET)]
        if not found:
            found = await self._redis.xread({LIVE: position}, count=_BATCH, block=self._block_ms)
        entries: list[_Entry] = found[0][1] if found else []
        return [_item(entry) for entry in entries]


def _item(entry: _Entry) -> LiveItem:
    entry_id, fields = entry
    return LiveItem(
        entry_id, fields.get("kind", ""), fields.get("call", ""), fields.get("data", "{}")
    )


def _trimmed(first: str, position: str) -> bool:
    return _order(first) > _order(position)


def _order(entry_id: str) -> tuple[int, int]:
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence)
