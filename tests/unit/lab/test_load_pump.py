"""The crowd's audio: what leaves, in which order, with which keys."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import PhoneError
from gateway.lab.load.pump import PumpClient, connected, serve
from gateway.lab.load.quiet import QuietMedia
from gateway.lab.load.streams import PHASES, Streams
from gateway.lab.phones import audio, sdp
from gateway.lab.phones.dtmf import decode_event
from gateway.lab.phones.rtp import RtpPacket, unpack
from gateway.lab.phones.script import wait_for
from gateway.lab.phones.stamp import stamp

EVENT = 101


@pytest.fixture
def phone() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        yield sock


@pytest.fixture
def streams() -> Iterator[Streams]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield Streams(sock)


def _said(streams: Streams, phone: socket.socket, frames: int) -> list[RtpPacket]:
    for _ in range(frames):
        for phase in range(PHASES):
            streams.send(phase)
    packets = [unpack(phone.recv(2048)) for _ in range(frames)]
    return [packet for packet in packets if packet is not None]


def test_every_20_ms_one_packet_that_goes_on_where_the_last_one_ended(
    streams: Streams, phone: socket.socket
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as others:
        others.bind(("127.0.0.1", 0))
        for name in range(9):
            streams.add(name, others.getsockname() if name else phone.getsockname(), 450, EVENT)
        first, second, third = _said(streams, phone, 3)
        assert len({others.recv(2048)[8:12] for _ in range(24)}) == 8
    assert (second.seq - first.seq) % 65536 == (third.seq - second.seq) % 65536 == 1
    assert (second.timestamp - first.timestamp) % 2**32 == 160
    assert first.payload_type == sdp.PCMA
    tone = audio.decode(first.payload + second.payload + third.payload)
    assert audio.tone_share(tone, 450) > 0.99


async def test_a_key_takes_the_place_of_the_tone(streams: Streams, phone: socket.socket) -> None:
    streams.add(1, phone.getsockname(), 450, EVENT)
    keys = streams.keys_of(1)
    assert keys is not None
    pressed = keys.press("5", 40, 60)
    before = stamp()
    streams.pressing(1, 1)
    heard = _said(streams, phone, 6)
    kinds = [packet.payload_type for packet in heard]
    assert kinds == [EVENT, EVENT, EVENT, EVENT, sdp.PCMA, sdp.PCMA]
    assert [packet.seq - heard[0].seq for packet in heard] == list(range(6))
    ends = [event.end for one in heard[:4] if (event := decode_event(one.payload))]
    assert ends == [False, True, True, True]
    press = await pressed
    assert press.at >= before
    streams.pressing(1, -1)
    assert [packet.payload_type for packet in _said(streams, phone, 2)] == [sdp.PCMA] * 2


@asynccontextmanager
async def _pump(folder: Path) -> AsyncIterator[PumpClient]:
    path = folder / "pump"
    serving = asyncio.create_task(serve(path))
    client = await connected(path)
    listening = asyncio.create_task(client.listen())
    yield client
    await client.close()
    await serving
    await listening


async def test_a_quiet_phone_keeps_what_comes_once_it_listens(tmp_path: Path) -> None:
    async with _pump(tmp_path) as pump:
        one, other = QuietMedia("127.0.0.1", pump, 450), QuietMedia("127.0.0.1", pump, 650)
        one.connect(sdp.MediaDescription(*other.address, (sdp.PCMA,), EVENT))
        other.connect(sdp.MediaDescription(*one.address, (sdp.PCMA,), EVENT))
        press = await other.press("*1", 40, 40)
        assert press.digits == "*1"
        assert one.heard.received == 0
        one.listen()
        known = one.heard.received
        listening = stamp()

        def heard() -> int:
            one.hear()
            return one.heard.received - known

        await wait_for(lambda: heard() > 10, 5, "audio")
        assert one.heard.digits == "*1"
        assert one.heard.packets[0].at > listening
        assert one.heard.hears_tone(650, window_ms=150)
        assert await pump.latest_ms() >= 0
        other.close()
        with pytest.raises(PhoneError):
            await other.press("1", 40, 40)
        one.close()
