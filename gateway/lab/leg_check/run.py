"""Play the calls, some at the same time, under the capture; then read the leg log beside it."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from gateway.errors import LabError, LiandongError
from gateway.lab.leg_check.capture import Capture
from gateway.lab.leg_check.cast import One, cast
from gateway.lab.leg_check.compare import Logged, Verdict, compare, pair
from gateway.lab.leg_check.plays import BY_MODE, SEATS, Play
from gateway.lab.leg_check.spent import InVain, Spent, spent_of
from gateway.lab.leg_check.wire import WireLeg, legs_of
from gateway.lab.scene import until
from gateway.lab.town import LINE, Progress, Town, TownPlan, town

RING_S = 3.0
PLAY_LIMIT_S = 60.0
SETTLES_S = 4.0
"""A gateway that was just started loads advice and spelling, beside the calls."""
_NUMBERS_FROM = 13_900_000_001


@dataclass(frozen=True)
class Done:
    """One call of the check, played and compared."""

    name: str
    mode: str
    home: str
    verdict: Verdict


Told = Callable[[str], None]


async def check(
    at_a_time: int,
    modes: list[str],
    only: str,
    starting: Progress,
    told: Told,
    results: list[Done],
) -> None:
    """Play the calls of these modes with `only` in their names, in a town for each mode.

    Raises LabError when a town does not start.
    """
    number = _NUMBERS_FROM
    for mode in modes:
        if not any(only in play.__name__ for play in BY_MODE[mode]):
            continue
        async with town(_plan(mode), starting) as running, cast(running) as people:
            sip_port = running.pbx.config.sip_port
            await asyncio.sleep(SETTLES_S)
            with Capture(sip_port) as capture:
                plays = [
                    _Playing(play, One(people, str(number + at), ("12345", "110")[at % 2]))
                    for at, play in enumerate(BY_MODE[mode])
                    if only in play.__name__
                ]
                number += len(plays)
                await _play_all(plays, at_a_time, told)
                legs = legs_of(capture.packets, sip_port)
            for one in plays:
                await _read(running, one, legs, at_once=mode == "at_once")
            # Of a target that the dialplan rang by itself the log has no agent.
            named = [leg for one in plays for leg in one.named]
            for one in plays:
                verdict = compare(one.logged, one.spent, one.in_vain, named)
                if one.error:
                    verdict = Verdict(0, None, error=one.error)
                results.append(Done(one.play.__name__, mode, one.one.home, verdict))


def _plan(mode: str) -> TownPlan:
    return TownPlan(
        release="talk" if mode == "native" else mode,
        brief_s=1.0 if mode == "answered" else 0.0,
        ring_s=RING_S,
        fire=f"PJSIP/{LINE.user}",
        speech=False,
        seats=SEATS,
        overrides={"extensions.conf": f"[globals]\nLD_RING_S={int(RING_S)}"},
    )


@dataclass
class _Playing:
    play: Play
    one: One
    error: str = ""
    logged: list[Logged] = field(default_factory=list)
    spent: list[Spent] = field(default_factory=list)
    in_vain: list[InVain] = field(default_factory=list)

    @property
    def named(self) -> list[WireLeg]:
        """The legs whose agent the log knows."""
        pairs, _error = pair(self.logged, self.spent)
        return [wire.leg for leg, wire in pairs if leg["agent"]]


async def _play_all(plays: list[_Playing], at_a_time: int, told: Told) -> None:
    room = asyncio.Semaphore(at_a_time)

    async def within(playing: _Playing) -> None:
        async with room:
            await _play(playing)
            told(playing.play.__name__)

    async with asyncio.TaskGroup() as group:
        for one in plays:
            group.create_task(within(one))


async def _play(playing: _Playing) -> None:
    try:
        async with asyncio.timeout(PLAY_LIMIT_S):
            await playing.play(playing.one)
            await playing.one.until_quiet()
    except (LiandongError, TimeoutError) as error:
        playing.error = str(error) or f"not over in {PLAY_LIMIT_S:g} s"
    mine = [playing.one.citizen] if hasattr(playing.one, "citizen") else []
    await asyncio.gather(*(call.hang_up() for call in mine), return_exceptions=True)


async def _read(running: Town, playing: _Playing, legs: list[WireLeg], *, at_once: bool) -> None:
    """What wire and log say of this call."""
    mine = [leg for leg in legs if leg.number == playing.one.number]
    if playing.error or not any(leg.calls_in for leg in mine):
        playing.error = playing.error or "the capture has no such call"
        return
    try:
        playing.logged = await _logged(running, playing.one.number)
    except LabError as error:
        playing.error = str(error)
        return
    playing.spent, playing.in_vain = spent_of(mine, at_once=at_once)


async def _logged(running: Town, number: str) -> list[Logged]:
    """The legs of this caller's call as the API shows them, once all have ended."""
    found: list[Logged] = []
    async with running.client() as client:

        async def written() -> bool:
            if call := _call_id(running, number):
                answer = await client.get("/legs", params={"call": call})
                found[:] = answer.json()["legs"]
            return bool(found) and all(leg["how"] != "unknown" for leg in found)

        await until(written, f"the leg log of {number[-2:]}", 15)
    return found


def _call_id(running: Town, number: str) -> str:
    with closing(sqlite3.connect(f"file:{running.ledger}?mode=ro", uri=True)) as ledger:
        row = ledger.execute("SELECT id FROM calls WHERE caller_number = ?", (number,)).fetchone()
    return str(row[0]) if row else ""
