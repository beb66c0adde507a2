"""One peer of the AudioSocket server."""

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from redis.exceptions import RedisError

from gateway.errors import FrameError, MediaError
from gateway.log import get
from gateway.media import metrics
from gateway.media.audiosocket_codec import BYTES_PER_MS, Decoder, Frame, FrameType

if TYPE_CHECKING:
    from gateway.media.audiosocket_server import AudioSocketServer, Sink

log = get("media")

_SEND_BUFFER = 16 * 1024
_BACKLOG = 4 * 1024
"""Bytes a peer has left untaken before it is sent no more silence."""


class Connection(asyncio.Protocol):
    """States: stranger (no uuid yet), granting (Redis asked, reading paused), open, closed."""

    def __init__(self, server: "AudioSocketServer") -> None:
        self.stranger = True
        self._server = server
        self._limits = server.limits
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._granting = False
        self._early: list[Frame] = []
        self._sink: Sink | None = None
        self._since = self._took = self._loop.time()
        self._audio_ms = 0.0
        self._ended = False

    @property
    def nameless(self) -> bool:
        """Still has to say its uuid."""
        return self.stranger and not self._granting and not self._ended

    @property
    def looked_up(self) -> bool:
        """Has said it, and nobody knows yet what it stands for."""
        return self._granting and not self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        _tune(self._transport.get_extra_info("socket"), self._limits.stuck_s)
        if not self._server.joined(self):
            self.close("too many strangers")
            return
        self._deadline = self._loop.call_later(self._limits.uuid_s, self.close, "no uuid in time")

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._decoder.feed(data):
                self._frame(frame)
        except FrameError as error:
            log.warning("audiosocket.malformed", error=str(error))
            self.close("malformed")

    def connection_lost(self, error: Exception | None) -> None:
        self._end("lost" if error else "peer closed")
        self._server.left(self)

    def send(self, data: bytes) -> None:
        """Write `data` unless the peer is behind; close it when it stays behind for long."""
        if self._transport is None or self._transport.is_closing() or self.stranger:
            return
        if self._transport.get_write_buffer_size() < _BACKLOG:
            self._took = self._loop.time()
            self._transport.write(data)
            return
        metrics.SKIPPED.inc()
        if self._loop.time() - self._took > self._limits.stuck_s:
            self.close("stuck", abort=True)

    def close(self, why: str, *, abort: bool = False) -> None:
        self._end(why)
        if self._transport is None:
            return
        if abort or self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def _end(self, why: str) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if self._ended:
            return
        self._ended = True
        metrics.CLOSED.labels(why).inc()
        if self._sink is not None:
            self._sink.close(why)

    def _frame(self, frame: Frame) -> None:
        if self._ended:
            return
        if frame.type in (FrameType.HANGUP, FrameType.ERROR):
            self.close("hangup" if frame.type is FrameType.HANGUP else "peer error")
        elif frame.type is FrameType.UUID:
            self._named(frame.uuid)
        elif self._sink is not None:
            self._audio(frame)
        elif self._granting:
            self._early.append(frame)
        else:
            self.close("no uuid first")

    def _named(self, uuid: str) -> None:
        if self._granting or self._sink is not None:
            self.close("second uuid")
            return
        self._granting = True
        if self._transport is not None:
            self._transport.pause_reading()
        task = self._loop.create_task(self._grant(uuid), name="audiosocket-grant")
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _grant(self, uuid: str) -> None:
        """Ask what the uuid stands for; the uuid's deadline goes on running."""
        try:
            grant = await self._server.grants.take(uuid)
        except (RedisError, OSError, MediaError) as error:
            log.warning("audiosocket.grants_unavailable", error=type(error).__name__)
            self.close("grants unavailable")
            return
        if grant is None:
            log.warning("audiosocket.unknown_uuid")
            self.close("unknown uuid")
            return
        # Also for a peer that is gone by now: its grant is spent, and its leg must be closed.
        self._open(self._server.opener(grant))

    def _open(self, sink: "Sink | None") -> None:
        if sink is None:
            self.close("no capacity")
            return
        if self._ended:
            sink.close("peer closed")
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self.stranger, self._granting, self._sink = False, False, sink
        self._since = self._took = self._loop.time()
        early, self._early = self._early, []
        for frame in early:
            self._frame(frame)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _audio(self, frame: Frame) -> None:
        if frame.type is not FrameType.AUDIO_16K or self._sink is None:
            return
        metrics.FRAMES.inc()
        self._audio_ms += len(frame.payload) / BYTES_PER_MS
        elapsed_ms = (self._loop.time() - self._since) * 1000
        if self._audio_ms > elapsed_ms + self._limits.flood_ms:
            self.close("flood")
            return
        if frame.payload:
            self._sink.audio(frame.payload)


def _tune(peer: socket.socket, stuck_s: float) -> None:
    """Let the kernel notice a peer that is gone: it is sent something every 20 ms."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stuck_s * 1000))
