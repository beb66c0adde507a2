"""The AudioSocket server over real sockets: who gets in, and what throws one out."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from gateway.errors import MediaError
from gateway.media.audiosocket_codec import SILENCE, FrameType, encode
from gateway.media.audiosocket_server import AudioSocketServer, Limits
from gateway.speech.fakes import FakeGrants
from gateway.speech.port import TapGrant

GRANT = TapGrant(call_id="c", leg_id="c.caller.1", call_started_ms=0)
PCM = bytes(range(256)) * 2 + bytes(128)


@dataclass
class Heard:
    """A sink that remembers."""

    changed: asyncio.Event
    pcm: bytes = b""
    closed: list[str] = field(default_factory=list)

    def audio(self, pcm: bytes) -> None:
        self.pcm += pcm
        self.changed.set()

    def close(self, why: str) -> None:
        self.closed.append(why)
        self.changed.set()


class Desk:
    """A server with fake grants; `full` refuses every tap."""

    def __init__(self, limits: Limits) -> None:
        self.grants = FakeGrants()
        self.changed = asyncio.Event()
        self.sinks: list[Heard] = []
        self.full = False
        self.server = AudioSocketServer(self.grants, self._open, limits)
        self.address = ("", 0)
        self._writers: list[asyncio.StreamWriter] = []

    def _open(self, grant: TapGrant) -> Heard | None:
        assert grant == GRANT
        self.changed.set()
        if self.full:
            return None
        self.sinks.append(Heard(self.changed))
        return self.sinks[-1]

    def granted(self) -> bytes:
        """Grant a uuid and return its frame."""
        uuid = str(uuid4())
        self.grants.grants[uuid] = GRANT
        return encode(FrameType.UUID, UUID(uuid).bytes)

    async def connect(self, first: bytes = b"") -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection(*self.address)
        self._writers.append(writer)
        writer.write(first)
        return reader

    def write(self, data: bytes) -> None:
        self._writers[-1].write(data)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def until_asked(self, times: int) -> None:
        """Wait until so many grants have been looked up."""
        async with asyncio.timeout(5):
            while self.grants.asked < times:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        self._writers.clear()


@contextlib.asynccontextmanager
async def desk(limits: Limits | None = None) -> AsyncIterator[Desk]:
    open_desk = Desk(limits or Limits())
    open_desk.address = await open_desk.server.start("127.0.0.1", 0)
    try:
        yield open_desk
    finally:
        await open_desk.hang_up()
        await open_desk.server.stop()


async def closed_by_server(reader: asyncio.StreamReader) -> bytes:
    """Return what the server sent until it closed the connection."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def test_audio_in_the_same_packet_as_the_uuid_is_heard() -> None:
    async with desk() as d:
        await d.connect(d.granted() + encode(FrameType.AUDIO_16K, PCM))
        await d.until(lambda: bool(d.sinks) and d.sinks[0].pcm == PCM)


async def test_silence_comes_back_at_cadence() -> None:
    async with desk() as d:
        reader = await d.connect(d.granted())
        loop = asyncio.get_running_loop()
        assert await reader.readexactly(len(SILENCE)) == SILENCE
        start = loop.time()
        assert await reader.readexactly(len(SILENCE) * 10) == SILENCE * 10
        assert loop.time() - start == pytest.approx(0.2, abs=0.08)


async def test_a_stranger_is_sent_nothing_and_closed_in_time() -> None:
    async with desk(Limits(uuid_s=0.1)) as d:
        assert await closed_by_server(await d.connect()) == b""
        assert d.sinks == []


async def test_an_unknown_uuid_is_closed() -> None:
    async with desk() as d:
        assert await closed_by_server(await d.connect(encode(FrameType.UUID, bytes(16)))) == b""
        assert d.sinks == []


async def test_a_uuid_works_once() -> None:
    async with desk() as d:
        first = d.granted()
        await d.connect(first)
        await d.until(lambda: len(d.sinks) == 1)
        assert await closed_by_server(await d.connect(first)) == b""
        assert len(d.sinks) == 1


async def test_no_grants_to_be_had_closes_without_a_leg() -> None:
    async with desk() as d:
        d.grants.away = ConnectionError()
        assert await closed_by_server(await d.connect(d.granted())) == b""
        assert d.sinks == []


async def test_a_tap_refused_for_capacity_is_closed() -> None:
    async with desk() as d:
        d.full = True
        assert await closed_by_server(await d.connect(d.granted())) == b""


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (encode(FrameType.HANGUP), "hangup"),
        (encode(FrameType.ERROR, b"\x04"), "peer error"),
        (b"\x48\x00\x00", "malformed"),
        (encode(FrameType.UUID, bytes(16)), "second uuid"),
    ],
)
async def test_what_closes_one_tap_leaves_the_others(sent: bytes, why: str) -> None:
    async with desk() as d:
        await d.connect(d.granted())
        await d.until(lambda: len(d.sinks) == 1)
        reader = await d.connect(d.granted())
        await d.until(lambda: len(d.sinks) == 2)
        d.write(sent)
        await closed_by_server(reader)
        assert d.sinks[1].closed == [why]
        assert d.sinks[0].closed == []


async def test_keys_pressed_are_no_audio() -> None:
    async with desk() as d:
        await d.connect(d.granted() + encode(FrameType.DTMF, b"1"))
        d.write(encode(FrameType.AUDIO_16K, PCM))
        await d.until(lambda: bool(d.sinks) and d.sinks[0].pcm == PCM)


async def test_a_peer_that_goes_away_closes_its_sink_once() -> None:
    async with desk() as d:
        await d.connect(d.granted())
        await d.until(lambda: len(d.sinks) == 1)
        await d.hang_up()
        await d.until(lambda: d.sinks[0].closed == ["peer closed"])


async def test_a_flood_is_cut_off() -> None:
    async with desk(Limits(flood_ms=1000)) as d:
        reader = await d.connect(d.granted())
        await d.until(lambda: len(d.sinks) == 1)
        d.write(encode(FrameType.AUDIO_16K, bytes(640)) * 500)
        await closed_by_server(reader)
        assert d.sinks[0].closed == ["flood"]
        assert len(d.sinks[0].pcm) < 640 * 100


async def test_a_peer_that_takes_nothing_is_dead() -> None:
    async with desk(Limits(stuck_s=0.2)) as d:
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with peer:
            peer.connect(d.address)
            peer.sendall(d.granted())
            await d.until(lambda: bool(d.sinks) and bool(d.sinks[0].closed))
        assert d.sinks[0].closed[0] in ("stuck", "lost")


async def test_of_too_many_strangers_the_first_has_to_go() -> None:
    async with desk(Limits(strangers=2)) as d:
        await d.connect(d.granted())
        await d.until(lambda: len(d.sinks) == 1)
        first = await d.connect()
        await d.connect()
        await d.connect()
        assert await closed_by_server(first) == b""
        assert d.sinks[0].closed == []


async def test_a_flood_of_silent_peers_keeps_no_tap_out() -> None:
    async with desk(Limits(strangers=2)) as d:
        for _ in range(20):
            await d.connect()
        await d.connect(d.granted())
        await d.until(lambda: len(d.sinks) == 1)


async def test_a_flood_of_forged_uuids_is_bounded() -> None:
    async with desk(Limits(strangers=2)) as d:
        d.grants.hold = asyncio.Event()
        forged = encode(FrameType.UUID, bytes(16))
        for asked in (1, 2):
            await d.connect(forged)
            await d.until_asked(asked)
        assert await closed_by_server(await d.connect(forged)) == b""
        d.grants.hold.set()


async def test_stopping_closes_every_tap() -> None:
    async with desk() as d:
        reader = await d.connect(d.granted())
        await d.until(lambda: len(d.sinks) == 1)
        await d.server.stop()
        await closed_by_server(reader)
        assert d.sinks[0].closed == ["stopping"]


async def test_an_address_in_use_names_the_setting() -> None:
    async with desk() as d:
        second = AudioSocketServer(FakeGrants(), lambda _: None)
        with pytest.raises(MediaError, match=r"audiosocket_port \(0 chooses a free port\)"):
            await second.start(*d.address)
