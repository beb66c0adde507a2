"""The WebSocket server: every message one answer, full is told, a stop loses no last result."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.errors import SpeechError
from gateway.speech.wsserver import Limits, StreamServer
from gateway.speech.wsserver_fakes import FakeDecoders
from gateway.speech.wsserver_messages import StreamConfig

EOF = '{"eof" : 1}'


@dataclass
class World:
    server: StreamServer
    decoders: FakeDecoders
    url: str

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(limits: Limits | None = None) -> AsyncIterator[World]:
    decoders = FakeDecoders()
    server = StreamServer(decoders, limits or Limits(max_streams=2), StreamConfig())
    async with server.running("127.0.0.1", 0) as (host, port):
        try:
            yield World(server, decoders, f"ws://{host}:{port}")
        finally:
            decoders.go.set()


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """Read until the server closes; return code and reason."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as ended:
        close = ended.rcvd
    assert close is not None
    return close.code, close.reason


async def said(socket: ClientConnection) -> dict[str, object]:
    answer: dict[str, object] = json.loads(await socket.recv())
    return answer


async def test_each_piece_and_the_end_get_one_answer() -> None:
    async with running() as world, connect(world.url) as socket:
        await socket.send('{ "config" : { "sample_rate" : 16000, "words": 0 } }')
        for taken in (400, 800):
            await socket.send(bytes(400))
            assert await said(socket) == {"partial": f"{taken}"}
        await socket.send(EOF)
        assert await said(socket) == {"text": "800"}
        assert (await closed(socket))[0] == 1000
        (decoder,) = world.decoders.made
        assert decoder.config == StreamConfig(sample_rate=16000, words=False)


async def test_an_end_without_audio_has_an_empty_result() -> None:
    async with running() as world, connect(world.url) as socket:
        await socket.send('{"eof":true}')
        assert await said(socket) == {"text": "0"}


async def test_a_config_after_audio_changes_nothing() -> None:
    async with running() as world, connect(world.url) as socket:
        await socket.send(bytes(2))
        await said(socket)
        await socket.send('{"config": {"sample_rate": 16000}}')
        await socket.send(EOF)
        assert await said(socket) == {"text": "2"}
        assert [one.config.sample_rate for one in world.decoders.made] == [8000]


@pytest.mark.parametrize(
    ("message", "code", "why"),
    [
        ("hello", 1007, "must be JSON"),
        ("[" * 100_000, 1007, "must be JSON"),
        ("{}", 1008, "neither"),
        ("[1]", 1008, "neither"),
        ('{"eof": 0}', 1008, "neither"),
        ('{"config": "fast"}', 1008, "neither"),
        ('{"config": {"sample_rate": 0}}', 1008, "sample_rate"),
        ('{"config": {"sample_rate": 8000.5}}', 1008, "sample_rate"),
        ('{"config": {"sample_rate": NaN}}', 1008, "sample_rate"),
        ('{"config": {"max_alternatives": -1}}', 1008, "max_alternatives"),
        ('{"config": {"phrase_list": [1]}}', 1008, "phrase_list"),
    ],
)
async def test_a_message_that_makes_no_sense_is_told_and_ends(
    message: str, code: int, why: str
) -> None:
    async with running() as world, connect(world.url) as socket:
        await socket.send(message)
        answer = await said(socket)
        assert why in str(answer["error"])
        assert await closed(socket) == (code, answer["error"])
        assert world.decoders.made == []


async def test_a_message_that_is_too_long_ends_the_stream() -> None:
    async with running() as world, connect(world.url) as socket:
        await socket.send(bytes((1 << 20) + 1))
        assert (await closed(socket))[0] == 1009


async def test_what_is_unknown_in_a_config_is_passed_over() -> None:
    async with running() as world, connect(world.url) as socket:
        await socket.send('{"config": {"model": "cn", "sample_rate": 8000}}')
        await socket.send(EOF)
        assert await said(socket) == {"text": "0"}


async def test_one_more_than_fit_is_told_to_come_again() -> None:
    async with running(Limits(max_streams=1)) as world:
        async with connect(world.url) as first:
            await world.until(lambda: len(world.server) == 1)
            async with connect(world.url) as second:
                answer = await said(second)
                assert "come again later" in str(answer["error"])
                assert await closed(second) == (1013, answer["error"])
            await first.send(EOF)
            assert await said(first) == {"text": "0"}
        await world.until(lambda: len(world.server) == 0)
        async with connect(world.url) as third:
            await third.send(EOF)
            assert await said(third) == {"text": "0"}


async def test_a_client_that_is_too_fast_is_slowed_down() -> None:
    async with running() as world, connect(world.url) as socket:
        world.decoders.go.clear()
        sending = asyncio.create_task(flood(socket, messages=64, size=1 << 20))
        # The server's queue and both sockets' buffers take some of it, and then no more.
        sent = -1
        while sent != len(socket_sent(socket)):
            sent = len(socket_sent(socket))
            await asyncio.wait({sending}, timeout=0.3)
        assert not sending.done()
        assert sent < 32
        world.decoders.go.set()
        reading = asyncio.create_task(drain(socket, 64))
        await asyncio.gather(sending, reading)
        assert world.decoders.made[0].taken == 64 << 20


def socket_sent(socket: ClientConnection) -> list[int]:
    sent: list[int] = socket.__dict__.setdefault("sent", [])
    return sent


async def flood(socket: ClientConnection, messages: int, size: int) -> None:
    for number in range(messages):
        await socket.send(bytes(size))
        socket_sent(socket).append(number)


async def drain(socket: ClientConnection, answers: int) -> None:
    for _ in range(answers):
        await socket.recv()


async def test_a_client_that_vanishes_leaves_its_place() -> None:
    async with running() as world:
        socket = await connect(world.url)
        await socket.send(bytes(2))
        await socket.recv()
        socket.transport.abort()
        await world.until(lambda: len(world.server) == 0)
        await socket.wait_closed()


async def test_a_client_that_answers_no_ping_is_let_go() -> None:
    limits = Limits(max_streams=1, ping_s=0.05, pong_s=0.05, close_s=0.1)
    async with running(limits) as world, connect(world.url, ping_interval=None) as socket:
        await world.until(lambda: len(world.server) == 1)
        socket.transport.pause_reading()
        await world.until(lambda: len(world.server) == 0)
        socket.transport.abort()


async def test_a_recogniser_that_fails_ends_its_stream_only() -> None:
    async with running() as world, connect(world.url) as other:
        async with connect(world.url) as socket:
            world.decoders.trouble = RuntimeError("what the caller said")
            await socket.send(bytes(2))
            answer = await said(socket)
            assert answer == {"error": "the recogniser failed"}
            assert (await closed(socket))[0] == 1011
        world.decoders.trouble = None
        await other.send(EOF)
        assert await said(other) == {"text": "0"}


async def test_a_stop_gives_every_stream_its_last_result() -> None:
    async with running() as world:
        sockets = [await connect(world.url) for _ in range(2)]
        for socket in sockets:
            await socket.send(bytes(6))
            assert await said(socket) == {"partial": "6"}
    for socket in sockets:
        assert await said(socket) == {"text": "6"}
        assert await closed(socket) == (1001, "the server is stopping")
        await socket.wait_closed()


async def test_a_client_that_keeps_sending_does_not_put_off_a_stop() -> None:
    async with asyncio.timeout(20):
        async with running(Limits(max_streams=1, drain_s=60)) as world:
            socket = await connect(world.url)
            sending = asyncio.create_task(flood(socket, messages=1_000_000, size=320))
            reading = asyncio.create_task(everything(socket))
            await world.until(lambda: world.decoders.accepted > 20)
        answers = await reading
        assert "text" in answers[-1]
        assert socket.close_code == 1001
        with pytest.raises(ConnectionClosed):
            await sending
        await socket.wait_closed()


async def everything(socket: ClientConnection) -> list[str]:
    answers = []
    try:
        while True:
            answers.append(str(await socket.recv()))
    except ConnectionClosed:
        return answers


async def test_a_stop_waits_for_a_piece_under_way() -> None:
    async with running() as world:
        socket = await connect(world.url)
        world.decoders.go.clear()
        await socket.send(bytes(6))
        await world.until(lambda: bool(world.decoders.made))
    assert await said(socket) == {"partial": "6"}
    assert await said(socket) == {"text": "6"}
    assert (await closed(socket))[0] == 1001
    await socket.wait_closed()


async def test_a_stop_does_not_wait_for_ever() -> None:
    decoders = FakeDecoders()
    server = StreamServer(decoders, Limits(max_streams=1, drain_s=0.1, close_s=0.1), StreamConfig())
    try:
        async with server.running("127.0.0.1", 0) as (host, port):
            socket = await connect(f"ws://{host}:{port}")
            decoders.go.clear()
            await socket.send(bytes(6))
            world = World(server, decoders, "")
            await world.until(lambda: bool(decoders.made))
        assert len(server) == 0
    finally:
        decoders.go.set()
    with pytest.raises(ConnectionClosed):
        await socket.recv()
    await socket.wait_closed()


async def test_an_address_in_use_is_told() -> None:
    async with running() as world:
        port = int(world.url.rsplit(":", 1)[1])
        other = StreamServer(world.decoders, Limits(max_streams=1), StreamConfig())
        with pytest.raises(SpeechError, match=f"127.0.0.1:{port} cannot be listened at"):
            async with other.running("127.0.0.1", port):
                pass
