"""What chaos counts, draws and does to a connection."""

import asyncio
import contextlib
import math
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.errors import LabError
from gateway.lab.chaos.faults import KINDS, chosen
from gateway.lab.chaos.proxy import AmiProxy, Way, ami_proxy, shuffled
from gateway.lab.chaos.script import plan
from gateway.lab.chaos.tally import Ring, Tally, left, rings, rooms_of, second_rings, tickets
from gateway.lab.witness import Seen

EVENTS = [f"Event: E{number}\r\nX: 1\r\n\r\n".encode() for number in range(6)]


def seen(name: str, **headers: str) -> Seen:
    return Seen(name, 0.0, headers)


def event(room: str, ticket: str, phase: str = "final") -> dict[str, Any]:
    return {"data": {"ticket_id": ticket, "phase": phase, "call": {"room": room}}}


def test_all_zero_holds_and_says_so() -> None:
    tally = Tally(faults=Counter({"ami-cut": 2, "redis-kill": 1}), rounds=2, rung=2, answered=1)
    assert tally.holds
    assert tally.last_line() == (
        "3 faults (ami-cut 2, redis-kill 1) in 2 calls (2 targets rang, 1 answered): "
        "dropped 0, stuck 0, second rings 0, "
        "left behind 0 rooms, 0 channels, 0 taps, 0 sockets, tickets lost 0, tickets twice 0, "
        "rounds not played 0"
    )


@pytest.mark.parametrize(
    "found",
    [
        {"dropped": 1},
        {"stuck": 1},
        {"second_rings": 1},
        {"left_behind": Counter(rooms=1)},
        {"tickets_lost": 1},
        {"tickets_twice": 1},
        {"broken": ["a round"]},
    ],
)
def test_anything_that_is_not_zero_does_not_hold(found: dict[str, Any]) -> None:
    assert not Tally(**found).holds


def test_tickets_are_matched_by_the_calls_room() -> None:
    assert tickets({"ld-1", "ld-2"}, [event("ld-1", "a"), event("ld-2", "b")]) == (0, 0)
    assert tickets({"ld-1", "ld-2"}, [event("ld-1", "a", "preliminary")]) == (2, 0)
    twice = [event("ld-1", "a"), event("ld-1", "a"), event("ld-1", "b", "preliminary")]
    assert tickets({"ld-1"}, twice) == (0, 1)


def test_rings_and_rooms_come_from_the_witness() -> None:
    record = [
        seen("UserEvent", UserEvent="LiandongCall", Call="ld-1"),
        seen("UserEvent", UserEvent="LiandongKey", Call="ld-9"),
        seen("Newchannel", Channel="Local/110@liandong-target-1;1"),
        seen("Newchannel", Channel="Local/110@liandong-target-1;2"),
        seen("Newchannel", Channel="Local/110@liandong-native-2;1"),
        seen("Newchannel", Channel="Local/12345@liandong-target-3;1"),
        seen("Hangup", Channel="Local/110@liandong-target-1;1"),
    ]
    assert rooms_of(record) == {"ld-1"}
    assert rings(record, "110") == [Ring(0.0, 0.0), Ring(0.0, math.inf)]
    assert rings([], "110") == []


def test_each_press_may_ring_once_and_never_beside_another_ring() -> None:
    early, late, beside = Ring(1.0, 3.0), Ring(6.0, 7.0), Ring(2.0, 4.0)
    assert second_rings([early], [0.5]) == 0
    assert second_rings([early, late], [0.5]) == 1
    assert second_rings([early, late], [0.5, 5.0]) == 0
    assert second_rings([early, late], [0.5, 6.5]) == 1
    assert second_rings([early, beside], [0.5, 0.8]) == 1
    assert second_rings([early], []) == 1
    assert second_rings([Ring(40.0, 41.0)], [0.5]) == 1
    # A gateway that was held up acts on the first press after the second has rung natively.
    assert second_rings([Ring(4.6, 5.0), Ring(6.5, 7.0)], [0.0, 4.5]) == 1


def test_what_is_left_is_told_by_kind() -> None:
    assert not left([], 0, 0)
    names = ["PJSIP/city-1", "AudioSocket/127.0.0.1:1-2"]
    assert left(names, 1, 2) == Counter(rooms=1, channels=1, taps=1, sockets=2)


def test_a_plan_has_every_kind_as_often_and_is_the_same_for_a_seed() -> None:
    scripts = plan(random.Random(7), list(KINDS), 2 * len(KINDS))
    kinds = Counter(fault.kind for script in scripts for fault in script.faults)
    assert kinds == Counter(dict.fromkeys(KINDS, 2))
    assert list(map(str, scripts)) == list(
        map(str, plan(random.Random(7), list(KINDS), 2 * len(KINDS)))
    )
    assert {script.number for script in scripts} == {"12345", "110"}
    assert len(plan(random.Random(1), ["ami-cut"], 3)) == 2


def test_kinds_are_named_or_all() -> None:
    assert chosen("") == list(KINDS)
    assert chosen("ami-cut, redis-kill") == ["ami-cut", "redis-kill"]
    with pytest.raises(LabError, match="ami-cut"):
        chosen("earthquake")


def test_events_change_places_and_replies_stay() -> None:
    reply, row = b"Response: Success\r\nActionID: 1\r\n\r\n", b"Event: R\r\nActionID: 1\r\n\r\n"
    data = EVENTS[0] + reply + row + b"".join(EVENTS[1:]) + b"Event: cut o"
    mixed = shuffled(data, random.Random(3))
    assert mixed != data
    assert sorted(mixed.split(b"\r\n\r\n")) == sorted(data.split(b"\r\n\r\n"))
    assert mixed.split(b"\r\n\r\n")[1:3] == data.split(b"\r\n\r\n")[1:3]
    assert mixed.endswith(b"Event: cut o")


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[AmiProxy, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A proxy before a server that answers each line with six events."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            writer.write(b"".join(EVENTS))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        async with ami_proxy(port, random.Random(5)) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            try:
                yield proxy, reader, writer
            finally:
                writer.transport.abort()
    finally:
        server.close()
        await server.wait_closed()


async def read_six(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readexactly(len(b"".join(EVENTS))), 5)


async def test_the_proxy_passes_delays_and_reorders() -> None:
    async with talking() as (proxy, reader, writer):
        writer.write(b"one\n")
        assert await read_six(reader) == b"".join(EVENTS)
        assert proxy.sessions == 1
        proxy.way, proxy.delay_s = Way.SLOW, 0.01
        writer.write(b"two\n")
        assert await read_six(reader) == b"".join(EVENTS)
        proxy.way = Way.REORDERED
        writer.write(b"three\n")
        mixed = await read_six(reader)
        assert mixed != b"".join(EVENTS)
        assert sorted(mixed.split(b"\r\n\r\n")) == sorted(b"".join(EVENTS).split(b"\r\n\r\n"))


async def test_a_half_open_connection_stays_dumb_and_a_cut_one_ends() -> None:
    async with talking() as (proxy, reader, writer):
        for way in (Way.SWALLOWED, Way.THROUGH):
            proxy.way = way
            writer.write(b"one\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
        proxy.cut()
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(1), 5) == b""
