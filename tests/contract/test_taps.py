"""Taps against a real Redis: the grant is there before the Originate, and a failure is a gap."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.calls import facts as f
from gateway.calls.commands import OpenTap
from gateway.clock import now
from gateway.errors import SwitchRefused, SwitchTimeout
from gateway.lab.redis_lab import RedisLab
from gateway.live import names
from gateway.live.redis import connect
from gateway.media.grants import RedisGrants
from gateway.media.taps import TapOpener
from gateway.speech.port import TapGrant
from gateway.telephony.fakes import FakeAmiClient

LEG = "call-1.caller.0"
TAP = OpenTap(LEG, "PJSIP/city-00000001")
STARTED_MS = 1_772_415_000_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisLab]:
    lab = await RedisLab.start(tmp_path)
    yield lab
    await lab.stop()


@pytest.fixture
async def redis(server: RedisLab) -> AsyncIterator[Redis]:
    client = connect(server.url)
    yield client
    await client.aclose()


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmiClient]:
    client = FakeAmiClient()
    await client.start()
    yield client
    await client.close()


@pytest.fixture
def recorded() -> list[f.Fact]:
    return []


@pytest.fixture
def taps(ami: FakeAmiClient, redis: Redis, recorded: list[f.Fact]) -> TapOpener:
    return TapOpener(
        ami, redis, lifetime_s=10.0, started_ms=lambda _leg: STARTED_MS, record=recorded.append
    )


async def _announce(redis: Redis, name: str, streams: int, most: int = 10, at: float = 0.0) -> None:
    known = {"host": "127.0.0.1", "port": 9000 + streams, "streams": streams, "max_streams": most}
    await redis.set(names.worker(name), json.dumps(known | {"at": at}))


def _uuid(ami: FakeAmiClient) -> str:
    return ami.actions("Originate")[-1].get("Channel").split("/")[2]


async def test_a_tap_goes_to_the_worker_with_the_most_room(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis, recorded: list[f.Fact]
) -> None:
    await _announce(redis, "full", 9)
    await _announce(redis, "big", 8, 40)
    await _announce(redis, "half", 5)
    await taps.open(TAP)
    [sent] = ami.sent
    assert {key: value for key, value in sent.headers.items() if key != "Channel"} == {
        "Action": "Originate",
        "Context": "liandong-tap",
        "Exten": "s",
        "Priority": "1",
        "Timeout": "3000",
        "Async": "true",
        "Variable": ["LD_TAP=PJSIP/city-00000001"],
    }
    assert sent.get("Channel") == f"AudioSocket/127.0.0.1:9008/{_uuid(ami)}/c(slin16)"
    assert recorded == []
    assert taps.failures == 0


async def test_the_grant_is_there_before_the_switch_is_told_and_is_good_once(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis
) -> None:
    await _announce(redis, "one", 0)
    await taps.open(TAP)
    key = names.tap(_uuid(ami))
    assert 0 < await redis.pttl(key) <= 10_000
    grants = RedisGrants(redis)
    granted = TapGrant(call_id="call-1", leg_id=LEG, call_started_ms=STARTED_MS)
    assert await grants.take(_uuid(ami)) == granted
    assert await grants.take(_uuid(ami)) is None


async def test_no_grant_no_originate(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted_first: list[bool] = []
    await _announce(redis, "one", 0)
    offer = RedisGrants.offer

    async def look(self: RedisGrants, uuid: str, grant: TapGrant, lifetime_s: float) -> None:
        granted_first.append(not ami.sent)
        await offer(self, uuid, grant, lifetime_s)

    monkeypatch.setattr(RedisGrants, "offer", look)
    await taps.open(TAP)
    assert granted_first == [True]


def _is_gap(recorded: list[f.Fact]) -> None:
    gap, closed = recorded
    assert isinstance(gap, f.GapMarked)
    assert (gap.call_id, gap.leg_id, gap.why) == ("call-1", LEG, "no tap")
    assert isinstance(closed, f.SpeechClosed)


async def test_without_a_worker_the_gap_is_marked(
    taps: TapOpener, ami: FakeAmiClient, recorded: list[f.Fact]
) -> None:
    await taps.open(TAP)
    _is_gap(recorded)
    assert ami.sent == []
    assert taps.failures == 1


async def test_a_worker_that_announces_nonsense_is_a_gap(
    taps: TapOpener, redis: Redis, recorded: list[f.Fact]
) -> None:
    await redis.set(names.worker("odd"), "{not json")
    await taps.open(TAP)
    _is_gap(recorded)


async def test_without_redis_the_gap_is_marked(
    taps: TapOpener, server: RedisLab, redis: Redis, recorded: list[f.Fact]
) -> None:
    await _announce(redis, "one", 0)
    await server.stop()
    await taps.open(TAP)
    _is_gap(recorded)


@pytest.mark.parametrize("error", [SwitchRefused("no"), SwitchTimeout("silence")])
async def test_a_switch_that_will_not_tap_is_a_gap(
    taps: TapOpener,
    ami: FakeAmiClient,
    redis: Redis,
    recorded: list[f.Fact],
    error: SwitchRefused | SwitchTimeout,
) -> None:
    await _announce(redis, "one", 0)
    ami.answer("Originate", error)
    await taps.open(TAP)
    _is_gap(recorded)
    assert taps.ended(ami.sent[0].get("Channel").removesuffix("/c(slin16)")) is None


async def test_a_channels_name_sets_no_second_variable(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis, recorded: list[f.Fact]
) -> None:
    await _announce(redis, "one", 0)
    await taps.open(OpenTap(LEG, "PJSIP/a,LD_CALL=x-00000001"))
    _is_gap(recorded)
    assert ami.sent == []


async def test_a_tap_that_dies_is_tried_again_a_few_times(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis
) -> None:
    await _announce(redis, "one", 0)
    tries = 0
    while True:
        await taps.open(TAP)
        tries += 1
        channel = f"AudioSocket/127.0.0.1:9000-{_uuid(ami)}"
        again = taps.ended(channel)
        assert taps.ended(channel) is None
        if again is None:
            break
        assert again == TAP
    assert 1 < tries < 10
    taps.forget(LEG)
    await taps.open(TAP)
    assert taps.ended(f"AudioSocket/127.0.0.1:9000-{_uuid(ami)}") == TAP


async def test_a_tap_opened_again_says_what_was_not_heard(
    taps: TapOpener, redis: Redis, recorded: list[f.Fact]
) -> None:
    lost_at = now() - timedelta(seconds=2)
    await _announce(redis, "dead", 0, at=(lost_at - timedelta(seconds=5)).timestamp())
    await _announce(redis, "new", 1, at=now().timestamp())
    await taps.open(TAP, lost_at=lost_at)
    [gap] = recorded
    assert isinstance(gap, f.GapMarked)
    assert gap.why == "recognition restarted"
    assert 2000 <= gap.end_ms - gap.start_ms < 10_000
    assert gap.start_ms == int(lost_at.timestamp() * 1000) - STARTED_MS


async def test_another_channels_end_is_no_taps(taps: TapOpener) -> None:
    assert taps.ended("PJSIP/city-00000001") is None
