"""One listening tap per speaker: a uuid is granted in Redis, then Asterisk streams to a worker.

A tap that cannot be opened costs the transcript, never the call: the gap is marked.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway import log
from gateway.calls import facts as f
from gateway.calls.commands import OpenTap
from gateway.errors import SwitchError
from gateway.live import names
from gateway.media.grants import RedisGrants
from gateway.speech.port import TapGrant
from gateway.telephony.ami_port import Ami

_log = log.get("media")


class TapOpener:
    """Points each tap at the recognition worker with the most room."""

    def __init__(
        self,
        ami: Ami,
        redis: Redis,
        *,
        lifetime_s: float,
        started_ms: Callable[[str], int],
        record: Callable[[f.Fact], None],
    ) -> None:
        self._ami = ami
        self._redis = redis
        self._grants = RedisGrants(redis)
        self._lifetime_s = lifetime_s
        self._started_ms = started_ms
        self._record = record
        self.failures = 0

    async def open(self, command: OpenTap) -> None:
        """Open a tap on `command.channel`; what fails is recorded as a gap from the leg's start."""
        try:
            await self._open(command)
        except (SwitchError, RedisError, OSError) as error:
            self.failures += 1
            call_id = command.leg_id.split(".", 1)[0]
            _log.warning("tap failed", call_id=call_id, error=type(error).__name__)
            gap = f.GapMarked(
                call_id=call_id, leg_id=command.leg_id, start_ms=0, end_ms=0, why="no tap"
            )
            self._record(gap)
            self._record(f.SpeechClosed(call_id=call_id, leg_id=command.leg_id))

    async def worker_within(self, wait_s: float) -> bool:
        """Whether a recognition worker is announced, now or within `wait_s`."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(RedisError, OSError):
                await self._least_loaded()
                return True
            await asyncio.sleep(0.2)
        return False

    async def _open(self, command: OpenTap) -> None:
        worker = await self._least_loaded()
        uuid = str(uuid4())
        grant = TapGrant(
            call_id=command.leg_id.split(".", 1)[0],
            leg_id=command.leg_id,
            call_started_ms=self._started_ms(command.leg_id),
        )
        await self._grants.offer(uuid, grant, self._lifetime_s)
        headers = {
            "Channel": f"AudioSocket/{worker}/{uuid}/c(slin16)",
            "Context": "liandong-tap",
            "Exten": "s",
            "Priority": "1",
            "Timeout": "3000",
            "Async": "true",
            "Variable": [f"LD_TAP={command.channel}"],
        }
        await self._ami.send("Originate", headers)

    async def _least_loaded(self) -> str:
        keys = [key async for key in self._redis.scan_iter(match=names.WORKERS, count=100)]
        found = (
            [json.loads(value) for value in await self._redis.mget(keys) if value] if keys else []
        )
        if not found:
            raise ConnectionError("no recognition worker is announced in Redis")
        best = min(found, key=lambda worker: worker["streams"] / max(1, worker["max_streams"]))
        return f"{best['host']}:{best['port']}"
