"""Is the PBX still there, and how far is its clock from ours: a Ping at a steady pace."""

import asyncio
import time
from collections import deque

from gateway import log
from gateway.errors import SwitchError, SwitchTimeout
from gateway.telephony.ami_link import AmiLink

_log = log.get("telephony")

_SAMPLES = 8
_MAX_MISSES = 2


class ClockOffset:
    """PBX wall clock minus ours, in seconds, from the quickest of the last Pings."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def add(self, sent: float, answered: float, theirs: float) -> None:
        """Take in one Ping: our `time.time()` before and after, and the reply's Timestamp."""
        self._samples.append((answered - sent, theirs - (sent + answered) / 2))

    @property
    def seconds(self) -> float:
        return min(self._samples)[1] if self._samples else 0.0


class Heartbeat:
    """Pings `link` until it fails; a half-open connection says nothing by itself."""

    def __init__(self, link: AmiLink, *, period: float, timeout: float) -> None:
        self._link = link
        self._period = period
        self._timeout = timeout
        self._misses = 0
        self.clock = ClockOffset()

    async def once(self) -> None:
        """One Ping; raises SwitchError when it is not answered in time."""
        sent = time.time()
        reply = await self._link.ask("Ping", {}, self._timeout)
        answered = time.time()
        self._misses = 0
        try:
            self.clock.add(sent, answered, float(reply.get("Timestamp")))
        except ValueError:
            _log.warning("ami-ping-without-timestamp")

    async def run(self) -> None:
        """Ping for ever; abort the link, and return, when the PBX no longer answers."""
        while True:
            await asyncio.sleep(self._period)
            started = time.monotonic()
            try:
                await self.once()
            except SwitchTimeout:
                self._misses += 1
                silent = self._link.last_heard < started
                if silent or self._misses >= _MAX_MISSES:
                    _log.error("ami-heartbeat-lost", silent=silent, misses=self._misses)
                    self._link.abort()
                    return
            except SwitchError:
                return
