"""Each part's health: well, down, slow. A probe is bounded and never raises."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisDown

from gateway.calls.port import ComponentHealth
from gateway.clock import now
from gateway.errors import LedgerError
from gateway.probes import Probes
from gateway.telephony.fakes import FakeAmiClient

Answer = Callable[[], Awaitable[Any]]


def says(value: Any) -> Answer:
    async def answer() -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return answer


async def never() -> Any:
    await asyncio.Event().wait()


class Parts:
    """What the probes look at; each part answers as told."""

    def __init__(self) -> None:
        self.ami = FakeAmiClient()
        self.ping = self.tickets = says(True)
        self.waiting = says(None)
        self.workers = says(["ld:worker:1"])
        self.journal = SimpleNamespace(failures=0, late=0)
        self.delivers = True
        self.dead: list[datetime] = []

    async def _scan(self, match: str) -> AsyncIterator[str]:
        assert match == "ld:worker:*"
        for key in await self.workers():
            yield key

    async def _given_up(self, since: datetime | None = None) -> int:
        return len([at for at in self.dead if since is None or at > since])

    async def health(self, name: str) -> ComponentHealth:
        redis: Any = SimpleNamespace(ping=self.ping, scan_iter=self._scan)
        ledger: Any = SimpleNamespace(
            tickets=lambda _count, _after: self.tickets(),
            waiting_since=self.waiting,
            given_up=self._given_up,
        )
        journal: Any = self.journal
        probes = Probes(self.ami, redis, ledger, journal, delivers=self.delivers)
        found = [await probe() for probe in probes.all() if probe.__name__ == name]
        [health] = found
        assert health.name == name
        return health


@pytest.fixture
def parts() -> Parts:
    return Parts()


@contextlib.contextmanager
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Every bounded wait gives up at once; the bounds that were asked for."""
    bounds: list[float] = []
    real = asyncio.timeout

    async def wait_for(waiting: Awaitable[Any], timeout: float) -> Any:
        bounds.append(timeout)
        async with real(0):
            return await waiting

    def at_once(timeout: float) -> asyncio.Timeout:
        bounds.append(timeout)
        return real(0)

    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "wait_for", wait_for)
        patched.setattr(asyncio, "timeout", at_once)
        yield bounds


NAMES = ["switch", "redis", "speech", "ledger", "delivery", "journal"]


@pytest.mark.parametrize("name", NAMES)
async def test_all_is_well(parts: Parts, name: str) -> None:
    await parts.ami.start()
    assert (await parts.health(name)).ok


@pytest.mark.parametrize(
    ("name", "part", "error"),
    [
        ("redis", "ping", RedisDown("x")),
        ("redis", "ping", OSError("x")),
        ("speech", "workers", RedisDown("x")),
        ("ledger", "tickets", LedgerError("x")),
        ("delivery", "waiting", LedgerError("x")),
    ],
)
async def test_a_part_that_is_down(parts: Parts, name: str, part: str, error: Exception) -> None:
    setattr(parts, part, says(error))
    health = await parts.health(name)
    assert not health.ok
    assert health.detail == type(error).__name__


@pytest.mark.parametrize(
    ("name", "part"),
    [("redis", "ping"), ("speech", "workers"), ("ledger", "tickets"), ("delivery", "waiting")],
)
async def test_a_part_that_hangs_holds_nobody_up(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, name: str, part: str
) -> None:
    setattr(parts, part, never)
    with hurried(monkeypatch) as bounds:
        health = await parts.health(name)
    assert (health.ok, health.detail) == (False, "TimeoutError")
    assert len(bounds) == 1
    assert bounds[0] <= 2.0


async def test_a_switch_that_is_not_connected(parts: Parts) -> None:
    assert await parts.health("switch") == ComponentHealth("switch", False, "not connected")
    await parts.ami.start()
    assert (await parts.health("switch")).detail == "Asterisk 22.10.1"


async def test_no_recognition_worker_is_not_well(parts: Parts) -> None:
    parts.workers = says([])
    assert await parts.health("speech") == ComponentHealth("speech", False, "0 worker(s)")


def ago(seconds: float) -> datetime:
    return now() - timedelta(seconds=seconds)


@pytest.mark.parametrize(("waits_s", "ok"), [(50, True), (75, False)])
async def test_a_ticket_that_waits_too_long(parts: Parts, waits_s: int, ok: bool) -> None:
    parts.waiting = says(ago(waits_s))
    health = await parts.health("delivery")
    assert health.ok is ok
    assert f"waits {waits_s} s" in health.detail


async def test_tickets_may_wait_where_no_order_system_is_named(parts: Parts) -> None:
    parts.waiting, parts.delivers = says(ago(3600)), False
    assert (await parts.health("delivery")).ok


@pytest.mark.parametrize(("hours", "ok"), [(23, False), (25, True)])
async def test_a_ticket_that_was_given_up_is_told_for_a_day(
    parts: Parts, hours: int, ok: bool
) -> None:
    parts.dead = [ago(3600 * hours)]
    health = await parts.health("delivery")
    assert health.ok is ok
    assert "1 dead" in health.detail


async def test_a_journal_that_the_disk_refused(parts: Parts) -> None:
    parts.journal.late = 3
    assert await parts.health("journal") == ComponentHealth("journal", True, "late 3")
    parts.journal.failures = 1
    assert not (await parts.health("journal")).ok
