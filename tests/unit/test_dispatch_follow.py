"""Diversion lists that are edited while the gateway runs: good ones count, broken ones are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from structlog.testing import capture_logs

from gateway.dispatch.datafile import packaged
from gateway.dispatch.follow import follow
from gateway.dispatch.taxonomy import load
from gateway.errors import ConfigError

SHIPPED = packaged("taxonomy.toml").read_text("utf-8")


class Lists:
    """What is in force, and a wait for the next time that the file was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version = load(path).version
        self._tried = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def renew(self, path: Path) -> None:
        try:
            self.version = load(path).version
        finally:
            self._loop.call_soon_threadsafe(self._tried.set)

    async def write(self, text: str) -> None:
        self._tried.clear()
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text, "utf-8")
        fresh.replace(self.path)
        async with asyncio.timeout(10):
            await self._tried.wait()


@asynccontextmanager
async def followed(lists: Lists) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(follow(lists.path, lists.renew, every_s=0.01))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_changed_file_comes_in_force_and_a_broken_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.toml"
    path.write_text(SHIPPED, "utf-8")
    lists = Lists(path)
    async with followed(lists) as task:
        with capture_logs() as told:
            await lists.write(SHIPPED.replace('version = "2022.2"', 'version = "mine.1"'))
            assert lists.version == "mine.1"
            await lists.write(SHIPPED.replace('urgency = "urgent"', 'urgency = "soon"', 1))
            await lists.write(SHIPPED.replace('version = "2022.2"', 'version = "mine.22"'))
        assert not task.done()
    assert lists.version == "mine.22"
    good, broken = told[:2]
    assert (good["log_level"], broken["log_level"]) == ("info", "error")
    assert "taxonomy.toml:" in broken["hint"]
    assert "urgent" in broken["hint"]


async def test_a_file_that_is_gone_leaves_what_was_in_force(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.toml"
    path.write_text(SHIPPED, "utf-8")
    tried = asyncio.Event()
    loop = asyncio.get_running_loop()

    def renew(gone: Path) -> None:
        loop.call_soon_threadsafe(tried.set)
        raise ConfigError(f"{gone}: cannot be read; name a file")

    task = asyncio.create_task(follow(path, renew, every_s=0.01))
    await asyncio.sleep(0)
    path.unlink()
    async with asyncio.timeout(10):
        await tried.wait()
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
