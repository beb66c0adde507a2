"""Nothing said is lost while Redis is away, as long as there is room."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from redis.exceptions import ConnectionError as RedisAway

from gateway.calls.facts import GapMarked, SpeechClosed, UtteranceHeard
from gateway.speech.fakes import FakeEventLog
from gateway.speech.port import PartialHeard
from gateway.speech.publisher import Publisher


def heard(number: int, leg: str = "a") -> UtteranceHeard:
    return UtteranceHeard(
        call_id="c",
        leg_id=leg,
        utterance_id=f"{leg}{number}",
        start_ms=number * 100,
        end_ms=number * 100 + 90,
        text="好",
        text_raw="好",
        model="m",
    )


def partial(number: int) -> PartialHeard:
    return PartialHeard(
        call_id="c", leg_id="a", utterance_id=f"a{number}", start_ms=number * 100, text="好"
    )


CLOSED = SpeechClosed(call_id="c", leg_id="a")


@contextlib.asynccontextmanager
async def publishing(log: FakeEventLog, room: int = 100) -> AsyncIterator[Publisher]:
    publisher = Publisher(log, room=room, backoff_s=(0.001, 0.01))
    task = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_events_go_out_in_order() -> None:
    log = FakeEventLog()
    async with publishing(log) as publisher:
        for number in range(200):
            publisher.publish(heard(number % 90))
            if number % 90 == 89:
                assert await publisher.drain(5)
        assert await publisher.drain(5)
    assert [e.start_ms for e in log.events] == [number % 90 * 100 for number in range(200)]  # type: ignore[union-attr]


async def test_what_was_said_while_redis_was_away_comes_later() -> None:
    log = FakeEventLog()
    log.away = RedisAway()
    events = [partial(1), heard(1), heard(2), CLOSED]
    async with publishing(log) as publisher:
        for event in events:
            publisher.publish(event)
        await log.until(lambda seen: seen.refused >= 3)
        assert log.events == []
        log.away = None
        assert await publisher.drain(5)
    assert log.events == events


async def test_partials_are_given_up_first() -> None:
    log = FakeEventLog()
    async with publishing(log, room=3) as publisher:
        for event in (partial(1), heard(1), partial(2), heard(2), CLOSED):
            publisher.publish(event)
        assert await publisher.drain(5)
    assert [event.kind for event in log.events] == [
        "utterance.heard",
        "utterance.heard",
        "speech.closed",
    ]


async def test_then_utterances_become_one_gap_for_each_leg() -> None:
    log = FakeEventLog()
    async with publishing(log, room=5) as publisher:
        for event in (heard(1), heard(1, "b"), heard(2), heard(3), heard(4), heard(5), CLOSED):
            publisher.publish(event)
        assert await publisher.drain(5)
    gaps = [event for event in log.events if isinstance(event, GapMarked)]
    assert [(gap.leg_id, gap.start_ms, gap.end_ms, gap.why) for gap in gaps] == [
        ("a", 100, 390, "not published"),
        ("b", 100, 190, "not published"),
    ]
    rest = [event for event in log.events if isinstance(event, UtteranceHeard)]
    assert [event.start_ms for event in rest] == [400, 500]
    assert log.events[-1] == CLOSED


async def test_a_batch_on_its_way_is_not_touched() -> None:
    class SlowLog(FakeEventLog):
        def __init__(self) -> None:
            super().__init__()
            self.go = asyncio.Event()
            self.started = asyncio.Event()

        async def append(self, events: object) -> None:
            self.started.set()
            await self.go.wait()
            await super().append(events)  # type: ignore[arg-type]

    log = SlowLog()
    async with publishing(log, room=1) as publisher:
        publisher.publish(partial(1))
        await log.started.wait()
        publisher.publish(heard(1))
        publisher.publish(CLOSED)
        log.go.set()
        assert await publisher.drain(5)
    assert [event.kind for event in log.events] == [
        "utterance.partial",
        "speech.gap",
        "speech.closed",
    ]


async def test_the_lag_is_measured_when_it_is_published() -> None:
    log = FakeEventLog()
    async with publishing(log) as publisher:
        publisher.publish(heard(1), time.monotonic() - 0.7)
        assert await publisher.drain(5)
        assert publisher.last_lag_s is not None
        assert 0.7 <= publisher.last_lag_s < 1.7


async def test_draining_gives_up_in_time() -> None:
    log = FakeEventLog()
    log.away = RedisAway()
    async with publishing(log) as publisher:
        publisher.publish(heard(1))
        assert not await publisher.drain(0.05)
        assert publisher.waiting == 1
