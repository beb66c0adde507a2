"""So many calls at a time, measured: all come up, each is transferred, all are held, all end."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from gateway.errors import PhoneTimeout
from gateway.lab.bench.decisions import JournalReader
from gateway.lab.bench.stages import Decisions, stages
from gateway.lab.bench.stats import Summary, summary
from gateway.lab.load import cost
from gateway.lab.load.by_call import by_room
from gateway.lab.load.crowd import Crowd
from gateway.lab.load.one import OneCall, Told
from gateway.lab.phones.script import wait_for

GAP_AT_MOST_MS = 60.0
_UP_A_S, _TRANSFERS_A_S, _ENDS_A_S = 5.0, 4.0, 10.0
"""Calls a second."""
_HELD_S = 5.0
_STARTING_AT_MOST_S = 30
_STILL_STARTING = 0.05
"""Share of a core."""
_EMPTY_WITHIN_S, _TICKETS_WITHIN_S = 30.0, 60.0
_LOOK_EVERY_S = 0.5

_numbers = count(13800000001)
Step = Callable[[str], None]


@dataclass
class Level:
    """What came of `calls` at a time. Milliseconds; `cpu_s`: seconds by part."""

    arm: str
    calls: int
    told: list[Told]
    dropped: list[str] = field(default_factory=list)
    """Callers' channels, by the switch's events."""
    took_s: float = 0.0
    stages: dict[str, list[float]] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    """From the first call's beginning until the last one's ticket had been taken."""
    idle: dict[str, float] = field(default_factory=dict)
    """Share of a core before the first call."""
    held: dict[str, float] = field(default_factory=dict)
    """Share of a core while all of them talk and nothing else happens."""
    tickets: int = 0
    tickets_after_s: float = 0.0
    """The last ticket, after the last caller had hung up."""
    pump_late_ms: float = 0.0
    left: list[str] = field(default_factory=list)
    """Channels that were still there half a minute after everyone had hung up."""

    @property
    def failed(self) -> list[Told]:
        return [one for one in self.told if one.error]

    @property
    def callers_dropped(self) -> int:
        """As the switch tells it, and as their phones do: whichever is more."""
        return max(len(self.dropped), sum(one.ended_by_pbx for one in self.told))

    @property
    def holds(self) -> bool:
        """Nobody was dropped, every call was played and has its ticket, every gap is small."""
        late = any(one.gap_ms > GAP_AT_MOST_MS for one in self.told)
        wrong = self.callers_dropped or self.failed or self.deaf or self.left or self.tickets_lost
        return not (wrong or late)

    @property
    def tickets_lost(self) -> int:
        """Calls whose final ticket did not reach the order system."""
        return self.calls - self.tickets if self.arm == "gateway" else 0

    @property
    def deaf(self) -> int:
        """Callers who did not hear the target."""
        return sum(not one.heard_target for one in self.told if not one.error)

    def of(self, value: Callable[[Told], float]) -> Summary | None:
        """One measure over all calls that were transferred."""
        values = [value(one) for one in self.told if one.moments]
        return summary(values) if values else None

    def per_call_ms(self, part: str) -> float:
        """Processor time that one call costs `part`, from its beginning to its ticket."""
        if part not in self.cpu_s:
            return 0.0
        return (self.cpu_s[part] - self.idle[part] * self.took_s) / self.calls * 1000


class Meter:
    """Measures one level after another in one crowd."""

    def __init__(self, crowd: Crowd, arm: str) -> None:
        self._crowd = crowd
        self._arm = arm
        self._idle: dict[str, float] = {}
        self._tickets = 0
        self._journal = JournalReader(crowd.town.folder / "journal")

    async def idle(self, for_s: float) -> None:
        """What it costs to do nothing, once the gateway has loaded what it loads after a start."""
        for _ in range(_STARTING_AT_MOST_S):
            share = await self._share(1.0)
            if share.get("control", 0.0) < _STILL_STARTING:
                break
        self._idle = await self._share(for_s)

    async def measure(self, calls: int, step: Step) -> Level:
        """Play `calls` at a time; `step` after each part of each. Leaves an empty PBX."""
        crowd = self._crowd
        everyone = [OneCall(crowd, str(next(_numbers))) for _ in range(calls)]
        level = Level(self._arm, calls, [one.told for one in everyone], idle=self._idle)
        mark, began, before = crowd.witness.mark(), time.monotonic(), cost.spent(crowd.town)
        await crowd.pump.latest_ms()
        await _paced([one.up for one in everyone], _UP_A_S, lambda: step("up"))
        await asyncio.sleep(1.0)
        await _paced([one.transfer for one in everyone], _TRANSFERS_A_S, lambda: step("moved"))
        level.held = await self._share(_HELD_S)
        await _paced([one.end for one in everyone], _ENDS_A_S, lambda: step("ended"))
        ended = time.monotonic()
        await self._settle(level)
        level.tickets_after_s = time.monotonic() - ended
        level.took_s = time.monotonic() - began
        level.cpu_s = cost.less(cost.spent(crowd.town), before)
        level.pump_late_ms = await crowd.pump.latest_ms()
        level.left = await self._left()
        level.dropped = crowd.witness.dropped(mark, crowd.people)
        self._take_apart(level, mark)
        return level

    async def _share(self, for_s: float) -> dict[str, float]:
        before, at = cost.spent(self._crowd.town), time.monotonic()
        await asyncio.sleep(for_s)
        took = time.monotonic() - at
        spent = cost.less(cost.spent(self._crowd.town), before)
        return {part: seconds / took for part, seconds in spent.items()}

    async def _left(self) -> list[str]:
        left: list[str] = []

        async def empty() -> bool:
            await asyncio.sleep(_LOOK_EVERY_S)
            left[:] = await self._crowd.witness.live_channels()
            return not left

        with contextlib.suppress(PhoneTimeout):
            emptied: bool = await wait_for(empty, _EMPTY_WITHIN_S, "an empty PBX")
            assert emptied
        return left

    async def _settle(self, level: Level) -> None:
        """Wait until the order system has the final ticket of each call."""
        if not self._crowd.town.plan.gateway:
            return
        earlier = self._tickets
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:

            async def taken() -> bool:
                await asyncio.sleep(_LOOK_EVERY_S)
                self._tickets = await self._finals(client)
                return self._tickets >= earlier + level.calls

            with contextlib.suppress(PhoneTimeout):
                every: bool = await wait_for(taken, _TICKETS_WITHIN_S, "the last ticket")
                assert every
        level.tickets = self._tickets - earlier

    async def _finals(self, client: httpx.AsyncClient) -> int:
        tickets: list[dict[str, Any]] = (
            await client.get(f"{self._crowd.town.orders_url}/tickets")
        ).json()
        return sum(one["phase"] == "final" for one in tickets)

    def _take_apart(self, level: Level, mark: int) -> None:
        decided = self._journal.by_room()
        told = {one.number: one for one in level.told if one.moments}
        for room, events in by_room(self._crowd.witness.seen[mark:]).items():
            number = next((e.get("Caller") for e in events if e.get("Caller")), "")
            if one := told.get(number):
                assert one.moments is not None
                found = stages(one.moments, events, decided.get(room, Decisions()))
                for name, ms in found.items():
                    level.stages.setdefault(name, []).append(ms)


async def _paced(
    steps: Sequence[Callable[[], Awaitable[None]]], a_second: float, done: Callable[[], None]
) -> None:
    """Begin one step after another at this pace, whether the ones before are done or not."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(at: int, step: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(max(0.0, began + at / a_second - loop.time()))
        await step()
        done()

    async with asyncio.TaskGroup() as tasks:
        for at, step in enumerate(steps):
            tasks.create_task(one(at, step))
