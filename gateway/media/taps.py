"""One listening tap per speaker: a uuid is granted in Redis, then Asterisk streams to a worker.

A tap that cannot be opened costs the transcript, never the call: the gap is marked.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway import log
from gateway.calls import facts as f
from gateway.calls.commands import OpenTap
from gateway.clock import now
from gateway.errors import SwitchError
from gateway.live import names
from gateway.media.grants import RedisGrants
from gateway.speech.port import TapGrant
from gateway.telephony.ami_port import Ami
from gateway.telephony.ami_values import variable

_log = log.get("media")
_TRIES = 5
"""How often a leg whose tap dies (a worker crashed, or has no room) is tapped again."""
_UUID_LENGTH = 36
TAP_PREFIX = "AudioSocket/"


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
        self._opened: dict[str, OpenTap] = {}
        self._tries: Counter[str] = Counter()

    async def open(self, command: OpenTap, *, lost_at: datetime | None = None) -> None:
        """Open a tap on `command.channel`; what fails is recorded as a gap from the leg's start.

        `lost_at`: when an earlier tap on it died; what was said since is recorded as a gap.
        """
        try:
            await self._open(command, lost_at)
            if lost_at is not None:
                self._record(self._gap_since(command.leg_id, lost_at))
        except (SwitchError, RedisError, OSError, ValueError, KeyError) as error:
            self.failures += 1
            call_id = command.leg_id.split(".", 1)[0]
            _log.warning("tap failed", call_id=call_id, error=type(error).__name__)
            gap = f.GapMarked(
                call_id=call_id, leg_id=command.leg_id, start_ms=0, end_ms=0, why="no tap"
            )
            self._record(gap)
            self._record(f.SpeechClosed(call_id=call_id, leg_id=command.leg_id))

    def _gap_since(self, leg_id: str, lost_at: datetime) -> f.GapMarked:
        zero = self._started_ms(leg_id)
        return f.GapMarked(
            call_id=leg_id.split(".", 1)[0],
            leg_id=leg_id,
            start_ms=max(0, int(lost_at.timestamp() * 1000) - zero),
            end_ms=max(0, int(now().timestamp() * 1000) - zero),
            why="recognition restarted",
        )

    def ended(self, channel: str) -> OpenTap | None:
        """The tap whose AudioSocket channel has ended, if it may be tried again."""
        command = self._opened.pop(channel[-_UUID_LENGTH:], None)
        if command is None:
            return None
        self._tries[command.leg_id] += 1
        return command if self._tries[command.leg_id] < _TRIES else None

    def forget(self, leg_id: str) -> None:
        """The leg has ended: so do its tries."""
        self._tries.pop(leg_id, None)

    async def worker_within(self, wait_s: float, since: datetime | None = None) -> bool:
        """Whether a recognition worker is announced, now or within `wait_s`.

        `since`: only an announcement made later counts, for a worker may have died meanwhile.
        """
        deadline = asyncio.get_running_loop().time() + wait_s
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(RedisError, OSError):
                await self._least_loaded(since)
                return True
            await asyncio.sleep(0.2)
        return False

    async def _open(self, command: OpenTap, lost_at: datetime | None) -> None:
        worker = await self._least_loaded(lost_at)
        uuid = str(uuid4())
        grant = TapGrant(
            call_id=command.leg_id.split(".", 1)[0],
            leg_id=command.leg_id,
            call_started_ms=self._started_ms(command.leg_id),
        )
        await self._grants.offer(uuid, grant, self._lifetime_s)
        self._opened[uuid] = command
        headers = {
            "Channel": f"AudioSocket/{worker}/{uuid}/c(slin16)",
            "Context": "liandong-tap",
            "Exten": "s",
            "Priority": "1",
            "Timeout": "3000",
            "Async": "true",
            "Variable": [variable("LD_TAP", command.channel)],
        }
        try:
            await self._ami.send("Originate", headers)
        except SwitchError:
            self._opened.pop(uuid, None)
            raise

    async def _least_loaded(self, since: datetime | None) -> str:
        keys = [key async for key in self._redis.scan_iter(match=names.WORKERS, count=100)]
        found = (
            [json.loads(value) for value in await self._redis.mget(keys) if value] if keys else []
        )
        if since is not None:
            found = [worker for worker in found if worker["at"] > since.timestamp()]
        if not found:
            raise ConnectionError("no recognition worker is announced in Redis")
        best = min(found, key=lambda worker: worker["streams"] / max(1, worker["max_streams"]))
        return f"{best['host']}:{best['port']}"
