"""The whole bench: arms turn about, call by call, so that the machine's moods meet all alike."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.errors import LabError
from gateway.lab.bench import restart, speech, transfer
from gateway.lab.bench.arm import Arm, arms
from gateway.lab.bench.transfer import Transfer
from gateway.lab.dialogue import AUDIO
from gateway.lab.phones.ticker import ticker
from gateway.lab.town import Progress

SAID = AUDIO / "fight-02-caller.alaw"
"""What the caller says meanwhile, over and over: people talk while a key is pressed."""

_FAILURES_IN_A_ROW = 5


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    transfers: int = 60
    """Of each of the two arms that are compared."""
    blind: int = 20
    speech: int = 22
    """Spoken turns."""
    restarts: int = 5
    """Of the gateway, in mid-call."""
    warm_up: int = 2
    """Calls of each arm before those that count."""
    limit_s: float = 1500.0
    """No new call is begun after this."""

    @property
    def steps(self) -> int:
        """Calls and turns in all, for a progress bar."""
        return self.transfers * 2 + self.warm * 2 + self.blind + self.speech + self.restarts

    @property
    def warm(self) -> int:
        """Calls of each arm that do not count; none where no transfer is measured."""
        return self.warm_up if self.transfers else 0


@dataclass
class Machine:
    """What else the machine was doing."""

    cores: int = field(default_factory=lambda: os.cpu_count() or 1)
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])
    load_after: float = 0.0
    latest_tick_ms: float = 0.0
    """The latest any 20 ms of the phones' audio was: how far the bench itself was held up."""
    took_s: float = 0.0


@dataclass
class Result:
    """What was measured; warm-up calls are not in it."""

    machine: Machine = field(default_factory=Machine)
    titles: dict[str, str] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    spoken: speech.Spoken = field(default_factory=speech.Spoken)
    restarted: restart.Restarted = field(default_factory=restart.Restarted)
    cut_short: bool = False

    @property
    def failed(self) -> list[Transfer]:
        return [one for one in self.transfers if one.error or one.dropped]

    def of(self, arm: str, stage: str) -> list[float]:
        """Milliseconds of one stage in one arm, in the order they were measured."""
        mine = [one for one in self.transfers if one.arm == arm and not one.error]
        return [one.ms[stage] for one in mine if stage in one.ms]


@dataclass
class Watch:
    """Who is told how far it is."""

    starting: Progress = lambda _part: None
    step: Callable[[str], None] = lambda _what: None


async def bench(plan: Plan, result: Result, watch: Watch) -> None:
    """Measure into `result`, which holds what there is so far if this is cancelled.

    Raises LabError when a town does not start or nothing works any more.
    """
    started = time.monotonic()
    try:
        async with arms(watch.starting) as (ours, native, blind):
            result.titles = {arm.name: arm.title for arm in (ours, native, blind)}
            for _ in range(plan.warm):
                for arm in (ours, native):
                    await _one(arm, watch)
            deadline = started + plan.limit_s
            await _turn_about(plan, result, (ours, native, blind), watch, deadline)
            if plan.speech and time.monotonic() < deadline:
                result.spoken = await speech.measure(
                    ours, plan.speech, lambda: watch.step("speech")
                )
            if plan.restarts and time.monotonic() < deadline:
                result.restarted = await restart.measure(
                    ours, plan.restarts, SAID, lambda: watch.step("restart in mid-call")
                )
    finally:
        result.machine.latest_tick_ms = ticker().latest_ms
        result.machine.load_after = os.getloadavg()[0]
        result.machine.took_s = time.monotonic() - started


async def _turn_about(
    plan: Plan, result: Result, three: tuple[Arm, Arm, Arm], watch: Watch, deadline: float
) -> None:
    ours, native, blind = three
    for number in range(plan.transfers):
        if time.monotonic() > deadline:
            result.cut_short = True
            return
        # The blind ones are spread over the whole run.
        with_blind = (number + 1) * plan.blind // plan.transfers > (
            number * plan.blind // plan.transfers
        )
        for arm in (ours, native, *([blind] if with_blind else [])):
            result.transfers.append(await _one(arm, watch))
            _give_up_on(result, arm)


async def _one(arm: Arm, watch: Watch) -> Transfer:
    one = await transfer.measure(arm, SAID)
    watch.step(arm.title)
    return one


def _give_up_on(result: Result, arm: Arm) -> None:
    last = [one for one in result.transfers if one.arm == arm.name][-_FAILURES_IN_A_ROW:]
    if len(last) == _FAILURES_IN_A_ROW and all(one.error for one in last):
        raise LabError(f"{len(last)} calls in a row failed ({arm.title}): {last[-1].error}")
