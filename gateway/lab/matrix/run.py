"""Play rows: a town for each kind of link, a scene for each row, and a look at what came of it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import groupby
from typing import Any

from gateway.errors import LabError, LiandongError
from gateway.lab import trunk
from gateway.lab.matrix.acts import act_of
from gateway.lab.matrix.judge import Seen, settled
from gateway.lab.matrix.play import TONES, Play
from gateway.lab.matrix.table import Row
from gateway.lab.phones.call import CallState
from gateway.lab.scene import Scene, open_scene, until
from gateway.lab.town import LINE, Progress, Town, TownPlan, town

RING_S, BRIEF_S = 3.0, 2.0
ROW_LIMIT_S = 60.0
_SETTLES_S = 12.0
_WINDOW_MS = 300.0
"""Length of what is listened to for voices."""
_SILENCE_MS, _SILENCE_RMS = 1000.0, 50.0
"""So long, and no louder: nothing."""
Played = Callable[[Row, Seen], None]


def town_key(row: Row) -> tuple[str, str, str, bool]:
    """Rows with the same key share a town."""
    direction = row.direction if row.topology == "two switches" else ""
    return (row.topology, direction, row.mode, row.early)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows in the order of playing: town by town."""
    return sorted(rows, key=lambda row: (town_key(row), row))


def plan_of(row: Row) -> TownPlan:
    """The town in which `row` is played."""
    two = row.topology == "two switches"
    return TownPlan(
        release=row.mode,
        brief_s=BRIEF_S,
        ring_s=RING_S,
        fire=f"PJSIP/{LINE.user}",
        home=row.home if two else "",
        answers="early" if two and row.early else "person",
        target_context="lab-early-target" if row.early and not two else "liandong-target",
        overrides={"extensions.conf": f"[globals]\nLD_RING_S={int(RING_S)}"},
    )


async def play_rows(rows: Iterable[Row], starting: Progress, played: Played) -> None:
    """Play them, in order, and tell of each. Raises LabError when a town does not start."""
    for _key, alike in groupby(in_order(rows), key=town_key):
        some = list(alike)
        async with town(plan_of(some[0]), starting) as running:
            for row in some:
                played(row, await _play(running, row))


async def _play(running: Town, row: Row) -> Seen:
    """Play one row, whatever happens; the PBX is empty afterwards."""
    seen, began = Seen(), time.monotonic()
    try:
        async with asyncio.timeout(ROW_LIMIT_S), _play_of(running, row) as play:
            try:
                await act_of(row)(play)
                await _watch(play, seen)
                await play.end()
            except LiandongError as error:
                # At once: phones that cannot hang up any more take their time to close.
                seen.errors.append(str(error))
                await _mend(running, seen)
    except (LiandongError, TimeoutError) as error:
        seen.errors.append(str(error) or f"it took longer than {ROW_LIMIT_S:g} s")
        await _mend(running, seen)
    seen.took_s = time.monotonic() - began
    return seen


@contextlib.asynccontextmanager
async def _play_of(running: Town, row: Row) -> AsyncIterator[Play]:
    async with open_scene(running) as scene:
        play = Play(scene, row)
        await play.begin()
        yield play


async def _watch(play: Play, seen: Seen) -> None:
    """Wait until the call has come to what it must, at most a while; what it is then is seen."""

    async def look() -> bool:
        await _look(play, seen)
        return settled(play.row, seen)

    with contextlib.suppress(LabError):
        await until(look, "the end that must come", _SETTLES_S)


async def _look(play: Play, seen: Seen) -> None:
    last = await _transfer(play.scene)
    seen.state = str(last.get("state", ""))
    seen.reason = str(last["steps"][-1]["reason"] or "") if last else ""
    talking = {name: call for name, call in play.calls.items() if call.state is CallState.UP}
    seen.left = "".join(sorted(talking))
    seen.hears = {
        name: "".join(sorted(who for who, tone in TONES.items() if _hears(call, tone)))
        for name, call in talking.items()
    }
    silent = [name for name, call in talking.items() if call.rms(_SILENCE_MS) < _SILENCE_RMS]
    seen.silent = "".join(sorted(silent))
    seen.rings = _rings(play)
    seen.call_back = await _call_back(play.scene)


def _hears(call: Any, tone: int) -> bool:
    return bool(call.heard.hears_tone(tone, _WINDOW_MS))


async def _transfer(scene: Scene) -> dict[str, Any]:
    transfers = (await scene.view())["transfers"]
    return dict(transfers[-1]) if transfers else {}


async def _call_back(scene: Scene) -> bool:
    """Whether somebody is to call the citizen back, by number."""
    task = (await scene.view())["callback"]
    return bool(task and task["number"])


def _rings(play: Play) -> int:
    if play.row.verb == "119":
        return len(play.scene.phones[LINE.user].calls)
    return play.scene.rings(play.row.target)


async def _mend(running: Town, seen: Seen) -> None:
    """After a row that went wrong: the next one is to find no call, and the second switch alive."""
    try:
        await _as_before(running)
    except LabError as error:
        seen.errors.append(f"not mended: {error}")


async def _as_before(running: Town) -> None:
    for switch in (running.pbx, running.second):
        if switch is None:
            continue
        if switch.child is None or not switch.child.running:
            await switch.boot(running.folder)
        await switch.cli("channel request hangup all")
        if switch is running.second:
            await trunk.refuse(switch, 0)
            await trunk.answers(switch, running.plan.answers)
