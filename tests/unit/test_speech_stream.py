"""One tap from frames to events: gaps, crashes, an engine that is behind, and the end."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from gateway.calls.facts import GapMarked, UtteranceHeard
from gateway.speech.fakes import FakeEngine
from gateway.speech.port import PartialHeard, SpeechEvent, TapGrant
from gateway.speech.stream import Stream, Tuning
from tests.unit.speech_sounds import frames, silence, voice

TUNING = Tuning(batch_ms=40, recycle_s=600)
TURN = voice(300) + silence(600)


@dataclass
class Said:
    """Collects events; `until` waits for a condition on them."""

    events: list[SpeechEvent] = field(default_factory=list)
    spoken_at: list[float | None] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, event: SpeechEvent, spoken_at: float | None) -> None:
        self.events.append(event)
        self.spoken_at.append(spoken_at)
        self.changed.set()

    async def until(self, condition: Callable[["Said"], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition(self):
                self.changed.clear()
                await self.changed.wait()

    @property
    def finals(self) -> list[UtteranceHeard]:
        return [event for event in self.events if isinstance(event, UtteranceHeard)]

    @property
    def gaps(self) -> list[GapMarked]:
        return [event for event in self.events if isinstance(event, GapMarked)]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events if not isinstance(event, PartialHeard)]


@contextlib.asynccontextmanager
async def listening(engine: FakeEngine) -> AsyncIterator[tuple[Stream, Said]]:
    """A stream whose call began one minute ago; closed and finished at the end."""
    grant = TapGrant(
        call_id="c", leg_id="c.caller.1", call_started_ms=round(time.time() * 1000) - 60_000
    )
    said = Said()
    with ThreadPoolExecutor(2) as pool:
        stream = Stream(grant, engine, TUNING, pool, said.publish)
        task = asyncio.create_task(stream.run())
        try:
            yield stream, said
        finally:
            stream.close("peer closed")
            await asyncio.wait_for(task, 10)


def say(stream: Stream, pcm: bytes) -> None:
    for frame in frames(pcm):
        stream.audio(frame)


async def test_a_turn_becomes_partials_and_one_final() -> None:
    async with listening(FakeEngine()) as (stream, said):
        say(stream, TURN)
        await said.until(lambda s: bool(s.finals))
    partials = [event for event in said.events if isinstance(event, PartialHeard)]
    assert [event.text for event in partials] == ["好", "好好", "好好好"]
    assert said.kinds == ["utterance.heard", "speech.closed"]
    assert said.finals[0].text == "好好好"
    assert said.finals[0].start_ms == pytest.approx(60_000, abs=1500)


async def test_the_end_of_speech_is_known_to_the_moment() -> None:
    async with listening(FakeEngine()) as (stream, said):
        before = time.monotonic()
        say(stream, voice(300))
        after = time.monotonic()
        say(stream, silence(600))
        await said.until(lambda s: bool(s.finals))
    (spoken_at,) = [at for at in said.spoken_at if at is not None]
    assert before <= spoken_at <= after


async def test_closing_says_what_is_left_at_once() -> None:
    async with listening(FakeEngine()) as (stream, said):
        say(stream, voice(300))
        closed = time.monotonic()
        stream.close("hangup")
        await said.until(lambda s: "speech.closed" in s.kinds)
        assert time.monotonic() - closed < 0.3
    assert said.kinds == ["utterance.heard", "speech.closed"]


async def test_a_tap_without_audio_only_closes() -> None:
    async with listening(FakeEngine()) as (stream, said):
        stream.close("peer closed")
        await said.until(lambda s: bool(s.events))
    assert said.kinds == ["speech.closed"]


async def test_a_stall_is_fed_with_silence_and_marked() -> None:
    async with listening(FakeEngine()) as (stream, said):
        say(stream, voice(300))
        await said.until(lambda s: bool(s.finals))
        say(stream, TURN)
        await said.until(lambda s: len(s.finals) == 2)
    assert said.kinds == ["utterance.heard", "speech.gap", "utterance.heard", "speech.closed"]
    gap = said.gaps[0]
    assert gap.why == "no audio"
    assert 300 < gap.end_ms - gap.start_ms < 3000
    assert said.finals[1].start_ms >= gap.end_ms - 50


async def test_an_engine_that_is_behind_costs_the_oldest_audio() -> None:
    engine, go = FakeEngine(), threading.Event()
    engine.trouble = lambda _: go.wait(10) and None
    async with listening(engine) as (stream, said):
        say(stream, voice(40))
        say(stream, TURN * 8)
        go.set()
        await said.until(lambda s: bool(s.finals))
    assert "recognition behind" in [gap.why for gap in said.gaps]
    assert said.kinds[-1] == "speech.closed"
    assert len(said.finals) < 9


async def test_a_crash_costs_a_batch_and_nothing_else() -> None:
    engine = FakeEngine()

    def crash(_: bytes) -> None:
        engine.trouble = None
        raise RuntimeError("broken")

    async with listening(engine) as (stream, said):
        engine.trouble = crash
        say(stream, voice(40) + TURN)
        await said.until(lambda s: bool(s.finals))
    assert said.kinds == ["speech.gap", "utterance.heard", "speech.closed"]
    assert said.gaps[0].why == "recogniser failed"


async def test_an_engine_that_only_crashes_is_given_up_and_the_rest_is_a_gap() -> None:
    engine = FakeEngine()
    calls = 0

    def crash(_: bytes) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("broken")

    engine.trouble = crash
    async with listening(engine) as (stream, said):
        say(stream, TURN * 2)
        await said.until(lambda s: len(s.gaps) == 2)
    assert calls == 3
    assert said.kinds == ["speech.gap"] * 3 + ["speech.closed"]
    assert said.gaps[-1].end_ms >= said.gaps[-1].start_ms
