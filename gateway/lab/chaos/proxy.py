"""A TCP proxy of ours between gateway and AMI: it cuts, swallows, delays and reorders."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

_CHUNK = 65536
_END = b"\r\n\r\n"
_GATHER_S = 0.08
"""How long events are gathered before they go on in another order."""


class Way(StrEnum):
    """What becomes of what passes."""

    THROUGH = "through"
    SWALLOWED = "swallowed"
    """Half-open: both ends think that they are connected, nothing arrives."""
    SLOW = "slow"
    REORDERED = "reordered"
    """Events change places; replies stay in their order, as TCP and Asterisk keep it."""


class AmiProxy:
    """Use `async with ami_proxy(target_port) as proxy:`; the gateway connects to `proxy.port`."""

    def __init__(self, target_port: int, rng: random.Random) -> None:
        self._target_port = target_port
        self._rng = rng
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._swallowed: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.way = Way.THROUGH
        self.delay_s = 0.0
        """One way, for `Way.SLOW`."""

    @property
    def sessions(self) -> int:
        """Connections that are up through it."""
        return len(self._pairs)

    def cut(self) -> None:
        """Reset every connection."""
        for near, far in list(self._pairs):
            near.transport.abort()
            far.transport.abort()

    async def accept(self, near_in: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        """Serve one connection of a gateway."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            far_in, far = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            near.transport.abort()
            return
        pair = (near, far)
        self._pairs.add(pair)
        ways = [
            asyncio.create_task(self._pump(near_in, far, events=False)),
            asyncio.create_task(self._pump(far_in, near, events=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in ways:
                one.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._pairs.discard(pair)
            near.transport.abort()
            far.transport.abort()

    async def close(self) -> None:
        """Reset what is left, and wait for it."""
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, events: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                if self.way is Way.SWALLOWED:
                    self._swallowed.add(sink)
                if sink in self._swallowed:
                    continue  # what is lost is lost: the connection never makes sense again
                if self.way is Way.SLOW:
                    await asyncio.sleep(self.delay_s)
                elif self.way is Way.REORDERED and events:
                    data = await self._reordered(data, source)
                sink.write(data)
                await sink.drain()

    async def _reordered(self, data: bytes, source: asyncio.StreamReader) -> bytes:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GATHER_S):
                while more := await source.read(_CHUNK):
                    data += more
        while not data.endswith(_END):
            more = await source.read(_CHUNK)
            if not more:
                break
            data += more
        return shuffled(data, self._rng)


def shuffled(data: bytes, rng: random.Random) -> bytes:
    """The AMI messages of `data` with its events in another order; what is no event stays put."""
    messages = [one + _END for one in data.split(_END)[:-1]]
    rest = data.rpartition(_END)[2]
    places = [at for at, one in enumerate(messages) if _is_free_event(one)]
    order = rng.sample(places, len(places))
    moved = list(messages)
    for place, taken in zip(places, order, strict=True):
        moved[place] = messages[taken]
    return b"".join(moved) + rest


def _is_free_event(message: bytes) -> bool:
    """Of a list each row belongs behind its reply, and before its end."""
    return message.startswith(b"Event:") and b"\r\nActionID:" not in message


@asynccontextmanager
async def ami_proxy(target_port: int, rng: random.Random) -> AsyncIterator[AmiProxy]:
    """A proxy on a free loopback port."""
    proxy = AmiProxy(target_port, rng)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
