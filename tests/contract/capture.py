"""Record an AMI conversation: a proxy that writes both directions to JSON lines.

Each line: `at` seconds from the first, `conn` number, `from` client | switch, and either `data`
(the bytes of one TCP read as text, undecodable ones as lone surrogates) or `closed`. Secrets are
left out; everything else is as it was, so record with made-up numbers and names only.
"""

import asyncio
import json
import re
import time
from pathlib import Path

_SECRET = re.compile(r"(?im)^(Secret: ).*?(\r?)$")


class Capture:
    """`async with Capture(host, port, path) as capture:` and connect to `capture.port`."""

    def __init__(self, host: str, port: int, path: Path) -> None:
        self._upstream = (host, port)
        self._path = path
        self._lines: list[dict[str, object]] = []
        self._started = time.monotonic()
        self._conns = 0
        self._handlers: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.port = 0
        self.cut_after = ""
        """Once the client has sent this action and the switch has it, drop the connection."""

    async def __aenter__(self) -> "Capture":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        text = "".join(json.dumps(line) + "\n" for line in self._lines)
        self._path.write_text(text, encoding="ascii")

    def _note(self, conn: int, source: str, **rest: object) -> None:
        at = round(time.monotonic() - self._started, 6)
        self._lines.append({"at": at, "conn": conn, "from": source, **rest})

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self._writers.append(writer)
        self._conns += 1
        conn = self._conns
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        pumps = [
            asyncio.create_task(self._pump(conn, "client", reader, up_writer)),
            asyncio.create_task(self._pump(conn, "switch", up_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (writer, up_writer):
                end.close()
                await asyncio.gather(end.wait_closed(), return_exceptions=True)

    async def _pump(
        self, conn: int, source: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            text = data.decode("utf-8", "surrogateescape")
            self._note(conn, source, data=_SECRET.sub(r"\1********\2", text))
            writer.write(data)
            await writer.drain()
            if source == "client" and self.cut_after and f"Action: {self.cut_after}" in text:
                self.cut_after = ""
                break
        self._note(conn, source, closed=True)
