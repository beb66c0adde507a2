"""The worker over a real Redis: grants, admission, announcement, outage, stop; then real speech."""

import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from gateway.calls.facts import UtteranceHeard
from gateway.lab.redis_lab import RedisLab
from gateway.live import names
from gateway.media.audiosocket_codec import FrameType, encode
from gateway.media.grants import RedisGrants
from gateway.settings import RedisSettings, Settings, SpeechSettings
from gateway.speech import metrics
from gateway.speech.fakes import FakeEngine
from gateway.speech.port import Engine, PartialHeard, SpeechEvent, TapGrant, speech_event
from gateway.speech.worker import serve
from tests.contract.spoken import MODEL_ENV, Turn, dialogue, engine, errors
from tests.unit.speech_sounds import frames, silence, voice

SPEECH = SpeechSettings(batch_ms=60, max_streams=2)
TURN = voice(300) + silence(700)


@dataclass
class Bench:
    """A Redis, what to reach it with, and everything the worker published."""

    redis: Redis
    settings: Settings
    port: int = 0
    events: list[SpeechEvent] = field(default_factory=list)
    _last: str = "0"

    async def until(self, condition: Callable[["Bench"], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition(self):
                found = await self.redis.xread({names.SPEECH: self._last}, block=1000)
                for _, entries in found:
                    for id_, fields in entries:
                        self._last = id_
                        self.events.append(speech_event.validate_json(fields[b"event"]))

    def kinds(self, leg: str = "") -> list[str]:
        return [e.kind for e in self.facts if not leg or e.leg_id == leg]

    @property
    def facts(self) -> list[SpeechEvent]:
        return [event for event in self.events if not isinstance(event, PartialHeard)]

    @property
    def finals(self) -> list[UtteranceHeard]:
        return [event for event in self.events if isinstance(event, UtteranceHeard)]

    async def granted(self, leg: str) -> bytes:
        uuid = str(uuid4())
        grant = TapGrant(call_id="c", leg_id=leg, call_started_ms=round(time() * 1000))
        await RedisGrants(self.redis).offer(uuid, grant, 5)
        return encode(FrameType.UUID, UUID(uuid).bytes)

    @contextlib.asynccontextmanager
    async def tap(self, leg: str) -> AsyncIterator[asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        swallow = asyncio.create_task(_swallow(reader))
        writer.write(await self.granted(leg))
        try:
            yield writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            await swallow


async def _swallow(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass


def speak(tap: asyncio.StreamWriter, pcm: bytes) -> None:
    for frame in frames(pcm):
        tap.write(encode(FrameType.AUDIO_16K, frame))


@contextlib.asynccontextmanager
async def bench(
    tmp_path: Path, engine_: Engine, speech: SpeechSettings = SPEECH
) -> AsyncIterator[tuple[Bench, RedisLab, asyncio.Task[None]]]:
    """A Redis and, over it, a worker in this process."""
    lab = await RedisLab.start(tmp_path)
    settings = Settings(redis=RedisSettings(url=lab.url), speech=speech)
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    worker = asyncio.create_task(
        serve(settings, engine_, worker_id="w1", ready=lambda _, port: listening.set_result(port))
    )
    redis = Redis.from_url(lab.url)
    try:
        yield Bench(redis, settings, await listening), lab, worker
    finally:
        worker.cancel()
        await asyncio.wait({worker})
        await redis.aclose()
        await lab.stop()


async def test_a_tap_is_heard_from_grant_to_closing(tmp_path: Path) -> None:
    async with bench(tmp_path, FakeEngine()) as (b, _, _):
        async with b.tap("c.caller.1") as tap:
            speak(tap, TURN)
            await b.until(lambda b: bool(b.finals))
        await b.until(lambda b: "speech.closed" in b.kinds())
        assert b.kinds() == ["utterance.heard", "speech.closed"]
        assert (b.finals[0].text, b.finals[0].model) == ("好好好", "fake-1")
        assert 0 <= b.finals[0].start_ms < 2000


async def test_more_taps_than_there_is_room_for_are_a_gap(tmp_path: Path) -> None:
    async with (
        bench(tmp_path, FakeEngine()) as (b, _, _),
        b.tap("one") as first,
        b.tap("two") as second,
    ):
        speak(first, TURN)
        speak(second, TURN)
        await b.until(lambda b: len(b.finals) == 2)
        async with b.tap("three"):
            await b.until(lambda b: "speech.closed" in b.kinds("three"))
        assert b.kinds("three") == ["speech.gap", "speech.closed"]
        assert b.kinds("one") == ["utterance.heard"]
        announced = json.loads(await b.redis.get(names.worker("w1")) or "{}")
        assert announced["max_streams"] == 2


async def test_the_worker_announces_itself_until_it_stops(tmp_path: Path) -> None:
    async with bench(tmp_path, FakeEngine()) as (b, _, worker):
        async with asyncio.timeout(5):
            told: dict[str, object] = {}
            while not told:
                told = json.loads(await b.redis.get(names.worker("w1")) or "{}")
        assert (told["host"], told["port"], told["model"]) == ("127.0.0.1", b.port, "fake-1")
        assert 0 < await b.redis.ttl(names.worker("w1")) <= 5
        worker.cancel()
        await asyncio.wait({worker})
        assert await b.redis.get(names.worker("w1")) is None


async def test_a_grant_is_spent_and_expires(tmp_path: Path) -> None:
    async with bench(tmp_path, FakeEngine()) as (b, _, _):
        grants = RedisGrants(b.redis)
        grant = TapGrant(call_id="c", leg_id="l", call_started_ms=1)
        await grants.offer("u", grant, 5)
        assert 0 < await b.redis.pttl(names.tap("u")) <= 5000
        assert await grants.take("u") == grant
        assert await grants.take("u") is None


async def test_what_is_said_while_redis_is_away_comes_when_it_is_back(tmp_path: Path) -> None:
    async with bench(tmp_path, FakeEngine()) as (b, lab, _):
        async with b.tap("c.caller.1") as tap:
            speak(tap, TURN)
            await b.until(lambda b: len(b.finals) == 1)
            os.kill(lab.child.pid, signal.SIGSTOP)
            try:
                speak(tap, TURN + TURN)
                async with asyncio.timeout(10):
                    while metrics.UNPUBLISHED.collect()[0].samples[0].value < 2:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            finally:
                os.kill(lab.child.pid, signal.SIGCONT)
            await b.until(lambda b: len({final.utterance_id for final in b.finals}) == 3)
        await b.until(lambda b: "speech.closed" in b.kinds())


async def test_stopping_says_what_was_heard(tmp_path: Path) -> None:
    async with bench(tmp_path, FakeEngine()) as (b, _, worker), b.tap("c.caller.1") as tap:
        speak(tap, voice(300))
        await b.until(lambda b: any(e.kind == "utterance.partial" for e in b.events))
        worker.cancel()
        await asyncio.wait({worker})
        await b.until(lambda b: "speech.closed" in b.kinds())
        assert b.kinds() == ["utterance.heard", "speech.closed"]


async def speak_in_time(tap: asyncio.StreamWriter, pcm: bytes) -> float:
    """Send `pcm` as a PBX does, 20 ms at a time; return the Unix time of the end."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    for frame in frames(pcm):
        tap.write(encode(FrameType.AUDIO_16K, frame))
        due += 0.02
        await asyncio.sleep(max(0.0, due - loop.time()))
    return time()


async def converse(b: Bench, leg: str, turns: list[Turn]) -> list[float]:
    """Say `turns`, each once the one before is final; return the seconds from each end to that."""
    lags = []
    async with b.tap(leg) as tap:
        for number, turn in enumerate(turns):
            ended = await speak_in_time(tap, turn.pcm)
            while len(finals := [final for final in b.finals if final.leg_id == leg]) <= number:
                await speak_in_time(tap, silence(20))
            # The file ends 80 ms after its last word.
            lags.append(finals[number].at.timestamp() - ended + 0.08)
    return lags


@pytest.mark.speech
async def test_a_spoken_dialogue_in_real_time(tmp_path: Path) -> None:
    turns = dialogue("fight")
    speakers = ["caller", "operator", "officer"]
    speech = SpeechSettings(max_streams=3)
    async with bench(tmp_path, engine(), speech) as (b, _, _):
        reading = asyncio.create_task(b.until(lambda b: b.kinds().count("speech.closed") == 3))
        async with asyncio.timeout(90):
            lags = await asyncio.gather(
                *(converse(b, who, [t for t in turns if t.speaker == who]) for who in speakers)
            )
        await reading
    flat = sorted(lag for leg in lags for lag in leg)
    print(f"finals {len(flat)}, p50 {statistics.median(flat):.3f} s, most {flat[-1]:.3f} s")
    wrong = 0
    for who in speakers:
        said = (final for final in b.finals if final.leg_id == who)
        heard = "".join(final.text_raw for final in said).replace(" ", "")
        wrong += errors("".join(t.text for t in turns if t.speaker == who), heard)
        assert b.kinds(who)[-1] == "speech.closed"
    assert wrong / sum(len(turn.text) for turn in turns) < 0.1
    assert all(event.kind != "speech.gap" for event in b.events)


@pytest.mark.speech
async def test_the_process_stops_on_sigterm(tmp_path: Path) -> None:
    lab = await RedisLab.start(tmp_path)
    script = (
        "import asyncio; from gateway import log; from gateway.settings import load\n"
        "from gateway.speech.worker import run\n"
        "log.configure()\n"
        "asyncio.run(run(load(), worker_id='w2', ready=lambda h, p: print(p, flush=True)))"
    )
    environment = {
        **os.environ,
        "LIANDONG_REDIS__URL": lab.url,
        MODEL_ENV: str(engine().model_dir),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-Xfaulthandler", "-c", script, env=environment, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert int(await asyncio.wait_for(process.stdout.readline(), 30)) > 0
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGABRT)  # it says on stderr where its threads are
            await process.wait()
        await lab.stop()
