"""By AMI, AudioSocket and REST: programs that speak to the gateway."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from redis.asyncio import Redis

from gateway.errors import LiandongError
from gateway.lab.fuzz.payloads import FRAUD, OUTSIDE, TEXTS, texts
from gateway.lab.fuzz.tally import Batch
from gateway.lab.fuzz.world import World
from gateway.lab.scene import until
from gateway.live import names
from gateway.media.audiosocket_codec import FrameType, encode
from gateway.telephony.reconcile import TAP_PREFIX

_SETTLES_S = 0.6


async def events(world: World, batch: Batch) -> None:
    """UserEvents that no dialplan of ours would send, while two people talk."""
    await world.talking()
    room = str((await world.scene.view())["recording"]).removesuffix(".wav")
    phones = world.scene.witness.named("Newchannel", world.scene.since)
    ours = [one for one in phones if one.get("Channel").startswith("PJSIP/1001-")]
    for headers in _user_events(world.rng, room, ours[-1].get("Uniqueid")):
        batch.sent += 1
        with contextlib.suppress(LiandongError):
            await asyncio.to_thread(world.scene.witness.ask, "UserEvent", headers)
    await asyncio.sleep(_SETTLES_S)
    if (await world.scene.view())["transfers"]:
        batch.silent.append("a forged event began a transfer")
    await until(world.still_talking, "operator and citizen still talk", 5)
    await world.goodbye()


def _user_events(rng: random.Random, room: str, operator: str) -> Iterator[dict[str, str]]:
    """Each is wrong in one thing; the room and the operator are those of the call that lives."""
    key = {
        "UserEvent": "LiandongKey",
        "Verb": "transfer",
        "Target": "110",
        "Call": room,
        "Stamp": f"{time.time():.3f}",
        "Owner": "gateway",
        "Uniqueid": operator,
    }
    for stamp in ("nan", "inf", "-1e308", "1e308", "9" * 400, "²", "0", "", "0x1p9", "1_0"):
        yield key | {"Stamp": stamp}
    for target in FRAUD:
        yield key | {"Target": target[:200]}
    for verb in ("dial", "", "TRANSFER", "transfer,110", "Originate", "back ", "drop_all"):
        yield key | {"Verb": verb}
    for other in ("", "ld-", f"{room}x", f"{room}/../x", "all"):
        yield key | {"Call": other}
    for other in ("", "1.1", "all", "/.*/", f"{operator}0"):
        yield key | {"Uniqueid": other}
    told = ("LiandongCall", "LiandongHeld", "LiandongRequeued", "LiandongSigned", "LiandongOnHold")
    fields = ("Call", "Caller", "Called", "Recording", "Centre", "Uniqueid", "Channel")
    for text in texts(rng, 60):
        line = " ".join(text.split())[:300].replace("\0", " ")
        line = line.encode("utf-8", "replace").decode()
        for name in told:
            yield {"UserEvent": name} | dict.fromkeys(fields, line)


async def taps(world: World, batch: Batch) -> None:
    """Forged uuids, wrong frames, lengths that lie, floods, silence: real taps still open."""
    host, port = await _worker(world)
    await asyncio.gather(
        *(_hostile(host, port, batch, data) for data in _streams(world.rng)), return_exceptions=True
    )
    async with _idle(host, port, 400) as idle:
        batch.sent += idle
        mark = world.scene.witness.mark()
        await world.talking()
        await world.scene.witness.until(
            lambda seen: (
                sum(
                    one.get("Channel").startswith(TAP_PREFIX)
                    for one in seen.named("Newchannel", mark)
                )
                >= 2
            ),
            "taps of caller and operator",
        )

        async def tapped() -> bool:
            live = await world.scene.witness.live_channels()
            return sum(name.startswith(TAP_PREFIX) for name in live) >= 2

        await until(tapped, "taps that live on in a flood")
    batch.refused["closed"] += batch.sent
    await world.goodbye()


def _streams(rng: random.Random) -> Iterator[bytes]:
    named = [encode(FrameType.UUID, uuid4().bytes) for _ in range(120)]
    yield from named
    yield from (rng.randbytes(rng.randint(1, 4000)) for _ in range(60))
    for code in range(0, 256, 5):
        yield bytes((code,)) + rng.randbytes(2) + rng.randbytes(40)
    yield encode(FrameType.AUDIO_16K, bytes(640)) * 50
    yield encode(FrameType.UUID, bytes(16)) * 50
    yield bytes.fromhex("12ffff") + bytes(30)
    yield bytes.fromhex("120000") * 20_000
    yield bytes.fromhex("01")


async def _worker(world: World) -> tuple[str, int]:
    redis = Redis.from_url(world.town.redis.url, decode_responses=True)
    try:
        async for key in redis.scan_iter(match=names.WORKERS):
            if told := await redis.get(key):
                worker = json.loads(told)
                return str(worker["host"]), int(worker["port"])
    finally:
        await redis.aclose()
    raise LiandongError("no recognition worker is announced")


async def _hostile(host: str, port: int, batch: Batch, data: bytes) -> None:
    batch.sent += 1
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data[:3])
        await asyncio.sleep(0.01)
        writer.write(data[3:])
        async with asyncio.timeout(10):
            while await reader.read(65536):
                pass
    finally:
        writer.close()


@asynccontextmanager
async def _idle(host: str, port: int, many: int) -> AsyncIterator[int]:
    """Connections that say nothing, made anew as they are closed."""
    open_now: set[asyncio.StreamWriter] = set()

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(host, port)
                open_now.add(writer)
                await reader.read()
                open_now.discard(writer)
                writer.close()
            await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(one()) for _ in range(many // 4)]
    try:
        yield many
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in open_now:
            writer.close()


async def rest(world: World, batch: Batch) -> None:
    """Targets, legs, call-backs, tokens and bodies: each is answered with a problem and a slug."""
    await world.talking()
    call = (await world.scene.view())["id"]
    async with await world.scene.operator_api() as client:
        for method, path, more in _requests(call):
            batch.sent += 1
            answer = await client.request(method, path, **more)
            _judge(batch, f"{method} {path[:60]}", answer)
    await until(world.still_talking, "operator and citizen still talk", 5)
    await world.goodbye()


def _requests(call: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for number, target in enumerate((*FRAUD, *TEXTS, "12345", "119", "112", "999", "")):
        key = {"Idempotency-Key": f"fuzz-{number}"}
        clean = target.encode("utf-8", "replace").decode()
        for kind in ("one_key", "consult"):
            body = {"target": clean, "kind": kind}
            headers = {"Idempotency-Key": key["Idempotency-Key"] + kind}
            yield "POST", f"/calls/{call}/transfers", {"json": body, "headers": headers}
    for text in (*TEXTS, OUTSIDE):
        clean = text.encode("utf-8", "replace").decode()
        path = quote(clean, safe="")
        yield "POST", f"/calls/{call}/drop", {"json": {"leg_id": clean}}
        yield (
            "POST",
            f"/calls/{path}/transfers",
            {
                "json": {"target": "110"},
                "headers": {"Idempotency-Key": "x"},
            },
        )
        yield "POST", f"/callbacks/{path}/take", {}
        yield "POST", f"/callbacks/{path}/reveal", {"json": {"reason": clean[:100] or "x"}}
        yield "GET", f"/calls/{path}", {}
        yield "GET", f"/tickets/{path}", {}
    for token in ("x" * 5000, "Basic YTpi", "'; DROP TABLE calls;--"):
        yield "GET", "/calls", {"headers": {"Authorization": f"Bearer {token}"}}
    for content in (b"{" * 10_000, b"\xff\xfe", b"[" * 100_000, b'{"target": 1e999}'):
        headers = {"Idempotency-Key": "y", "Content-Type": "application/json"}
        yield "POST", f"/calls/{call}/transfers", {"content": content, "headers": headers}


def _judge(batch: Batch, what: str, answer: httpx.Response) -> None:
    slug = ""
    with contextlib.suppress(ValueError):
        slug = answer.json().get("slug", "") if answer.status_code >= 400 else ""
    if 400 <= answer.status_code < 500 and slug:
        batch.refused[slug] += 1
    else:
        batch.silent.append(f"{what}: {answer.status_code} {slug}")
