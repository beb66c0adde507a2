"""The delivery process's two ends in Redis. Both may be down: nothing here is the record."""

import asyncio
from collections import deque
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.calls import facts as f
from gateway.live import names
from gateway.live.redis import SOCKET_TIMEOUT_S
from gateway.log import get

_log = get("delivery")

RETRY_S = 1.0
KEPT = 10_000
"""Results kept for Redis to come back, and entries kept in the stream; the ledger has them all."""


async def listen(redis: Redis, wake: Callable[[], None], subscribed: Callable[[], None]) -> None:
    """Call `wake` at every message on `names.OUTBOX_WAKE`, for ever, over every outage.

    `subscribed` is called each time listening (again) begins.
    """
    while True:
        try:
            async with redis.pubsub(ignore_subscribe_messages=True) as channel:
                await channel.subscribe(names.OUTBOX_WAKE)
                subscribed()
                while True:
                    if await channel.get_message(timeout=SOCKET_TIMEOUT_S / 2):
                        wake()
        except (RedisError, OSError) as error:
            _log.warning("wake-up-lost", error=type(error).__name__, polling=True)
            await asyncio.sleep(RETRY_S)


class Announcer:
    """Publishes results on `names.DELIVERY`, in order, when Redis is there."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: deque[f.TicketDelivered | f.TicketFailed] = deque(maxlen=KEPT)
        self._something = asyncio.Event()
        self._closing = False

    def tell(self, fact: f.TicketDelivered | f.TicketFailed) -> None:
        """Queue `fact`; never blocks."""
        self._waiting.append(fact)
        self._something.set()

    def close(self) -> None:
        """Let `run` end once all is told, or Redis is found to be down."""
        self._closing = True
        self._something.set()

    async def run(self) -> None:
        """Publish until closed."""
        while not self._closing or self._waiting:
            await self._something.wait()
            self._something.clear()
            try:
                await self._flush()
            except (RedisError, OSError) as error:
                _log.warning("result-not-announced", error=type(error).__name__)
                if self._closing:
                    return
                await asyncio.sleep(RETRY_S)
                self._something.set()

    async def _flush(self) -> None:
        while self._waiting:
            fact = self._waiting[0]
            await self._redis.xadd(
                names.DELIVERY, {"event": f.dump(fact)}, maxlen=KEPT, approximate=True
            )
            if self._waiting and self._waiting[0] is fact:  # not pushed out meanwhile
                self._waiting.popleft()
