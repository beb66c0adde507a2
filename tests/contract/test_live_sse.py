"""The stream as a browser gets it: a real server, a real Redis, resume by Last-Event-ID."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.api import live, server
from gateway.api.app import create_app
from gateway.api.fakes import FakeLedger
from gateway.api.server import serving
from gateway.calls.facts import dump
from gateway.calls.fakes import FakeCallControl
from gateway.calls.scripts import LinkedCall
from gateway.errors import ConfigError
from gateway.lab.redis_lab import RedisLab
from gateway.live.redis import connect
from gateway.live.streams import LivePublisher, RedisLiveReader
from gateway.settings import Settings

TOKEN = "supervisor-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SETTINGS = {"api": {"tokens": [{"name": "boss", "role": "supervisor", "token": TOKEN}]}}


class Place:
    """A gateway's API with its Redis, whose server can be stopped and started again."""

    def __init__(self, redis, publisher):
        self.control = FakeCallControl(
            on_fact=lambda fact: publisher.publish(fact.call_id, fact.kind, dump(fact))
        )
        self.redis = redis
        self.port = 0

    @asynccontextmanager
    async def serving(self):
        settings = Settings.model_validate(SETTINGS)
        reader = RedisLiveReader(self.redis, block_s=0.2)
        app = create_app(settings, self.control, reader, FakeLedger())
        async with serving(app, "127.0.0.1", self.port) as url:
            self.port = int(url.rpartition(":")[2])
            yield url


@pytest.fixture
async def place(tmp_path):
    lab = await RedisLab.start(tmp_path)
    redis = connect(lab.url)
    async with LivePublisher(redis) as publisher:
        yield Place(redis, publisher)
    await redis.aclose()
    await lab.stop()


@asynccontextmanager
async def listening(url, last_id=None):
    headers = dict(BEARER)
    if last_id:
        headers["Last-Event-ID"] = last_id
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as client,
        client.stream("GET", "/api/v1/live") as answer,
    ):
        assert answer.status_code == 200
        yield events(answer)


async def events(answer):
    fields = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields.get("event", "message"), fields.get("id"), json.loads(fields["data"])
            fields = {}


async def messages(stream, count):
    found = []
    async for event, event_id, data in stream:
        if event == "message":
            found.append((event_id, data["kind"]))
            if len(found) == count:
                return found
    raise AssertionError(f"the stream ended after {len(found)} of {count}")


async def test_facts_arrive_masked_with_resumable_ids(place):
    script = LinkedCall("c1")
    async with place.serving() as url, listening(url) as stream:
        assert (await anext(stream))[0] == "hello"
        place.control.feed(*script.answered())
        event, event_id, data = await anext(stream)
    assert (event, data["call"], data["kind"]) == ("message", "c1", "call.started")
    assert data["data"]["caller_number"] == "138****1234"
    assert event_id.partition("-")[0].isdigit()


async def test_a_page_is_told_to_come_back_soon_when_it_loses_the_stream(place):
    async with (
        place.serving() as url,
        httpx.AsyncClient(base_url=url, headers=BEARER, timeout=10) as client,
        client.stream("GET", "/api/v1/live") as answer,
    ):
        told = set()
        async for line in answer.aiter_lines():
            told.add(line)
            if not line:
                break
    assert f"retry: {live.RETRY_MS}" in told


async def test_resume_over_a_restart_of_the_server(place):
    script = LinkedCall("c1")
    async with place.serving() as url, listening(url) as stream:
        await anext(stream)
        place.control.feed(*script.answered())
        last_id, _ = (await messages(stream, 5))[-1]
    place.control.feed(script.said(0), script.said(1))
    async with place.serving() as url, listening(url, last_id) as stream:
        assert (await anext(stream))[0] == "resumed"
        assert [kind for _, kind in await messages(stream, 2)] == ["utterance.heard"] * 2


async def test_resume_from_a_trimmed_id_is_a_reset(place):
    async with place.serving() as url:
        async with listening(url) as stream:
            await anext(stream)
            place.control.feed(*LinkedCall("c1").answered())
            first_id, _ = (await messages(stream, 5))[0]
        await place.redis.xtrim("ld:live", maxlen=1, approximate=False)
        async with listening(url, first_id) as stream:
            assert (await anext(stream))[0] == "reset"


async def test_the_stream_beats_while_nothing_happens(place, monkeypatch):
    monkeypatch.setattr(live, "BEAT_S", 0.05)
    async with place.serving() as url, listening(url) as stream:
        assert (await anext(stream))[0] == "hello"
        assert (await anext(stream))[0] == "beat"


async def test_stopping_the_server_ends_open_streams_at_once(place, monkeypatch):
    monkeypatch.setattr(server, "STOP_S", 600)
    async with asyncio.timeout(60):
        async with place.serving() as url:
            client = httpx.AsyncClient(
                base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
            )
            request = client.build_request("GET", "/api/v1/live")
            answer = await client.send(request, stream=True)
            stream = events(answer)
            assert (await anext(stream))[0] == "hello"
        assert [event async for event in stream] == []
    await answer.aclose()
    await client.aclose()


async def test_port_in_use_is_named(place):
    async with place.serving():
        with pytest.raises(ConfigError, match=r"api\.port"):
            async with place.serving():
                pass
