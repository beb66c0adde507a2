"""Retransmission over UDP: RFC 3261 section 17, timers A, B, E, F, G and H."""

import asyncio
from collections.abc import Callable

T1_S = 0.5
T2_S = 4.0
GIVE_UP = 64
"""Give up after this many T1."""


class Resend:
    """Calls `send` after T1, 2 T1, 4 T1 ... (at most T2 apart when `capped`) until stopped.

    `expired` is called once when 64 T1 have gone by. The first sending is the caller's.
    """

    def __init__(
        self,
        send: Callable[[], object],
        expired: Callable[[], None],
        *,
        t1_s: float = T1_S,
        capped: bool = True,
    ) -> None:
        self._send = send
        self._expired = expired
        self._cap_s = T2_S if capped else GIVE_UP * t1_s
        self._loop = asyncio.get_running_loop()
        self._interval_s = t1_s
        self._due = self._loop.time()
        self._ends_at = self._due + GIVE_UP * t1_s
        self._timer: asyncio.TimerHandle | None = None
        self._schedule()

    def stop(self) -> None:
        """Send no more; safe to call again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._due = min(self._due + self._interval_s, self._ends_at)
        self._timer = self._loop.call_at(self._due, self._fire)

    def _fire(self) -> None:
        if self._due >= self._ends_at:
            self._timer = None
            self._expired()
            return
        self._send()
        self._interval_s = min(self._interval_s * 2, self._cap_s)
        self._schedule()
