"""vosk-server's WebSocket protocol, so that its clients work unchanged.

Recognition runs in threads, one a core, off the event loop. So many streams at a time as fit; one
more is told to come again later (1013), so that the others stay in real time.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection, serve

from gateway.errors import SpeechError
from gateway.log import get
from gateway.speech.wsserver_decoder import MakeDecoder
from gateway.speech.wsserver_messages import TOO_BUSY, StreamConfig
from gateway.speech.wsserver_session import Session, refuse

log = get("speech")

_MESSAGE_BYTES = 1 << 20
"""vosk-server's own limit; a longer message closes the connection with 1009."""
_WAITING = 4
"""Messages read ahead of recognition; then the socket is not read any more."""
_PING_S, _PONG_S = 20.0, 60.0
"""A pong waits behind the messages that are not read yet: time enough to decode those."""


@dataclass(frozen=True)
class Limits:
    max_streams: int
    drain_s: float = 5.0
    """How long streams may take for their last result when the server stops."""
    close_s: float = 5.0
    """How long a client may take to answer a close."""
    ping_s: float = _PING_S
    pong_s: float = _PONG_S


class StreamServer:
    """Streams that are being recognised; see `running`."""

    def __init__(self, make: MakeDecoder, limits: Limits, config: StreamConfig) -> None:
        """`config` is what a client gets that says nothing."""
        self._make = make
        self._limits = limits
        self._config = config
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="asr")
        self._stopping = asyncio.Event()
        self._streams: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._streams)

    @asynccontextmanager
    async def running(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        """Listen while in the block, at the address that is yielded; then let streams end.

        Raises SpeechError where the address cannot be used.
        """
        try:
            server = await serve(
                self._connected,
                host,
                port,
                compression=None,
                max_size=_MESSAGE_BYTES,
                max_queue=_WAITING,
                ping_interval=self._limits.ping_s,
                ping_timeout=self._limits.pong_s,
                close_timeout=self._limits.close_s,
            )
        except OSError as error:
            raise SpeechError(
                f"{host}:{port} cannot be listened at: {error.strerror or error}; "
                "name another --host or --port"
            ) from error
        address = server.sockets[0].getsockname()
        try:
            yield str(address[0]), int(address[1])
        finally:
            server.close(close_connections=False)
            await self._drain()
            await server.wait_closed()
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _connected(self, socket: ServerConnection) -> None:
        if len(self._streams) >= self._limits.max_streams or self._stopping.is_set():
            reason = f"{len(self._streams)} streams are being recognised: come again later"
            log.warning("asr.no_capacity", streams=len(self._streams))
            await refuse(socket, TOO_BUSY, reason)
            return
        session = Session(socket, self._make, self._pool, self._config)
        stream = asyncio.create_task(session.run(self._stopping), name="asr-stream")
        self._streams.add(stream)
        log.info("asr.stream_opened", streams=len(self._streams))
        try:
            await stream
        finally:
            self._streams.discard(stream)
            log.info("asr.stream_closed", streams=len(self._streams))

    async def _drain(self) -> None:
        self._stopping.set()
        if not self._streams:
            return
        _, late = await asyncio.wait(set(self._streams), timeout=self._limits.drain_s)
        for stream in late:
            stream.cancel()
        if late:
            log.error("asr.streams_cut", streams=len(late))
            await asyncio.wait(late)
