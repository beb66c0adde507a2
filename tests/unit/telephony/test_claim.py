"""One controller a PBX: who takes it, who stands by, who stops."""

import asyncio
import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from gateway.errors import Displaced, NotInControl, SwitchTimeout
from gateway.telephony import claim as module
from gateway.telephony.ami_event import AmiReply
from gateway.telephony.ami_values import Headers
from gateway.telephony.claim import BEAT, CONTROLLER, LEASE_S, STALE_S, Claim
from gateway.telephony.fakes import FakeAmiClient
from gateway.telephony.fenced import FencedAmi
from gateway.telephony.identity import own_identity, process_is_gone

ELSEWHERE = "7.0000000-1-1-1"


class Clock:
    """Our steady clock, and the PBX's by `FakeAmiClient.clock_offset_s`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Pbx:
    """The globals of a switch, and the way to it."""

    def __init__(self) -> None:
        self.globals: dict[str, str] = {}
        self.clock = Clock()
        self.on_the_way = 0
        self.three_on_the_way = asyncio.Event()

    def ami(self, pause: float | None = None) -> FakeAmiClient:
        """A connection; with `pause` each action takes up to so long, at random."""
        pbx = self

        class Ami(FakeAmiClient):
            async def send(
                self, action: str, headers: Headers | None = None, *, timeout: float | None = None
            ) -> AmiReply:
                if pause is not None:
                    pbx.on_the_way += 1
                    if pbx.on_the_way == 3:
                        pbx.three_on_the_way.set()
                    await asyncio.sleep(random.uniform(0, pause))
                    pbx.on_the_way -= 1
                reply = await super().send(action, headers, timeout=timeout)
                name = str((headers or {})["Variable"])
                if action == "Setvar":
                    pbx.globals[name] = str((headers or {})["Value"])
                    return reply
                return AmiReply({"Value": pbx.globals.get(name, "")})

        made = Ami()
        made.connected = True
        return made

    def claim(self, ami: FakeAmiClient | None = None, every_s: float = 0.001) -> Claim:
        return Claim(ami or self.ami(), every_s, clock=self.clock)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SETTLE_S", 0.0)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.001)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pbx]:
    """A PBX whose wall clock is the steady clock of the test."""
    pbx = Pbx()
    monkeypatch.setattr(module.time, "time", pbx.clock)
    return pbx


async def test_a_pbx_without_controller_is_taken_at_once(wall: Pbx) -> None:
    claim = wall.claim()
    assert not claim.valid
    await claim.take()
    assert claim.valid
    assert not claim.followed
    assert wall.globals[CONTROLLER] == f"1.{own_identity()}"
    assert wall.globals[BEAT] == "1000"


async def test_it_lasts_as_long_as_its_beats_arrive(wall: Pbx) -> None:
    ami = wall.ami()
    claim = wall.claim(ami)
    await claim.take()
    wall.clock.now += 2
    await claim._renew()
    assert wall.globals[BEAT] == "1002"
    wall.clock.now += LEASE_S - 0.1
    assert claim.valid
    wall.clock.now += 0.2
    assert not claim.valid
    ami.answer("Setvar", SwitchTimeout("no answer"))
    with pytest.raises(SwitchTimeout):
        await claim._renew()
    assert not claim.valid


async def test_while_another_beats_one_stands_by_and_follows_when_it_has_stopped(
    wall: Pbx,
) -> None:
    wall.globals |= {CONTROLLER: ELSEWHERE, BEAT: "998"}
    claim = wall.claim()
    for _ in range(3):
        assert not await claim._try()
    assert wall.globals[CONTROLLER] == ELSEWHERE
    wall.clock.now += STALE_S
    await claim.take()
    assert wall.globals[CONTROLLER] == f"8.{own_identity()}"
    assert claim.followed


async def test_a_beat_from_the_future_is_stale_once_it_has_stood_still(wall: Pbx) -> None:
    wall.globals |= {CONTROLLER: ELSEWHERE, BEAT: "99999"}
    claim = wall.claim()
    assert not await claim._try()
    wall.clock.now += STALE_S + 2
    assert await claim._try()


async def test_a_gateway_of_this_machine_that_has_died_is_followed_at_once(wall: Pbx) -> None:
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    machine = own_identity().rpartition("-")[0].rpartition("-")[0]
    wall.globals |= {CONTROLLER: f"3.{machine}-{process.pid}-1", BEAT: "1000"}
    claim = wall.claim()
    assert await claim._try()
    assert not claim.followed


async def test_who_was_followed_while_it_hung_stops(wall: Pbx) -> None:
    old, new = wall.claim(), wall.claim()
    await old.take()
    new._identity = "other"
    wall.clock.now += STALE_S + 1
    assert not old.valid
    await new.take()
    with pytest.raises(Displaced, match="other"):
        await old.keep()
    assert not old.valid
    assert new.valid
    await old.give_up()
    assert wall.globals[CONTROLLER] == "2.other"


async def test_who_hung_and_was_not_followed_goes_on(wall: Pbx) -> None:
    regained: list[bool] = []
    claim = Claim(wall.ami(), 1.0, regained=lambda: regained.append(True), clock=wall.clock)
    await claim.take()
    wall.clock.now += 60
    assert not claim.valid
    await claim._renew()
    assert claim.valid
    assert len(regained) == 2
    assert wall.globals[BEAT] == "1060"


async def test_a_pbx_that_was_restarted_is_taken_again(wall: Pbx) -> None:
    claim = wall.claim()
    await claim.take()
    wall.globals.clear()
    wall.clock.now += STALE_S
    await claim._renew()
    assert claim.valid
    assert wall.globals[CONTROLLER]


async def test_one_that_stops_lets_the_next_act_at_once(wall: Pbx) -> None:
    first, second = wall.claim(), wall.claim()
    second._identity = "other"
    await first.take()
    assert not await second._try()
    await first.give_up()
    assert not first.valid
    assert wall.globals[BEAT] == "0"
    assert wall.globals[CONTROLLER] == "1."
    assert await second._try()
    assert wall.globals[CONTROLLER] == "2.other"


@pytest.mark.parametrize("seed", range(80))
async def test_of_many_that_try_at_once_never_two_act(seed: int, wall: Pbx) -> None:
    """However their steps are mixed; and one that woke up while it was being followed."""
    random.seed(seed)
    pauses = random.choice(((0.002,), (0.0005, 0.008)))
    rivals = [wall.claim(wall.ami(pause=random.choice(pauses))) for _ in range(4)]
    for number, rival in enumerate(rivals):
        rival._identity = f"rival-{number}"
    if seed % 2:
        await rivals[0].take()
        wall.clock.now += STALE_S + 1
    won = await asyncio.gather(*(rival._try() for rival in rivals))
    assert sum(won) <= 1
    assert sum(rival.valid for rival in rivals) <= 1
    for rival, it_won in zip(rivals, won, strict=True):
        assert rival.valid == it_won


async def test_beats_follow_each_other_through_losses(wall: Pbx) -> None:
    ami = wall.ami()
    claim = wall.claim(ami)
    await claim.take()
    ami.answer("Setvar", SwitchTimeout("no answer"), AmiReply({"Response": "Success"}))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await claim.keep()
    beats = [int(one.get("Value")) for one in ami.actions("Setvar") if one.get("Variable") == BEAT]
    assert len(beats) > 2
    assert all(earlier <= later for earlier, later in pairwise(beats))


async def test_nothing_that_changes_a_call_is_sent_out_of_control() -> None:
    ami, allowed = FakeAmiClient(), [False]
    await ami.start()
    fenced = FencedAmi(ami, lambda: allowed[0])
    for action in ("Redirect", "Originate", "Hangup", "Setvar", "originate"):
        with pytest.raises(NotInControl, match="nothing was sent"):
            await fenced.send(action, {"Channel": "x"})
    await fenced.send("Getvar", {"Variable": "x"})
    await fenced.collect("CoreShowChannels")
    assert [one.action for one in ami.sent] == ["Getvar", "CoreShowChannels"]
    allowed[0] = True
    await fenced.send("Hangup", {"Channel": "x"})
    assert len(ami.sent) == 3
    assert (fenced.connected, fenced.version) == (True, ami.version)


def test_this_process_lives_and_others_are_unknown() -> None:
    assert not process_is_gone(f"1.{own_identity()}")
    assert process_is_gone(f"1.{own_identity()}9")
    for token in ("", "1.", "nonsense", ELSEWHERE, "1.a-b-c"):
        assert not process_is_gone(token)


async def test_a_slow_way_is_not_a_lost_one(wall: Pbx) -> None:
    """A beat does not wait for the answer to the one before, and each counts from its sending."""
    ami = wall.ami(pause=0.02)
    claim = wall.claim(ami)
    await claim.take()
    beating = asyncio.create_task(claim.keep())
    try:
        async with asyncio.timeout(30):
            await wall.three_on_the_way.wait()
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
    assert claim.valid
