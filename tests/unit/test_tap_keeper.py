"""A tap on every leg that speaks: what fails or dies is tried again, and gaps have their length."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest

from gateway.calls import facts as f
from gateway.calls.commands import OpenTap
from gateway.clock import now
from gateway.errors import NoCapacity, SwitchRefused
from gateway.media import keeper as module
from gateway.media.keeper import TapKeeper

LEG = "call-1.caller.0"
TAP = OpenTap(LEG, "PJSIP/city-00000001")


class Opener:
    """Fails with `errors` first, then opens; `opening` is called meanwhile."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.opening: Callable[[str], None] = lambda _uuid: None
        self.uuids: list[str] = []
        self.asked: list[tuple[str, bool]] = []
        self._changed = asyncio.Event()

    async def open(
        self, command: OpenTap, uuid: str, *, dead: str = "", since: datetime | None = None
    ) -> str:
        assert command == TAP
        self.asked.append((dead, since is not None))
        self._changed.set()
        if self.errors:
            raise self.errors.pop(0)
        self.opening(uuid)
        self.uuids.append(uuid)
        return f"worker-{len(self.uuids)}"

    async def worker_within(self, wait_s: float) -> bool:
        return True

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                self._changed.clear()
                await self._changed.wait()


class World:
    def __init__(self) -> None:
        self.opener, self.live = Opener(), True
        self.recorded: list[f.Fact] = []
        self.keeper = TapKeeper(
            self.opener,
            speaks=lambda _leg: self.live,
            started_ms=lambda _leg: 0,
            record=self.recorded.append,
        )

    def end(self, number: int) -> None:
        """The channel of the tap opened as the `number`th ends."""
        self.keeper.ended(f"AudioSocket/127.0.0.1:9-{self.opener.uuids[number]}")

    async def settled(self) -> None:
        async with asyncio.timeout(10):
            while self.keeper._tasks:
                await asyncio.wait(self.keeper._tasks)

    @property
    def gaps(self) -> list[f.GapMarked]:
        return [fact for fact in self.recorded if isinstance(fact, f.GapMarked)]


@pytest.fixture(autouse=True)
def _pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.0, 0.0, 0.001))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.keeper.close()


async def test_a_tap_that_opens_says_nothing(world: World) -> None:
    await world.keeper.open(TAP)
    assert world.opener.asked == [("", False)]
    assert world.recorded == []


async def test_where_nobody_is_listened_to_each_leg_says_so_and_nothing_is_tried() -> None:
    recorded: list[f.Fact] = []
    opener = Opener()
    keeper = TapKeeper(
        opener,
        speaks=lambda _leg: True,
        started_ms=lambda _leg: 0,
        record=recorded.append,
        listens=False,
    )
    await keeper.open(TAP)
    gap, closed = recorded
    assert isinstance(gap, f.GapMarked)
    assert isinstance(closed, f.SpeechClosed)
    assert (gap.leg_id, gap.why, closed.leg_id) == (LEG, "off", LEG)
    assert opener.asked == []


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (NoCapacity("full"), "no capacity"),
        (SwitchRefused("no"), "no tap"),
        (ConnectionError("no worker"), "no tap"),
        (KeyError("room"), "no tap"),
    ],
)
async def test_what_cannot_be_opened_is_marked_once_and_tried_until_it_opens(
    world: World, error: Exception, why: str
) -> None:
    world.opener.errors = [error] * 5
    await world.keeper.open(TAP)
    first, closed = world.recorded
    assert isinstance(first, f.GapMarked)
    assert (first.call_id, first.leg_id, first.why) == ("call-1", LEG, why)
    assert first.start_ms == first.end_ms
    assert isinstance(closed, f.SpeechClosed)
    await world.settled()
    assert len(world.opener.asked) == 6
    assert [(gap.start_ms, gap.why) for gap in world.gaps] == [(first.start_ms, why)] * 2
    assert world.gaps[1].end_ms >= first.end_ms


async def test_nothing_is_tried_for_a_leg_that_has_ended_but_its_gap_has_a_length(
    world: World,
) -> None:
    world.opener.errors = [NoCapacity("full")] * 99
    await world.keeper.open(TAP)
    await world.opener.until_asked(3)
    world.live = False
    await world.settled()
    assert [gap.why for gap in world.gaps] == ["no capacity"] * 2


async def test_a_tap_that_ends_with_its_leg_says_nothing(world: World) -> None:
    await world.keeper.open(TAP)
    world.live = False
    world.end(0)
    await world.settled()
    assert world.recorded == []
    assert len(world.opener.asked) == 1


async def test_a_tap_whose_worker_died_is_opened_elsewhere_and_the_gap_is_marked(
    world: World,
) -> None:
    await world.keeper.open(TAP)
    world.end(0)
    await world.settled()
    assert world.opener.asked == [("", False), ("worker-1", True)]
    assert [gap.why for gap in world.gaps] == ["recognition restarted"]
    world.end(1)
    await world.settled()
    assert world.opener.asked[2] == ("worker-2", True)


async def test_a_tap_that_is_refused_waits_longer_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(module, "PAUSES_S", (0.0, 0.1, 0.2, 0.3))
    monkeypatch.setattr(module.asyncio, "sleep", note)
    await world.keeper.open(TAP)
    for number in range(5):
        world.end(number)
        world.keeper.refused(LEG)
        while world.keeper._tasks:
            await asyncio.wait(world.keeper._tasks)
    assert slept == [0.1, 0.2, 0.3, 0.3, 0.3]
    assert {gap.why for gap in world.gaps} == {"no capacity"}


async def test_a_refusal_that_is_told_first_counts_too(world: World) -> None:
    await world.keeper.open(TAP)
    world.keeper.refused("call-2.caller.0")
    world.keeper.refused(LEG)
    world.end(0)
    await world.settled()
    world.end(1)
    await world.settled()
    assert [gap.why for gap in world.gaps] == ["no capacity", "recognition restarted"]


async def test_an_end_that_is_told_before_the_answer_is_not_lost(world: World) -> None:
    def ends_at_once(uuid: str) -> None:
        world.opener.opening = lambda _uuid: None
        world.keeper.ended(f"AudioSocket/127.0.0.1:9-{uuid}")

    world.opener.opening = ends_at_once
    await world.keeper.open(TAP)
    await world.settled()
    assert len(world.opener.uuids) == 2
    assert len(world.gaps) == 1


async def test_another_channels_end_is_no_taps(world: World) -> None:
    world.keeper.ended("PJSIP/city-00000001")
    assert not world.keeper._tasks


async def test_what_nobody_has_heard_since_is_a_gap_once_the_tap_is_open(world: World) -> None:
    lost_at = now() - timedelta(seconds=3)
    await world.keeper.open(TAP, lost_at)
    [gap] = world.gaps
    assert gap.why == "recognition restarted"
    assert gap.start_ms == int(lost_at.timestamp() * 1000)
    assert gap.end_ms - gap.start_ms >= 3000
    assert len(world.recorded) == 1


async def test_a_tap_of_an_earlier_gateway_is_opened_again_when_its_worker_dies(
    world: World,
) -> None:
    uuid = "0b9c6d3e-0000-4000-8000-000000000001"
    channel = f"AudioSocket/127.0.0.1:4573-{uuid}"
    world.keeper.adopt(TAP, channel)
    world.keeper.ended(channel)
    await world.settled()
    assert world.opener.asked == [("127.0.0.1:4573", True)]
    assert [gap.why for gap in world.gaps] == ["recognition restarted"]
