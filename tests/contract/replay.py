"""A switch that says what a real one said, when asked the same; it checks that it was asked."""

import asyncio
from collections.abc import Callable, Iterable

from .script import END, Step

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
PONG = "Response: Success\r\nActionID: {id}\r\nPing: Pong\r\nTimestamp: {time}" + END


def whole(data: bytes) -> Iterable[bytes]:
    return [data]


def byte_by_byte(data: bytes) -> Iterable[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


class ReplaySwitch:
    """Plays `scripts`, one per connection, on `port`; the last one for every further connection.

    An action step waits until the client has sent that action; a message step is sent with the
    client's own ActionID in place of the recorded one. After the last step the connection stays
    open and Pings are answered, until a `mute` step: then nothing more is sent.
    """

    def __init__(
        self, *scripts: list[Step], cut: Callable[[bytes], Iterable[bytes]] = whole
    ) -> None:
        self._scripts = scripts
        self._cut = cut
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._errors: list[str] = []
        self.muted = False
        self.clock = 1_800_000_000.0
        """What Ping replies say the time is."""
        self.port = 0
        self.received: list[tuple[int, Step]] = []
        """(connection number, action), Pings included."""

    async def __aenter__(self) -> "ReplaySwitch":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, _kind: object, error: object, _traceback: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if error is None:
            assert not self._errors, self._errors

    async def got(self, action: str, times: int = 1) -> list[tuple[int, Step]]:
        """Wait until `action` has been received `times` times; return those."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._of(action)) >= times)
        return self._of(action)

    def _of(self, action: str) -> list[tuple[int, Step]]:
        return [one for one in self.received if one[1].header("Action") == action]

    def drop(self) -> None:
        """Close every connection, as a restarting switch does."""
        for writer in self._writers:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        conn = len(self._writers)
        script = self._scripts[min(conn, len(self._scripts)) - 1]
        asked: asyncio.Queue[Step] = asyncio.Queue()
        player = asyncio.create_task(self._play(script, asked, writer))
        try:
            await self._read(conn, reader, writer, asked)
        except ConnectionError:
            pass
        finally:
            player.cancel()
            await asyncio.gather(player, return_exceptions=True)
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    async def _read(
        self,
        conn: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        asked: asyncio.Queue[Step],
    ) -> None:
        pending = b""
        while data := await reader.read(65536):
            *blocks, pending = (pending + data).split(END.encode())
            for block in blocks:
                action = Step("action", block.decode())
                if action.header("Action") != "Ping":
                    asked.put_nowait(action)
                elif not self.muted:
                    pong = PONG.format(id=action.header("ActionID"), time=f"{self.clock:.6f}")
                    writer.write(pong.encode())
                async with self._changed:
                    self.received.append((conn, action))
                    self._changed.notify_all()

    async def _play(
        self, script: list[Step], asked: asyncio.Queue[Step], writer: asyncio.StreamWriter
    ) -> None:
        ids: dict[str, str] = {}
        writer.write(BANNER)
        for step in script:
            if step.kind == "mute":
                self.muted = True
                return
            if step.kind == "action":
                action = await asked.get()
                if action.header("Action") != step.header("Action"):
                    self._errors.append(f"{action.text!r} came where {step.text!r} was recorded")
                    writer.close()
                    return
                ids[step.header("ActionID")] = action.header("ActionID")
                continue
            recorded = step.header("ActionID")
            await self._say(step.with_id(ids.get(recorded, recorded)), writer)

    async def _say(self, step: Step, writer: asyncio.StreamWriter) -> None:
        for piece in self._cut((step.text + END).encode()):
            writer.write(piece)
            await writer.drain()
            # Let the client, in the same loop, read this piece by itself.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
