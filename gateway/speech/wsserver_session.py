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
            await self._refuse(error.code, str(error))
        except Exception:
            log.exception("asr.recogniser_failed")
            await self._refuse(FAILED, "the recogniser failed")

    async def _serve(self, stopping: asyncio.Event) -> None:
        stop = asyncio.create_task(stopping.wait())
        try:
            while True:
                receive = asyncio.create_task(self._socket.recv())
                try:
                    await asyncio.wait({receive, stop}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not receive.done():
                        receive.cancel()
                        await asyncio.wait({receive})
                if receive.cancelled():
                    await self._socket.send(await self._finish())
                    await self._socket.close(GOING_AWAY, "the server is stopping")
                    return
                if await self._answer(receive.result()):
                    return
        finally:
            stop.cancel()

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

    async def _refuse(self, code: int, reason: str) -> None:
        with suppress(ConnectionClosed):
            await self._socket.send(json_error(reason))
        await self._socket.close(code, reason)


def json_error(reason: str) -> str:
    """Return the last message of a stream that is not served."""
    return json.dumps({"error": reason}, ensure_ascii=False)
