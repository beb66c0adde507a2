"""The gateway stopped and started in mid-call: when the page is back, and the caller is heard."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from gateway.errors import LabError, LiandongError
from gateway.lab.bench.arm import OFFICERS, Arm, Place
from gateway.lab.bench.stages import when
from gateway.lab.bench.started import parts_ready
from gateway.lab.bench.transfer import connect, empty, next_live_call
from gateway.lab.listener import Listener, listening
from gateway.lab.load.cost import cpu_s
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.script import wait_for
from gateway.lab.processes import children_of
from gateway.telephony.reconcile import TAP_PREFIX

AIM_MS = 2000.0
"""Of `start_words`, on a machine that does nothing else."""
STAGES: Mapping[str, str] = {
    "start_calls": "gateway started → control has the PBX and the call",
    "start_recognise": "gateway started → recognition listens",
    "start_tap": "gateway started → someone listens to the caller",
    "start_page": "gateway started → page and API answer, with the call",
    "start_control": "gateway started → control is ready: who waits for it may come",
    "start_deliver": "gateway started → delivery is ready",
    "tap_words": "  someone listens → the caller's next words on the page",
    "page_words": "page answers → the caller's next words on it",
    "start_words": "gateway started → the caller's next words on the page",
    "start_cpu": "  processor time of the gateway until then",
}
"""Stage -> what it is. The caller speaks all the time."""
_WITHIN_S = 30.0
_WORDS = ("utterance.partial", "utterance.heard")


@dataclass
class Restarted:
    """`ms`: by stage, one of each restart."""

    ms: dict[str, list[float]] = field(default_factory=dict)
    error: str = ""


async def measure(arm: Arm, times: int, said: Path, done: Callable[[], None]) -> Restarted:
    """Restart the gateway `times` in one call while its caller says `said`, then transfer it.

    The call keeps its name and everything that was said in it, or it is an error. The listener of
    the arm's place hears nothing afterwards.
    """
    result, place = Restarted(), arm.place
    mark = place.witness.mark()
    talking: asyncio.Task[None] | None = None
    try:
        citizen, operator = await connect(arm)
        talking = asyncio.create_task(_talk(citizen, said))
        for _ in range(times):
            for stage, value in (await _once(place)).items():
                result.ms.setdefault(stage, []).append(value)
            done()
        await _transfer(arm, operator)
        for call in (operator, citizen):
            await call.hang_up()
        await empty(place, mark)
    except LiandongError as error:
        result.error = str(error)
    finally:
        if talking is not None:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
    return result


async def _talk(citizen: PhoneCall, said: Path) -> None:
    while True:
        await citizen.play(said)


async def _once(place: Place) -> dict[str, float]:
    before, log = await _history(place), place.town.folder / "gateway.log"
    async with listening(place.town) as listener:
        await _words(listener)
        seen = listener.last_id
    await place.town.stop_gateway()
    mark, told, started = place.witness.mark(), log.stat().st_size, time.time()
    gateway = await place.town.spawn_gateway()
    page = await _page(place)
    # As a page does that was open: it asks for what has come since.
    async with listening(place.town, seen) as listener:
        words = await _words(listener, (started - before.began) * 1000)
    spent = cpu_s([gateway.pid, *children_of(gateway.pid)])
    await wait_for(lambda: "deliver" in parts_ready(log, told), _WITHIN_S, "delivery that is ready")
    taps = [one for one in place.witness.named("Newchannel", mark) if _is_tap(one.get("Channel"))]
    tap = min(map(when, taps), default=0.0)
    after = await _history(place)
    if after.call != before.call or not before.said <= after.said:
        raise LabError("the gateway came back without the call's history")
    parts = {f"start_{part}": at - started for part, at in parts_ready(log, told).items()}
    spans = parts | {
        "start_page": page - started,
        "start_tap": tap - started,
        "tap_words": words - tap,
        "page_words": words - page,
        "start_words": words - started,
        "start_cpu": spent,
    }
    return {stage: seconds * 1000 for stage, seconds in spans.items()}


async def _page(place: Place) -> float:
    """When the page answered, Unix seconds."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:

        async def answers() -> float:
            try:
                return time.time() if (await client.get(place.town.page_url)).is_success else 0.0
            except httpx.HTTPError:
                return 0.0

        return await wait_for(answers, _WITHIN_S, "page that answers")


async def _words(listener: Listener, since_ms: float = 0.0) -> float:
    """When the first words that the caller said after `since_ms` of the call came to a page."""

    def first() -> float:
        heard = (one for one in listener.arrivals if one.kind in _WORDS)
        theirs = (one for one in heard if ".caller." in one.data["leg_id"])
        return next((one.at for one in theirs if one.data["start_ms"] >= since_ms), 0.0)

    return await wait_for(first, _WITHIN_S, "words of the caller")


@dataclass(frozen=True)
class _History:
    call: str
    began: float
    """Unix seconds."""
    said: frozenset[str]
    """Ids of its utterances."""


async def _history(place: Place) -> _History:
    """Of the newest call."""
    async with place.town.client() as client:
        call = max((await client.get("/calls")).json(), key=lambda one: str(one["id"]))
        said = (await client.get(f"/calls/{call['id']}/transcript")).json()
    began = datetime.fromisoformat(call["started_at"]).timestamp()
    return _History(call["id"], began, frozenset(one["utterance_id"] for one in said["utterances"]))


async def _transfer(arm: Arm, operator: PhoneCall) -> None:
    """A later transfer works: the three meet in the room."""
    place = arm.place
    mark = place.witness.mark()
    await operator.press(arm.keys[-1])
    officer = await next_live_call(place.people[OFFICERS[0]])
    await officer.answer()

    def met(_witness: object) -> bool:
        return sum(1 for _ in place.witness.named("ConfbridgeJoin", mark)) >= 3

    await place.witness.until(met, "three in the room after the restart")


def _is_tap(channel: str) -> bool:
    return channel.startswith(TAP_PREFIX)
