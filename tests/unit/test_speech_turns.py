"""Slow work: the oldest first, one after the other, failures to the one who asked."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from gateway.speech.turns import Turns


@pytest.fixture
async def turns() -> AsyncIterator[Turns]:
    made = Turns(1)
    yield made
    made.close()


async def test_the_oldest_is_first(turns: Turns) -> None:
    go, done = threading.Event(), list[float]()
    busy = asyncio.create_task(turns.run(0.0, lambda: go.wait(10)))
    waiting = [
        asyncio.create_task(turns.run(since, lambda since=since: done.append(since)))
        for since in (3.0, 1.0, 2.0)
    ]
    await asyncio.sleep(0)
    assert turns.oldest is not None
    go.set()
    await asyncio.gather(busy, *waiting)
    assert done == [1.0, 2.0, 3.0]
    assert turns.oldest is None
    assert turns.busy_s > 0


async def test_a_failure_is_the_askers(turns: Turns) -> None:
    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await turns.run(0.0, fail)
    assert await turns.run(0.0, lambda: "well") == "well"


async def test_one_who_no_longer_waits_breaks_nothing(turns: Turns) -> None:
    go = threading.Event()
    task = asyncio.create_task(turns.run(0.0, lambda: go.wait(10)))
    await asyncio.sleep(0)
    task.cancel()
    go.set()
    assert await turns.run(1.0, lambda: "next") == "next"
    assert task.cancelled()


async def test_nothing_is_run_after_closing(turns: Turns) -> None:
    turns.close()
    with pytest.raises(RuntimeError):
        await turns.run(0.0, lambda: None)
