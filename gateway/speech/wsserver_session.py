"""One client of the WebSocket server: each message answered before the next one is read."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeVar

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from gateway.log import get
from gateway.speech.wsserver_decoder import Decoder, MakeDecoder
from gateway.speech.wsserver_messages import (
    FAILED,
    GOING_AWAY,
    BadMessage,
    End,
    StreamConfig,
    parse,
)

log = get("speech")

Answer = TypeVar("Answer")


class Session:
    """Reads no further than it decodes: a client that is too fast is slowed down by TCP."""

    def __init__(
        self, socket: ServerConnection, make: MakeDecoder, pool: Executor, config: StreamConfig
    ) -> None:
        self._socket = socket
        self._make = make
        self._pool = pool
        self._config = config
        self._decoder: Decoder | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until the client has its last result or goes, or `stopping` is set."""
        try:
            await self._serve(stopping)
        except ConnectionClosed:
            pass
        except BadMessage as error:
            await refuse(self._socket, error.code, str(error))
        except Exception:
            log.exception("asr.recogniser_failed")
            await refuse(self._socket, FAILED, "the recogniser failed")

    async def _serve(self, stopping: asyncio.Event) -> None:
        stop: asyncio.Task[object] = asyncio.create_task(stopping.wait())
        try:
            while (message := await self._next(stop)) is not None:
                if await self._answer(message):
                    return
            await self._socket.send(await self._finish())
            await close(self._socket, GOING_AWAY, "the server is stopping")
        finally:
            stop.cancel()

    async def _next(self, stop: asyncio.Task[object]) -> str | bytes | None:
        """Return the next message; None when `stop` is done first."""
        if stop.done():
            return None
        receive = asyncio.create_task(self._socket.recv())
        try:
            await asyncio.wait({receive, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not receive.done():
                receive.cancel()
                await asyncio.wait({receive})
        return None if receive.cancelled() else receive.result()

    async def _answer(self, message: str | bytes) -> bool:
        """Answer one message; True when it was the last."""
        if isinstance(message, bytes):
            decoder = await self._listening()
            await self._socket.send(await self._in_pool(lambda: decoder.accept(message)))
            return False
        said = parse(message, self._config)
        if isinstance(said, End):
            await self._socket.send(await self._finish())
            return True
        # Once audio came a config changes nothing, as with vosk-server.
        self._config = said
        return False

    async def _finish(self) -> str:
        decoder = await self._listening()
        return await self._in_pool(decoder.finish)

    async def _listening(self) -> Decoder:
        if self._decoder is None:
            self._decoder = await self._in_pool(lambda: self._make(self._config))
        return self._decoder

    async def _in_pool(self, call: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


async def refuse(socket: ServerConnection, code: int, reason: str) -> None:
    """Tell a client as JSON, and then as the reason of the close, why it is not served."""
    with suppress(ConnectionClosed):
        await socket.send(json.dumps({"error": reason}, ensure_ascii=False))
    await close(socket, code, reason)


async def close(socket: ServerConnection, code: int, reason: str) -> None:
    """Close, and read what still comes: the client's own close stands behind it."""
    closing = asyncio.create_task(socket.close(code, reason))
    try:
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
    finally:
        await closing
