"""More taps than fit: those admitted are heard, the others marked, and room comes back."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator

from gateway.calls.facts import GapMarked, SpeechClosed, UtteranceHeard
from gateway.speech.fakes import FakeEngine
from gateway.speech.load import FEW, Load
from gateway.speech.pool import Pool
from gateway.speech.port import SpeechEvent, TapGrant
from gateway.speech.stream import Hearing, Stream
from gateway.speech.streams import Streams
from gateway.speech.turns import Turns
from tests.unit.speech_sounds import frames, silence, voice

TURN = voice(300) + silence(600)


class Worker:
    """`Streams` over an engine that may be held up."""

    def __init__(self, most: int) -> None:
        self.engine, self.turns = FakeEngine(), Turns(1)
        self.now_s = time.monotonic
        self.ahead_s = 0.0
        self.load = Load(self.turns, most=most, decode_cost=0.001, clock=self._clock)
        hearing = Hearing(Pool(self.engine, recycle_s=600), self.turns, self.load, batch_ms=40)
        self.events: list[SpeechEvent] = []
        self.streams = Streams(hearing, self._publish)
        self._changed = asyncio.Event()

    def _clock(self) -> float:
        return self.now_s() + self.ahead_s

    def _publish(self, event: SpeechEvent, _spoken_at: float | None) -> None:
        self.events.append(event)
        self._changed.set()

    def tap(self, leg: str) -> Stream | None:
        started = round(time.time() * 1000)
        return self.streams.open(TapGrant(call_id="c", leg_id=leg, call_started_ms=started))

    async def until(self, kind: type[SpeechEvent], legs: set[str]) -> None:
        async with asyncio.timeout(20):
            while not legs <= self.legs(kind):
                self._changed.clear()
                await self._changed.wait()

    def legs(self, kind: type[SpeechEvent]) -> set[str]:
        return {event.leg_id for event in self.events if isinstance(event, kind)}


@contextlib.asynccontextmanager
async def worker(most: int) -> AsyncIterator[Worker]:
    made = Worker(most)
    try:
        yield made
    finally:
        await made.streams.drain(10)
        made.turns.close()


async def test_three_times_what_fits() -> None:
    async with worker(most=4) as w:
        legs = [f"leg-{at}" for at in range(12)]
        taps = {leg: w.tap(leg) for leg in legs}
        admitted = {leg: tap for leg, tap in taps.items() if tap is not None}
        assert list(admitted) == legs[:4]
        for tap in admitted.values():
            for frame in frames(TURN):
                tap.audio(frame)
        await w.until(UtteranceHeard, set(admitted))
        for tap in admitted.values():
            tap.close("hangup")
        await w.until(SpeechClosed, set(legs))
        assert w.legs(GapMarked) == set(legs[4:])
        assert {e.why for e in w.events if isinstance(e, GapMarked)} == {"no capacity"}


async def test_none_is_admitted_while_recognition_is_held_up_and_then_again() -> None:
    async with worker(most=FEW + 2) as w:
        go = threading.Event()
        w.engine.trouble = lambda _: go.wait(20) and None
        legs = [f"leg-{at}" for at in range(FEW)]
        taps = [tap for leg in legs if (tap := w.tap(leg)) is not None]
        assert len(taps) == FEW
        for tap in taps:
            for frame in frames(TURN):
                tap.audio(frame)
        async with asyncio.timeout(20):
            while w.turns.oldest is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        w.ahead_s = 2.0
        assert w.tap("late") is None
        w.ahead_s = 0.0
        go.set()
        await w.until(UtteranceHeard, set(legs))
        w.ahead_s = 10.0
        again = w.tap("again")
        assert again is not None
        for tap in (*taps, again):
            tap.close("hangup")
