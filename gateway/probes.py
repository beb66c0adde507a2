"""Is each part well? What /healthz and /api/v1/health say."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.calls.journal import Journal
from gateway.calls.port import ComponentHealth
from gateway.calls.registry import Probe
from gateway.clock import now
from gateway.errors import LedgerError
from gateway.live import names
from gateway.telephony.ami_port import Ami

if TYPE_CHECKING:
    from gateway.ledger.repository import Ledger

_LATE_DELIVERY_S = 60
"""A ticket that waits longer than this means that delivery or the order system is not well."""
_GIVEN_UP_LATELY = timedelta(days=1)


class Probes:
    """One probe a component; each is bounded and never raises."""

    def __init__(
        self,
        ami: Ami,
        redis: Redis,
        ledger: "Ledger",
        journal: Journal,
        *,
        delivers: bool,
        listens: bool = True,
        in_control: Callable[[], bool] = lambda: True,
    ) -> None:
        """What the settings ask for: `delivers`, an order system is named; `listens`, people are
        to be transcribed. `in_control`: of the PBX, now."""
        self._ami = ami
        self._redis = redis
        self._ledger = ledger
        self._journal = journal
        self._delivers = delivers
        self._listens = listens
        self._in_control = in_control

    def all(self) -> list[Probe]:
        return [
            self.switch,
            self.redis,
            self.speech,
            self.ledger,
            self.delivery,
            self.journal,
        ]

    async def switch(self) -> ComponentHealth:
        if not self._ami.connected:
            return ComponentHealth("switch", ok=False, detail="not connected")
        ok, detail = self._in_control(), f"Asterisk {self._ami.version}"
        return ComponentHealth("switch", ok, detail if ok else f"{detail}, not in control of it")

    async def redis(self) -> ComponentHealth:
        try:
            await asyncio.wait_for(self._redis.ping(), 1.0)
        except (RedisError, OSError, TimeoutError) as error:
            return ComponentHealth("redis", ok=False, detail=type(error).__name__)
        return ComponentHealth("redis", ok=True)

    async def speech(self) -> ComponentHealth:
        if not self._listens:
            return ComponentHealth("speech", ok=True, detail="off")
        try:
            async with asyncio.timeout(1.0):
                workers = [key async for key in self._redis.scan_iter(match=names.WORKERS)]
        except (RedisError, OSError, TimeoutError) as error:
            return ComponentHealth("speech", ok=False, detail=type(error).__name__)
        return ComponentHealth("speech", bool(workers), f"{len(workers)} worker(s)")

    async def ledger(self) -> ComponentHealth:
        try:
            await asyncio.wait_for(self._ledger.tickets(1, None), 2.0)
        except (LedgerError, TimeoutError) as error:
            return ComponentHealth("ledger", ok=False, detail=type(error).__name__)
        return ComponentHealth("ledger", ok=True)

    async def delivery(self) -> ComponentHealth:
        """Not well: a ticket waits too long, or one was given up within the last day.

        A day, since one that was given up needs a person to see it, and one that a person has
        decided to leave must not hold the alarm up for ever: that would hide the next.
        """
        try:
            async with asyncio.timeout(2.0):
                since = await self._ledger.waiting_since()
                dead = await self._ledger.given_up()
                lately = await self._ledger.given_up(now() - _GIVEN_UP_LATELY)
        except (LedgerError, TimeoutError) as error:
            return ComponentHealth("delivery", ok=False, detail=type(error).__name__)
        waits_s = int((now() - since).total_seconds()) if since else 0
        late = self._delivers and waits_s > _LATE_DELIVERY_S
        detail = f"oldest ticket waits {waits_s} s; {dead} dead, {lately} since a day"
        return ComponentHealth("delivery", not late and not lately, detail)

    async def journal(self) -> ComponentHealth:
        ok = self._journal.failures == 0
        return ComponentHealth("journal", ok, f"late {self._journal.late}")
