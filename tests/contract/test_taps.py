"""Taps against a real Redis: which worker, and the grant is there before the Originate."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from gateway.calls.commands import OpenTap
from gateway.clock import now
from gateway.errors import NoCapacity, SwitchRefused, SwitchTimeout
from gateway.lab.redis_lab import RedisLab
from gateway.live import names
from gateway.live.redis import connect
from gateway.media.grants import RedisGrants
from gateway.media.taps import FAILURES, TapOpener
from gateway.speech.port import TapGrant
from gateway.telephony.fakes import FakeAmiClient

LEG = "call-1.caller.0"
TAP = OpenTap(LEG, "PJSIP/city-00000001")
UUID = "40325ec2-5efd-4bd3-805f-53576e581d13"
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
def taps(ami: FakeAmiClient, redis: Redis) -> TapOpener:
    return TapOpener(ami, redis, lifetime_s=10.0, started_ms=lambda _leg: STARTED_MS)


async def _announce(
    redis: Redis, name: str, port: int, room: int, *, at: float = 0.0, wait_s: float = 0.0
) -> None:
    known = {"host": "127.0.0.1", "port": port, "room": room, "wait_s": wait_s}
    await redis.set(names.worker(name), json.dumps(known | {"at": at or now().timestamp()}))


async def test_a_tap_goes_to_the_worker_with_the_most_room(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis
) -> None:
    await _announce(redis, "full", 9001, 1)
    await _announce(redis, "big", 9002, 32)
    await _announce(redis, "half", 9003, 5)
    assert await taps.open(TAP, UUID) == "127.0.0.1:9002"
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
    assert sent.get("Channel") == f"AudioSocket/127.0.0.1:9002/{UUID}/c(slin16)"


async def test_of_equals_the_less_late(taps: TapOpener, redis: Redis) -> None:
    await _announce(redis, "late", 9001, 5, wait_s=0.4)
    await _announce(redis, "soon", 9002, 5, wait_s=0.1)
    assert await taps.open(TAP, UUID) == "127.0.0.1:9002"


async def test_taps_sent_since_the_last_announcement_count(taps: TapOpener, redis: Redis) -> None:
    at = (now() - timedelta(milliseconds=500)).timestamp()
    await _announce(redis, "one", 9001, 2, at=at)
    await _announce(redis, "two", 9002, 2, at=at)
    went = [await taps.open(TAP, str(uuid4())) for _ in range(4)]
    assert sorted(went) == ["127.0.0.1:9001"] * 2 + ["127.0.0.1:9002"] * 2
    with pytest.raises(NoCapacity):
        await taps.open(TAP, UUID)


async def test_a_worker_that_is_silent_is_forgotten(taps: TapOpener, redis: Redis) -> None:
    await _announce(redis, "dead", 9001, 30, at=(now() - timedelta(seconds=4)).timestamp())
    await _announce(redis, "alive", 9002, 1)
    assert await taps.open(TAP, UUID) == "127.0.0.1:9002"


async def test_a_lost_worker_counts_only_once_it_has_announced_itself_anew(
    taps: TapOpener, redis: Redis
) -> None:
    lost_at = now()
    before, after = (lost_at + timedelta(seconds=by) for by in (-0.5, 0.5))
    await _announce(redis, "dead", 9001, 30, at=before.timestamp())
    with pytest.raises(ConnectionError):
        await taps.open(TAP, UUID, dead="127.0.0.1:9001", since=lost_at)
    await _announce(redis, "other", 9002, 1, at=before.timestamp())
    went = await taps.open(TAP, UUID, dead="127.0.0.1:9001", since=lost_at)
    assert went == "127.0.0.1:9002"
    await _announce(redis, "dead", 9001, 30, at=after.timestamp())
    went = await taps.open(TAP, UUID, dead="127.0.0.1:9001", since=lost_at)
    assert went == "127.0.0.1:9001"


async def test_the_grant_is_there_before_the_switch_is_told_and_is_good_once(
    taps: TapOpener, redis: Redis
) -> None:
    await _announce(redis, "one", 9000, 1)
    await taps.open(TAP, UUID)
    assert 0 < await redis.pttl(names.tap(UUID)) <= 10_000
    grants = RedisGrants(redis)
    granted = TapGrant(call_id="call-1", leg_id=LEG, call_started_ms=STARTED_MS)
    assert await grants.take(UUID) == granted
    assert await grants.take(UUID) is None


async def test_no_grant_no_originate(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted_first: list[bool] = []
    await _announce(redis, "one", 9000, 1)
    offer = RedisGrants.offer

    async def look(self: RedisGrants, uuid: str, grant: TapGrant, lifetime_s: float) -> None:
        granted_first.append(not ami.sent)
        await offer(self, uuid, grant, lifetime_s)

    monkeypatch.setattr(RedisGrants, "offer", look)
    await taps.open(TAP, UUID)
    assert granted_first == [True]


async def test_without_a_worker_nothing_is_sent(taps: TapOpener, ami: FakeAmiClient) -> None:
    with pytest.raises(ConnectionError):
        await taps.open(TAP, UUID)
    assert ami.sent == []


async def test_a_worker_that_announces_nonsense_is_a_failure(taps: TapOpener, redis: Redis) -> None:
    await redis.set(names.worker("odd"), "{not json")
    with pytest.raises(FAILURES):
        await taps.open(TAP, UUID)


async def test_without_redis(taps: TapOpener, server: RedisLab, redis: Redis) -> None:
    await _announce(redis, "one", 9000, 1)
    await server.stop()
    with pytest.raises(FAILURES):
        await taps.open(TAP, UUID)


@pytest.mark.parametrize("error", [SwitchRefused("no"), SwitchTimeout("silence")])
async def test_a_switch_that_will_not_tap(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis, error: SwitchRefused | SwitchTimeout
) -> None:
    await _announce(redis, "one", 9000, 1)
    ami.answer("Originate", error)
    with pytest.raises(type(error)):
        await taps.open(TAP, UUID)


async def test_an_unknown_outcome_leaves_no_grant_for_a_late_tap(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis
) -> None:
    await _announce(redis, "one", 9000, 1)
    ami.answer("Originate", SwitchTimeout("silence"))
    with pytest.raises(SwitchTimeout):
        await taps.open(TAP, UUID)
    assert await RedisGrants(redis).take(UUID) is None


async def test_an_unknown_outcome_with_a_spent_grant_is_a_tap(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _announce(redis, "one", 9000, 1)

    async def tapped(action: str, headers: object = None) -> None:
        assert await RedisGrants(redis).take(UUID)
        raise SwitchTimeout("silence")

    monkeypatch.setattr(ami, "send", tapped)
    assert await taps.open(TAP, UUID) == "127.0.0.1:9000"


async def test_a_channels_name_sets_no_second_variable(
    taps: TapOpener, ami: FakeAmiClient, redis: Redis
) -> None:
    await _announce(redis, "one", 9000, 1)
    with pytest.raises(FAILURES):
        await taps.open(OpenTap(LEG, "PJSIP/a,LD_CALL=x-00000001"), UUID)
    assert ami.sent == []
