"""The largest number of streams that is in time: up in coarse steps, then in between."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.lab.bench.streams.level import Level

Measure = Callable[[int], Awaitable[Level]]
_TRIES = 2
"""A level that is late is measured once more: something else may have run."""


@dataclass
class Search:
    """`levels`: all that was measured, in order."""

    levels: list[Level] = field(default_factory=list)

    @property
    def best(self) -> int:
        """The largest number in time below which nothing was late; 0: none."""
        late = [one.streams for one in self.levels if not self._good(one.streams)]
        ok = [one.streams for one in self.levels if self._good(one.streams)]
        return max((n for n in ok if not late or n < min(late)), default=0)

    async def run(self, measure: Measure, *, start: int, step: int, fine: int, most: int) -> None:
        """Measure at `start`, `start + step`, ... until late, then halve down to `fine`."""
        low, high, streams = 0, 0, start
        while not high and streams <= most:
            if await self._in_time(measure, streams):
                low, streams = streams, streams + step
            else:
                high = streams
        while high - low > fine:
            middle = (low + high) // 2
            if await self._in_time(measure, middle):
                low = middle
            else:
                high = middle

    async def _in_time(self, measure: Measure, streams: int) -> bool:
        for _ in range(_TRIES):
            one = await measure(streams)
            self.levels.append(one)
            if one.in_time:
                return True
            if one.sound and one.cpu > 0.9:
                return False
        return False

    def _good(self, streams: int) -> bool:
        return any(one.in_time for one in self.levels if one.streams == streams)
