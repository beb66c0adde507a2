"""Is the PBX still there, and how far is its clock from ours: a Ping at a steady pace."""

import asyncio
import time
from collections import deque

from gateway import log
from gateway.clock import steady
from gateway.errors import SwitchError, SwitchTimeout
from gateway.telephony.ami_link import AmiLink

_log = log.get("telephony")

_SAMPLES = 8
_MAX_MISSES = 2
_SLACK_S = 0.1
"""What clocks drift, and what a busy PBX adds, between Pings."""


class SwitchClock:
    """The PBX's wall clock by our steady one, from the quickest of the last Pings.

    Our own wall clock is left out of it: set by an hour, it would give the dialplan a beat that is
    an hour old, or fresh for an hour after our end.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def add(self, sent: float, answered: float, theirs: float) -> None:
        """Take in one Ping: `clock.steady()` before and after, and the reply's Timestamp."""
        took, ahead = answered - sent, theirs - (sent + answered) / 2
        # Further off than the way can explain: it is the PBX's clock that was set.
        if any(abs(ahead - one) > (took + other) / 2 + _SLACK_S for other, one in self._samples):
            self._samples.clear()
        self._samples.append((took, ahead))

    @property
    def ahead_s(self) -> float | None:
        """Epoch seconds of the PBX less `clock.steady()`; None before the first Ping."""
        return min(self._samples)[1] if self._samples else None


class Heartbeat:
    """Pings `link` until it fails; a half-open connection says nothing by itself."""

    def __init__(self, link: AmiLink, *, period: float, timeout: float) -> None:
        self._link = link
        self._period = period
        self._timeout = timeout
        self._misses = 0
        self.clock = SwitchClock()

    async def once(self) -> None:
        """One Ping; raises SwitchError when it is not answered in time."""
        sent = steady()
        reply = await self._link.ask("Ping", {}, self._timeout)
        answered = steady()
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
