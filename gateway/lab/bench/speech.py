"""End of speech to final utterance, over one long call: both dialogues, one speaker at a time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.errors import LiandongError
from gateway.lab.bench.arm import Arm
from gateway.lab.bench.transfer import connect, empty
from gateway.lab.dialogue import Turn, dialogue
from gateway.lab.listener import Arrival

FINAL_WITHIN_S = 4.0
_PAUSE_S = 0.3


@dataclass
class Spoken:
    """`final_ms`: one for each turn that was heard; `unheard`: ids of turns that were not."""

    final_ms: list[float] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)
    error: str = ""


def turns(limit: int) -> list[Turn]:
    """The first `limit` recorded turns of both dialogues."""
    return [*dialogue("fight"), *dialogue("lamp")][:limit]


async def measure(arm: Arm, limit: int, done: Callable[[], None]) -> Spoken:
    """Let citizen and operator speak `limit` turns to each other; `done` after each of them."""
    result, place = Spoken(), arm.place
    assert place.listener is not None, "only the gateway hears"
    mark = place.witness.mark()
    try:
        citizen, operator = await connect(arm)
        for turn in turns(limit):
            call = citizen if turn.speaker == "caller" else operator
            known = len(place.listener.arrivals)
            span = await call.play(turn.path)
            end = span.end_wall - turn.trailing_silence_s
            heard = await _final(place.listener.arrivals, known, end)
            if heard:
                result.final_ms.append((heard - end) * 1000)
            else:
                result.unheard.append(turn.id)
            done()
        await citizen.hang_up()
        await operator.until("ended")
        await empty(place, mark)
    except LiandongError as error:
        result.error = str(error)
    return result


async def _final(arrivals: Sequence[Arrival], known: int, end: float) -> float:
    """When the last final utterance of a turn came that ended at `end`; 0: it never did.

    A pause within a turn ends an utterance too, so one that came before `end` is not the last.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + FINAL_WITHIN_S
    while loop.time() < until:
        for one in arrivals[known:]:
            if one.kind == "utterance.heard" and one.at > end:
                await asyncio.sleep(_PAUSE_S)
                return one.at
        await asyncio.sleep(0.01)
    return 0.0
