"""Taps as a real Asterisk makes them: ChanSpy on one leg, streamed by the AudioSocket channel."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.calls.facts import UtteranceHeard
from gateway.live import names
from gateway.media.grants import RedisGrants
from gateway.settings import SpeechSettings
from gateway.speech.fakes import FakeEngine
from gateway.speech.port import Engine, TapGrant
from tests.contract.asterisk_fixture import MinimalAsterisk, minimal_asterisk
from tests.contract.spoken import AUDIO, dialogue, engine, errors
from tests.contract.test_vosk_worker import Bench, bench

MODULES = (
    "res_audiosocket.so",
    "chan_audiosocket.so",
    "codec_resample.so",
    "format_pcm.so",
    "app_chanspy.so",
    "app_playback.so",
    "res_clioriginate.so",
)
DIALPLAN = """
[phones]
exten => speaker,1,Answer()
 same => n,Wait(0.5)
 same => n,Playback(@DIR@/turn)
 same => n,Wait(30)
exten => listener,1,Answer()
 same => n,Wait(60)
exten => mute,1,Answer()
 same => n,Wait(60)
"""


@dataclass
class Studio:
    switch: MinimalAsterisk
    bench: Bench

    async def cli(self, command: str) -> str:
        return await asyncio.to_thread(self.switch.cli, command)

    async def call(self, exten: str) -> str:
        """Start a call that hears `exten`; return the channel that it is heard on."""
        await self.cli(f"channel originate Local/{exten}@phones extension listener@phones")
        async with asyncio.timeout(5):
            while True:
                for line in (await self.cli("core show channels concise")).splitlines():
                    if line.startswith(f"Local/{exten}@phones") and ";1!" in line:
                        return line.split("!", 1)[0]

    async def tap(self, channel: str, leg: str) -> None:
        uuid = str(uuid4())
        grant = TapGrant(call_id="c", leg_id=leg, call_started_ms=0)
        await RedisGrants(self.bench.redis).offer(uuid, grant, 5)
        where = f"AudioSocket/127.0.0.1:{self.bench.port}/{uuid}/c(slin16)"
        await self.cli(f"channel originate {where} application ChanSpy {channel},qEoS")


@contextlib.asynccontextmanager
async def studio(tmp_path: Path, engine_: Engine) -> AsyncIterator[Studio]:
    async with bench(tmp_path, engine_, SpeechSettings(max_streams=4)) as (b, _, _):
        with minimal_asterisk(DIALPLAN, (), MODULES) as switch:
            yield Studio(switch, b)


@pytest.mark.speech
async def test_a_turn_played_by_the_switch_is_heard_and_its_hangup_closes_the_leg(
    tmp_path: Path,
) -> None:
    turn = dialogue("fight")[1]
    async with studio(tmp_path, engine()) as s:
        shutil.copy(AUDIO / "fight-02-caller.alaw", s.switch.directory / "turn.alaw")
        channel = await s.call("speaker")
        await s.tap(channel, "c.caller.1")
        await s.bench.until(lambda b: "打架" in "".join(final.text for final in b.finals))
        assert errors(turn.text, "".join(final.text for final in s.bench.finals)) <= 1
        await s.cli(f"channel request hangup {channel}")
        await s.bench.until(lambda b: "speech.closed" in b.kinds())
        assert s.bench.kinds()[-1] == "speech.closed"
        assert isinstance(s.bench.facts[0], UtteranceHeard)


async def test_a_leg_without_any_audio_keeps_its_tap(tmp_path: Path) -> None:
    """A spied channel that receives nothing yields no frames at all: that is no dead peer."""
    async with studio(tmp_path, FakeEngine()) as s:
        channel = await s.call("mute")
        await s.tap(channel, "c.agent.1")
        await announced(s.bench, streams=1, times=4)
        await s.cli(f"channel request hangup {channel}")
        await s.bench.until(lambda b: "speech.closed" in b.kinds())
        assert s.bench.kinds() == ["speech.closed"]


async def announced(bench_: Bench, streams: int, times: int) -> None:
    """Wait for so many announcements, a second apart, of so many streams."""
    seen: set[float] = set()
    async with asyncio.timeout(15):
        while len(seen) < times:
            told = json.loads(await bench_.redis.get(names.worker("w1")) or "{}")
            if told.get("streams") == streams:
                seen.add(told["at"])
