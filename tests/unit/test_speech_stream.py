"""One tap from frames to events: gaps, crashes, an engine that is behind, and the end."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from gateway.calls.facts import GapMarked, UtteranceHeard
from gateway.speech.fakes import FakeEngine
from gateway.speech.load import Load
from gateway.speech.pool import Pool
from gateway.speech.port import PartialHeard, SpeechEvent, TapGrant
from gateway.speech.stream import Hearing, Stream
from gateway.speech.turns import Turns
from tests.unit.speech_sounds import frames, silence, voice

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
    def partials(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, PartialHeard)]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events if not isinstance(event, PartialHeard)]


@contextlib.asynccontextmanager
async def listening(engine: FakeEngine, *, easy: bool = True) -> AsyncIterator[tuple[Stream, Said]]:
    """A stream whose call began one minute ago; closed and finished at the end."""
    grant = TapGrant(
        call_id="c", leg_id="c.caller.1", call_started_ms=round(time.time() * 1000) - 60_000
    )
    said = Said()
    turns = Turns(2)
    load = Load(turns, most=9, decode_cost=0.01)
    load.easy = easy
    hearing = Hearing(Pool(engine, recycle_s=600), turns, load, batch_ms=40)
    stream = Stream(grant, hearing, said.publish)
    task = asyncio.create_task(stream.run())
    try:
        yield stream, said
    finally:
        stream.close("peer closed")
        await asyncio.wait_for(task, 10)
        turns.close()


def say(stream: Stream, pcm: bytes) -> None:
    for frame in frames(pcm):
        stream.audio(frame)


async def test_a_turn_becomes_partials_and_one_final() -> None:
    async with listening(FakeEngine()) as (stream, said):
        for count in (1, 2, 3):
            say(stream, voice(100))
            await said.until(lambda s, n=count: len(s.partials) == n)
        say(stream, silence(600))
        await said.until(lambda s: bool(s.finals))
    assert said.partials == ["好", "好好", "好好好"]
    assert said.kinds == ["utterance.heard", "speech.closed"]
    assert said.finals[0].text == "好好好"
    assert said.finals[0].start_ms == pytest.approx(60_000, abs=1500)


async def test_under_load_an_utterance_is_decoded_whole() -> None:
    async with listening(FakeEngine(), easy=False) as (stream, said):
        for _ in range(3):
            say(stream, voice(100))
        say(stream, silence(600))
        await said.until(lambda s: bool(s.finals))
    assert said.partials == []
    assert said.finals[0].text == "好好好"


async def test_two_turns_that_came_at_once_are_two_finals() -> None:
    async with listening(FakeEngine()) as (stream, said):
        say(stream, TURN * 2)
        await said.until(lambda s: len(s.finals) == 2)
    assert [final.text for final in said.finals] == ["好好好"] * 2


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


async def test_a_crash_costs_what_was_being_said_and_nothing_else() -> None:
    engine = FakeEngine()

    def crash(_: bytes) -> None:
        engine.trouble = None
        raise RuntimeError("broken")

    async with listening(engine) as (stream, said):
        say(stream, voice(100))
        await said.until(lambda s: s.partials == ["好"])
        engine.trouble = crash
        say(stream, voice(100))
        await said.until(lambda s: bool(s.gaps))
        say(stream, TURN)
        await said.until(lambda s: bool(s.finals))
    assert said.kinds == ["speech.gap", "utterance.heard", "speech.closed"]
    gap = said.gaps[0]
    assert gap.why == "recogniser failed"
    assert gap.end_ms - gap.start_ms == pytest.approx(200, abs=20)


async def test_an_engine_that_only_crashes_is_given_up_and_the_rest_is_a_gap() -> None:
    engine = FakeEngine()
    calls = 0

    def crash(_: bytes) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("broken")

    engine.trouble = crash
    async with listening(engine) as (stream, said):
        for count in (1, 2):
            say(stream, TURN)
            await said.until(lambda s, n=count: len(s.gaps) == n)
        say(stream, TURN * 2)
    assert calls == 3
    assert said.kinds == ["speech.gap"] * 3 + ["speech.closed"]
    assert said.gaps[-1].end_ms >= said.gaps[-1].start_ms
