"""One listening tap per speaker: a uuid is granted in Redis, then Asterisk streams to a worker."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.calls.commands import OpenTap
from gateway.clock import now
from gateway.errors import NoCapacity, SwitchError, SwitchTimeout
from gateway.live import names
from gateway.media.grants import RedisGrants
from gateway.speech.port import TapGrant
from gateway.telephony.ami_port import Ami
from gateway.telephony.ami_values import variable
from gateway.telephony.reconcile import TAP_PREFIX

FAILURES = (NoCapacity, SwitchError, RedisError, OSError, ValueError, KeyError)
"""Why a tap cannot be opened; Redis may hold nonsense."""
_STALE_S = 3.0
"""A worker announces itself every second; one that is silent for longer is as good as dead."""
_LOOK_EVERY_S = 0.05
_OPENED_KEPT = 1000


class TapOpener:
    """Points each tap at the recognition worker with the most room."""

    def __init__(
        self, ami: Ami, redis: Redis, *, lifetime_s: float, started_ms: Callable[[str], int]
    ) -> None:
        self._ami = ami
        self._redis = redis
        self._grants = RedisGrants(redis)
        self._lifetime_s = lifetime_s
        self._started_ms = started_ms
        self._sent: deque[tuple[str, float]] = deque(maxlen=_OPENED_KEPT)

    async def open(
        self, command: OpenTap, uuid: str, *, dead: str = "", since: datetime | None = None
    ) -> str:
        """Open a tap on `command.channel` under a new `uuid`; returns its worker's address.

        Raises one of FAILURES. `dead`, `since`: the worker that was lost, and when; it counts only
        if it has announced itself anew.
        """
        worker = await self._roomiest(dead, since)
        grant = TapGrant(
            call_id=command.leg_id.split(".", 1)[0],
            leg_id=command.leg_id,
            call_started_ms=self._started_ms(command.leg_id),
        )
        await self._grants.offer(uuid, grant, self._lifetime_s)
        headers = {
            "Channel": f"{TAP_PREFIX}{worker}/{uuid}/c(slin16)",
            "Context": "liandong-tap",
            "Exten": "s",
            "Priority": "1",
            "Timeout": "3000",
            "Async": "true",
            "Variable": [variable("LD_TAP", command.channel)],
        }
        self._sent.append((worker, now().timestamp()))
        try:
            await self._ami.send("Originate", headers)
        except SwitchTimeout:
            # Unknown: a grant that is spent by now says that the tap is there.
            if await self._grants.withdraw(uuid):
                raise
        return worker

    async def worker_within(self, wait_s: float) -> bool:
        """Whether a recognition worker is announced, now or within `wait_s`."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(RedisError, OSError):
                if await self._announced():
                    return True
            await asyncio.sleep(_LOOK_EVERY_S)
        return False

    async def _announced(self) -> list[dict[str, Any]]:
        keys = [key async for key in self._redis.scan_iter(match=names.WORKERS, count=100)]
        if not keys:
            return []
        return [json.loads(value) for value in await self._redis.mget(keys) if value]

    async def _roomiest(self, dead: str, since: datetime | None) -> str:
        found = await self._announced()
        newest = max((one["at"] for one in found), default=0.0)
        lost_at = since.timestamp() if since else 0.0
        alive = {
            _address(one): one
            for one in found
            if one["at"] > newest - _STALE_S and (_address(one) != dead or one["at"] > lost_at)
        }
        if not alive:
            raise ConnectionError("no recognition worker is announced in Redis")
        rooms = {address: self._room(address, one) for address, one in alive.items()}
        best = max(rooms, key=lambda address: (rooms[address], -alive[address]["wait_s"]))
        if rooms[best] < 1:
            raise NoCapacity("every recognition worker is full")
        return best

    def _room(self, address: str, one: dict[str, Any]) -> int:
        """What it has announced, less the taps that we have sent it since."""
        sent = sum(1 for worker, at in self._sent if worker == address and at > one["at"])
        return int(one["room"]) - sent


def _address(worker: dict[str, Any]) -> str:
    return f"{worker['host']}:{worker['port']}"
