"""AudioSocket server: one TCP connection per tap, audio one way, silence the other.

A peer must name its uuid in time, and the uuid must have been granted; that is its only
authentication, so it is single use. Nothing here waits for recognition: audio goes to a `Sink`
that must not block. Whatever one peer does wrong closes that one connection.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import MediaError
from gateway.log import get
from gateway.media import metrics
from gateway.media.audiosocket_codec import FRAME_MS, SILENCE
from gateway.media.connection import Connection
from gateway.media.grants import Grants
from gateway.speech.port import TapGrant

log = get("media")

_AT_ONCE = 5
_SILENCES = SILENCE * _AT_ONCE


class Sink(Protocol):
    """Where one tap's audio goes. Neither call may block."""

    def audio(self, pcm: bytes) -> None:
        """Take 16 kHz 16-bit mono PCM, usually 20 ms."""
        ...

    def close(self, why: str) -> None:
        """No more audio will come; called once."""
        ...


Opener = Callable[[TapGrant], Sink | None]
"""Opens a sink for a granted tap; None when there is no capacity."""


@dataclass(frozen=True)
class Limits:
    uuid_s: float = 2.0
    """A peer that has not named its uuid by then is closed."""
    flood_ms: float = 5000.0
    """More audio than time has passed, by this much, is a flood."""
    stuck_s: float = 10.0
    """A peer that has taken nothing for so long is dead (silence is sent to it all the time)."""
    strangers: int = 64
    """Connections that have not named a uuid; of more the oldest is closed: a PBX names it at once.
    Of those whose grant is being looked up there may be as many again; more are closed at once."""


class AudioSocketServer:
    """Accepts taps; `start` before use, `stop` closes every connection."""

    def __init__(self, grants: Grants, opener: Opener, limits: Limits | None = None) -> None:
        self.grants = grants
        self.opener = opener
        self.limits = limits or Limits()
        self.tasks: set[asyncio.Task[None]] = set()
        self._connections: dict[Connection, None] = {}
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen and return the bound address; port 0 chooses a free one.

        Raises MediaError when the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Connection(self), host, port)
        except OSError as error:
            raise MediaError(
                f"cannot listen on {host}:{port} ({error.strerror}); change speech.audiosocket_host"
                " or speech.audiosocket_port (0 chooses a free port)"
            ) from error
        self._ticker = asyncio.create_task(self._tick(), name="audiosocket-silence")
        bound = self._server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        if self._ticker:
            self._ticker.cancel()
            await asyncio.wait({self._ticker})
        for connection in list(self._connections):
            connection.close("stopping")
        if self.tasks:
            await asyncio.wait(self.tasks)
        if self._server:
            await self._server.wait_closed()

    def joined(self, connection: Connection) -> bool:
        """Count a new connection in; False: there are too many strangers already."""
        nameless = [other for other in self._connections if other.nameless]
        looked_up = sum(1 for other in self._connections if other.looked_up)
        self._connections[connection] = None
        metrics.CONNECTIONS.set(len(self._connections))
        if len(nameless) >= self.limits.strangers:
            nameless[0].close("too many strangers")
        return looked_up < self.limits.strangers

    def left(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        metrics.CONNECTIONS.set(len(self._connections))

    async def _tick(self) -> None:
        """Send everyone silence as fast as time passes; one task for all connections.

        Some frames at a time: each write costs as much as ten frames' worth of bytes, and what
        the PBX's tap does is driven by its own timer.
        """
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + _AT_ONCE * FRAME_MS / 1000, loop.time())
            await asyncio.sleep(due - loop.time())
            for connection in list(self._connections):
                with contextlib.suppress(OSError):
                    connection.send(_SILENCES)
