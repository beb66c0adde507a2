"""``python -m gateway.lab.load.pump SOCKET``: the process that sends every phone's audio.

One JSON object a line on a Unix socket, from the one who connects (`PumpClient`):

    {"do": "add", "name": 1, "to": [host, port], "tone_hz": 450, "event_type": 101}
    {"do": "remove", "name": 1}
    {"do": "press", "id": 7, "name": 1, "digits": "*110", "tone_ms": 160, "gap_ms": 80}
    {"do": "tell", "id": 8}

and the answers, where there is an id: the first end packet of each key, on both clocks, in
nanoseconds; or how late the latest sending was.
"""

import asyncio
import contextlib
import json
import socket
import sys
from pathlib import Path
from typing import Any

from gateway.errors import PhoneError
from gateway.lab.load.batch import Address
from gateway.lab.load.streams import PHASES, Streams
from gateway.lab.phones.dtmf import KeyPress
from gateway.lab.phones.rtp import FRAME_MS
from gateway.lab.phones.script import wait_for
from gateway.lab.phones.stamp import Stamp

_START_S = 20.0
_STEP_S = FRAME_MS / 1000 / PHASES
_CATCH_UP_S = 0.2
"""What is later than this is not said any more: a phone would not say it either."""


class Pump:
    """Sends from `run` on; `do` carries out one line."""

    def __init__(self, sock: socket.socket) -> None:
        self._streams = Streams(sock)
        self._tasks: set[asyncio.Task[None]] = set()
        self.latest_ms = 0.0
        """The latest any sending has been."""

    async def run(self) -> None:
        """Keep time on an absolute schedule, until cancelled."""
        loop = asyncio.get_running_loop()
        due, phase = loop.time(), 0
        while True:
            due += _STEP_S
            # At least once round the loop, however late: lines come in there.
            await asyncio.sleep(max(0.0, due - loop.time()))
            late = loop.time() - due
            self.latest_ms = max(self.latest_ms, late * 1000)
            if late > _CATCH_UP_S:
                due = loop.time()
            phase = (phase + 1) % PHASES
            self._streams.send(phase)

    def do(self, line: dict[str, Any], answer: asyncio.StreamWriter) -> None:
        """Carry out one line; answers go to `answer`."""
        match line.pop("do"):
            case "add":
                host, port = line.pop("to")
                self._streams.add(to=(host, port), **line)
            case "remove":
                self._streams.remove(**line)
            case "press":
                task = asyncio.create_task(self._press(line, answer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case "tell":
                _write(answer, {"id": line["id"], "latest_ms": self.latest_ms})
                self.latest_ms = 0.0

    async def _press(self, line: dict[str, Any], answer: asyncio.StreamWriter) -> None:
        name = line["name"]
        keys = self._streams.keys_of(name)
        if keys is None:
            _write(answer, {"id": line["id"], "error": "this phone is not in a call"})
            return
        self._streams.pressing(name, 1)
        try:
            pressed = await keys.press(line["digits"], line["tone_ms"], line["gap_ms"])
        except PhoneError as error:
            _write(answer, {"id": line["id"], "error": str(error)})
        else:
            _write(answer, {"id": line["id"], "ends": [list(end) for end in pressed.ends]})
            await asyncio.sleep((line["gap_ms"] + 2 * FRAME_MS) / 1000)  # its repeats go out
        finally:
            self._streams.pressing(name, -1)


class PumpClient:
    """The other end, in the phones' process. Use `async with pump(folder) as client:`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last = 0

    def add(self, name: int, to: Address, tone_hz: int, event_type: int) -> None:
        """Let the phone `name` say a tone to `to`."""
        said = {"name": name, "to": to, "tone_hz": tone_hz, "event_type": event_type}
        _write(self._writer, {"do": "add"} | said)

    def remove(self, name: int) -> None:
        """Let it be silent."""
        _write(self._writer, {"do": "remove", "name": name})

    async def press(self, name: int, digits: str, tone_ms: int, gap_ms: int) -> KeyPress:
        """As `CallMedia.press`. Raises PhoneError."""
        keys = {"name": name, "digits": digits, "tone_ms": tone_ms, "gap_ms": gap_ms}
        told = await self._ask({"do": "press"} | keys)
        if "error" in told:
            raise PhoneError(told["error"])
        return KeyPress(digits, tuple(Stamp(*end) for end in told["ends"]))

    async def latest_ms(self) -> float:
        """How late the latest sending was since this was asked last."""
        told = await self._ask({"do": "tell"})
        return float(told["latest_ms"])

    async def close(self) -> None:
        """Let it end."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def listen(self) -> None:
        """Take answers until the pump is gone; whoever waits then gets PhoneError."""
        try:
            while line := await self._reader.readline():
                told = json.loads(line)
                asked = self._asked.pop(told["id"], None)
                if asked is not None and not asked.done():
                    asked.set_result(told)
        finally:
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_exception(PhoneError("the process that sends the audio is gone"))

    async def _ask(self, line: dict[str, Any]) -> dict[str, Any]:
        self._last += 1
        answer = self._asked[self._last] = asyncio.get_running_loop().create_future()
        _write(self._writer, line | {"id": self._last})
        told: dict[str, Any] = await answer
        return told


async def connected(path: Path) -> PumpClient:
    """Connect to a pump that starts, or raise PhoneTimeout."""

    async def connect() -> PumpClient | None:
        # Its socket has a name a moment before it listens.
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return PumpClient(*await asyncio.open_unix_connection(path))
        return None

    client: PumpClient | None = await wait_for(connect, _START_S, "audio process")
    assert client is not None
    return client


def _write(writer: asyncio.StreamWriter, line: dict[str, Any]) -> None:
    writer.write(json.dumps(line).encode() + b"\n")


async def serve(path: Path) -> None:
    """Serve the first who connects to `path`, until they leave."""
    connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    connected = asyncio.get_running_loop().create_future()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not connected.done():
            connected.set_result((reader, writer))

    server = await asyncio.start_unix_server(accept, path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        reader, writer = await connected
        server.close()
        pump = Pump(sock)
        sending = asyncio.create_task(pump.run())
        try:
            while not sending.done() and (line := await reader.readline()):
                pump.do(json.loads(line), writer)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            writer.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
