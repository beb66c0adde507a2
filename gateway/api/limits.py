"""Modest brakes: on guessing tokens, and on how many pages stay open."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable


class FailedAttempts:
    """Counts failures per address; `limit` in `window_s` seconds, then wait.

    At most `addresses` are remembered, the longest quiet forgotten first.
    """

    def __init__(
        self,
        limit: int = 10,
        window_s: float = 60.0,
        addresses: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._addresses = addresses
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until `address` may try again; 0 when it may now."""
        failures = self._failures.get(address)
        if not failures or len(failures) < self._limit:
            return 0.0
        return max(0.0, failures[0] + self._window_s - self._clock())

    def failed(self, address: str) -> None:
        """Remember one failure."""
        failures = self._failures.setdefault(address, deque(maxlen=self._limit))
        failures.append(self._clock())
        self._failures.move_to_end(address)
        while len(self._failures) > self._addresses:
            self._failures.popitem(last=False)
