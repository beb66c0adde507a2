"""The faults: each is a context in which something is broken, and mended at its end."""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import httpx
import redis.asyncio

from gateway.errors import LabError
from gateway.lab.chaos.proxy import Way
from gateway.lab.chaos.world import World
from gateway.lab.rival import rival

Fault = Callable[[World, random.Random], AbstractAsyncContextManager[None]]
_CLOCK_JUMPS_S = (-86400, -3600, -30, -3, 3, 30, 3600, 86400)


@asynccontextmanager
async def _kill_gateway(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    if world.town.gateway is not None and world.town.gateway.running:
        pids = [*world.pids("serve"), *(p for role in ROLES for p in world.pids(role))]
        world.signal(pids, signal.SIGKILL)
        await world.town.gateway.process.wait()
    yield
    await world.gateway_up()


@asynccontextmanager
async def _kill_role(world: World, rng: random.Random, *, role: str) -> AsyncIterator[None]:
    """`serve` starts it again, and the lab starts `serve` again once its roles have ended."""
    del rng
    orphans = [p for one in ROLES for p in world.pids(one)] if role == "serve" else []
    world.signal(world.pids(role), signal.SIGKILL)
    yield
    for pid in orphans:
        while os.path.exists(f"/proc/{pid}"):  # noqa: ASYNC110, ASYNC240, PTH110
            await asyncio.sleep(0.05)
    await world.gateway_up()


@asynccontextmanager
async def _stop_role(world: World, rng: random.Random, *, role: str) -> AsyncIterator[None]:
    del rng
    pids = world.pids(role)
    world.signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        world.signal(pids, signal.SIGCONT)


@asynccontextmanager
async def _ami_cut(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    world.proxy.cut()
    yield


@asynccontextmanager
async def _ami_way(world: World, rng: random.Random, *, way: Way) -> AsyncIterator[None]:
    world.proxy.way, world.proxy.delay_s = way, rng.uniform(0.05, 0.8)
    try:
        yield
    finally:
        world.proxy.way = Way.THROUGH


@asynccontextmanager
async def _redis_kill(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    child = world.town.redis.child
    if child.running:
        os.killpg(child.pid, signal.SIGKILL)
        await child.process.wait()
    yield
    if not world.town.redis.child.running:
        await world.town.start_redis()


@asynccontextmanager
async def _redis_freeze(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    pid = world.town.redis.child.pid
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGCONT)


async def _redis(world: World, *words: str) -> None:
    client = redis.asyncio.from_url(world.town.redis.url, socket_timeout=1)
    with contextlib.suppress(redis.RedisError, OSError):  # another fault has it
        await client.execute_command(*words)  # type: ignore[no-untyped-call]
    await client.aclose()


@asynccontextmanager
async def _redis_flush(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    await _redis(world, "FLUSHALL")
    yield


@asynccontextmanager
async def _redis_full(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    await _redis(world, "CONFIG", "SET", "maxmemory", "1")
    try:
        yield
    finally:
        await _redis(world, "CONFIG", "SET", "maxmemory", "0")


@asynccontextmanager
async def _ledger_locked(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    with contextlib.closing(sqlite3.connect(world.ledger, 0, isolation_level=None)) as other:
        for _ in range(200):
            try:
                other.execute("BEGIN EXCLUSIVE")
                break
            except sqlite3.OperationalError:  # the gateway writes at this moment
                await asyncio.sleep(0.01)
        yield


@asynccontextmanager
async def _disk_full(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    filler = world.disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(1 << 16)):
                pass
        yield
    finally:
        filler.unlink(missing_ok=True)


@asynccontextmanager
async def _orders_kill(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    child = world.town.orders
    if child.running:
        os.killpg(child.pid, signal.SIGKILL)
        await child.process.wait()
    yield
    if not world.town.orders.running:
        await world.town.start_orders()


@asynccontextmanager
async def _orders_freeze(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    pid = world.town.orders.pid
    world.signal([pid], signal.SIGSTOP)
    try:
        yield
    finally:
        world.signal([pid], signal.SIGCONT)


@asynccontextmanager
async def _orders_down(world: World, rng: random.Random) -> AsyncIterator[None]:
    fault = rng.choice(({"status": 503}, {"status": 500}, {"status": 429, "retry_after": 1}))
    await _tell_orders(world, "_down", fault)
    try:
        yield
    finally:
        await _tell_orders(world, "_up", None)


async def _tell_orders(world: World, what: str, body: object) -> None:
    async with httpx.AsyncClient(timeout=1, trust_env=False) as client:
        with contextlib.suppress(httpx.HTTPError):  # another fault has it
            await client.post(f"{world.town.orders_url}/{what}", json=body)


@asynccontextmanager
async def _clock_jump(world: World, rng: random.Random) -> AsyncIterator[None]:
    """The wall clock of the gateway's processes alone: PBX and order system keep theirs."""
    world.clock.write_text(f"{rng.choice(_CLOCK_JUMPS_S)}", "ascii")
    try:
        yield
    finally:
        world.clock.write_text("0", "ascii")


async def mended(world: World) -> None:
    """Make sure of it: of two faults at once, one may have kept the other from being mended."""
    world.proxy.way = Way.THROUGH
    if not world.town.redis.child.running:
        await world.town.start_redis()
    await _redis(world, "CONFIG", "SET", "maxmemory", "0")
    if not world.town.orders.running:
        await world.town.start_orders()
    await _tell_orders(world, "_up", None)


@asynccontextmanager
async def _second_gateway(world: World, rng: random.Random) -> AsyncIterator[None]:
    del rng
    async with rival(world.town):
        yield


ROLES = ("control", "recognise", "deliver")
KINDS: dict[str, Fault] = {
    "kill-gateway": _kill_gateway,
    **{f"kill-{role}": partial(_kill_role, role=role) for role in (*ROLES, "serve")},
    **{f"stop-{role}": partial(_stop_role, role=role) for role in (*ROLES, "serve")},
    "second-gateway": _second_gateway,
    "ami-cut": _ami_cut,
    "ami-half-open": partial(_ami_way, way=Way.SWALLOWED),
    "ami-slow": partial(_ami_way, way=Way.SLOW),
    "ami-reordered": partial(_ami_way, way=Way.REORDERED),
    "redis-kill": _redis_kill,
    "redis-flush": _redis_flush,
    "redis-freeze": _redis_freeze,
    "redis-full": _redis_full,
    "ledger-locked": _ledger_locked,
    "disk-full": _disk_full,
    "orders-kill": _orders_kill,
    "orders-freeze": _orders_freeze,
    "orders-down": _orders_down,
    "clock-jump": _clock_jump,
}


def chosen(names: str) -> list[str]:
    """The kinds named, all where none is. Raises LabError naming those that there are."""
    wanted = [one.strip() for one in names.split(",") if one.strip()]
    if unknown := set(wanted) - set(KINDS):
        raise LabError(f"no such faults: {sorted(unknown)}; there are {', '.join(KINDS)}")
    return wanted or list(KINDS)
