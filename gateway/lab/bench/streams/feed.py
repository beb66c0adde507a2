"""Legs in real time to a server, and what comes back, by the machine's monotonic clock."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from gateway.calls.facts import GapMarked, SpeechClosed, UtteranceHeard
from gateway.lab.bench.streams.legs import RATE, Leg
from gateway.lab.bench.streams.score import Final
from gateway.live import names
from gateway.media.audiosocket_codec import BYTES_PER_MS, FRAME_MS, FrameType, encode
from gateway.media.grants import RedisGrants
from gateway.speech.port import TapGrant, speech_event

CHUNK_S = 0.2
"""What clients of vosk-server send at a time."""
_CLOSING_S = 20.0
_OPEN_S = 0.005
_SLOTS = 10
"""Legs begin at as many places within 200 ms: calls are not in step."""


@dataclass
class Heard:
    """What came of one feeding. Legs by their number."""

    waits_s: list[float] = field(default_factory=list)
    """For each result: from the sending of the audio that it took to its coming."""
    finals: dict[int, list[Final]] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    late_s: float = 0.0
    """The latest that the feeder itself was."""

    def final(self, leg: int, one: Final) -> None:
        self.finals.setdefault(leg, []).append(one)


async def feed_ours(legs: Sequence[Leg], port: int, redis_url: str, notes: Path) -> Heard:
    """Send `legs` over AudioSocket as the PBX does: 16 kHz, 20 ms at a time."""
    redis = Redis.from_url(redis_url)
    try:
        await redis.delete(names.SPEECH)
        zero = time.monotonic() + 0.5 + len(legs) * _OPEN_S * 1.5
        begun = [zero + (at % _SLOTS) * 0.02 for at in range(len(legs))]
        heard = Heard()
        reading = asyncio.create_task(_read(redis, begun, heard))
        async with _taps(legs, port, RedisGrants(redis), begun) as taps:
            heard.late_s = await _send_frames(legs, taps, begun)
        async with asyncio.timeout(_CLOSING_S):
            await reading
    finally:
        await redis.aclose()
    heard.waits_s = _waits(notes, begun)
    return heard


def _waits(notes: Path, begun: Sequence[float]) -> list[float]:
    lines = map(json.loads, notes.read_text("ascii").splitlines())
    return [came - begun[int(leg)] - due_ms / 1000 for leg, due_ms, came in lines]


@contextlib.asynccontextmanager
async def _taps(
    legs: Sequence[Leg], port: int, grants: RedisGrants, begun: Sequence[float]
) -> AsyncIterator[list[asyncio.StreamWriter]]:
    zero = time.time() - time.monotonic()
    taps, swallows = [], []
    for at in range(len(legs)):
        uuid = str(uuid4())
        started = round((zero + begun[at]) * 1000)
        grant = TapGrant(call_id=f"{at}", leg_id=f"{at}", call_started_ms=started)
        await grants.offer(uuid, grant, 30)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(encode(FrameType.UUID, UUID(uuid).bytes))
        swallows.append(asyncio.create_task(_swallow(reader, writer)))
        taps.append(writer)
        # As many strangers at a time would be taken for an attack.
        await asyncio.sleep(_OPEN_S)
    try:
        yield taps
    finally:
        for writer in taps:
            writer.close()
        await asyncio.gather(*swallows)


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take what comes back until the other side, or we, close."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(1 << 16):
            pass
    writer.close()


async def _send_frames(
    legs: Sequence[Leg], taps: Sequence[asyncio.StreamWriter], begun: Sequence[float]
) -> float:
    """Send each frame when its last sample has been spoken."""
    size, late = FRAME_MS * BYTES_PER_MS, 0.0
    sounds = [leg.wide() for leg in legs]
    frames = max(len(sound) for sound in sounds) // size
    for number in range(frames + _SLOTS):
        due = begun[0] + (number + 1) * FRAME_MS / 1000
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late = max(late, time.monotonic() - due)
        for at, tap in enumerate(taps):
            place = (number - at % _SLOTS) * size
            if 0 <= place < len(sounds[at]) and not tap.is_closing():
                tap.write(encode(FrameType.AUDIO_16K, sounds[at][place : place + size]))
    return late


async def _read(redis: Redis, begun: Sequence[float], heard: Heard) -> None:
    """Read events until every leg has been closed."""
    last, open_ = b"0", set(range(len(begun)))
    while open_:
        found: Any = await redis.xread({names.SPEECH: last}, block=500, count=500)
        for _, entries in found:
            came = time.monotonic()
            for id_, fields in entries:
                last = id_
                event = speech_event.validate_json(fields[b"event"])
                leg = int(event.leg_id)
                if isinstance(event, UtteranceHeard):
                    text = event.text_raw.replace(" ", "")
                    span = event.start_ms / 1000, event.end_ms / 1000
                    heard.final(leg, Final(text, *span, came - begun[leg]))
                elif isinstance(event, GapMarked):
                    heard.gaps[event.why] = heard.gaps.get(event.why, 0) + 1
                    if event.why == "no capacity":
                        heard.refused.add(leg)
                elif isinstance(event, SpeechClosed):
                    open_.discard(leg)


async def feed_plain(legs: Sequence[Leg], port: int) -> Heard:
    """Send `legs` over WebSocket as clients of vosk-server do: 8 kHz, 200 ms at a time."""
    heard, begins = Heard(), time.monotonic() + 1.0
    async with contextlib.AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(
                connect(f"ws://127.0.0.1:{port}", ping_interval=None, compression=None)
            )
            for _ in legs
        ]
        begins = max(begins, time.monotonic() + 0.5)
        await asyncio.gather(
            *(
                _converse(leg, line, at, begins + at % _SLOTS * CHUNK_S / _SLOTS, heard)
                for at, (leg, line) in enumerate(zip(legs, lines, strict=True))
            )
        )
    return heard


async def _converse(leg: Leg, line: ClientConnection, at: int, begun: float, heard: Heard) -> None:
    sound, size = leg.pcm.astype("<i2").tobytes(), int(CHUNK_S * RATE) * 2
    sent: list[float] = []

    async def answers() -> None:
        for number in range(-(-len(sound) // size)):
            said = json.loads(await line.recv())
            came = time.monotonic()
            heard.waits_s.append(came - sent[number])
            _keep(heard, at, said, came - begun)
        await line.send('{"eof" : 1}')
        _keep(heard, at, json.loads(await line.recv()), time.monotonic() - begun)

    reading = asyncio.create_task(answers())
    for place in range(0, len(sound), size):
        due = begun + min(place + size, len(sound)) / 2 / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        heard.late_s = max(heard.late_s, time.monotonic() - due)
        sent.append(time.monotonic())
        await line.send(sound[place : place + size])
    await reading


def _keep(heard: Heard, leg: int, said: dict[str, object], came_s: float) -> None:
    words = said.get("result")
    if isinstance(words, list) and words:
        text = "".join(word["word"] for word in words)
        heard.final(leg, Final(text, words[0]["start"], words[-1]["end"], came_s))
