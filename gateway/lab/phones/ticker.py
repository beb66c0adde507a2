"""One 20 ms beat for every call on an event loop, on an absolute schedule."""

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

from gateway.lab.phones.rtp import FRAME_MS

_PERIOD_S = FRAME_MS / 1000
_CATCH_UP = 25
"""Ticks (0.5 s) made up for after the loop was held; what is older is skipped and counted."""


class Ticked(Protocol):
    def tick(self) -> None: ...


class Ticker:
    """Calls `tick` of each member once per period. Late beats are made up, so nothing drifts."""

    def __init__(self) -> None:
        self._members: dict[Ticked, None] = {}
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.latest_ms = 0.0
        """The latest any beat has been."""
        self.skipped = 0

    def add(self, member: Ticked) -> None:
        self._members[member] = None
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + _PERIOD_S
            self._timer = loop.call_at(self._due, self._beat)

    def remove(self, member: Ticked) -> None:
        """Leave the beat; the last one out stops it. Safe to call again."""
        self._members.pop(member, None)
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - self._due
        self.latest_ms = max(self.latest_ms, late * 1000)
        beats = 1 + int(late / _PERIOD_S)
        for _ in range(min(beats, _CATCH_UP)):
            for member in list(self._members):
                member.tick()
        self.skipped += max(0, beats - _CATCH_UP)
        self._due += beats * _PERIOD_S
        if self._members:
            self._timer = loop.call_at(self._due, self._beat)


# A ticker holds its loop only while it beats, so an idle one goes when its loop goes.
_tickers: WeakKeyDictionary[asyncio.AbstractEventLoop, Ticker] = WeakKeyDictionary()


def ticker() -> Ticker:
    """Return the running loop's ticker."""
    loop = asyncio.get_running_loop()
    if loop not in _tickers:
        _tickers[loop] = Ticker()
    return _tickers[loop]
