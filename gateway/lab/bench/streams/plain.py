"""``python -m gateway.lab.bench.streams.plain``: what vosk-server's websocket server does.

A recogniser a connection, each message decoded as it comes in a pool of as many threads as the
machine has cores, and answered with the final or the words so far. Words' times are on, as there.
"""

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import vosk as untyped_vosk
from websockets.asyncio.server import ServerConnection, serve

from gateway.settings import SpeechSettings
from gateway.speech.models.home import model_path

vosk: Any = untyped_vosk
RATE = 8000


def main() -> None:
    """Arguments, as JSON: model, core."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    os.sched_setaffinity(0, {given["core"]})
    vosk.SetLogLevel(-1)
    model = vosk.Model(str(model_path(SpeechSettings(model_dir=Path(given["model"])))))
    asyncio.run(_serve(model))


async def _serve(model: Any) -> None:
    pool = ThreadPoolExecutor(os.cpu_count())
    loop = asyncio.get_running_loop()

    async def hear(connection: ServerConnection) -> None:
        recogniser = vosk.KaldiRecognizer(model, RATE)
        recogniser.SetWords(True)
        async for message in connection:
            if isinstance(message, str):
                await connection.send(recogniser.FinalResult())
                return
            await connection.send(await loop.run_in_executor(pool, _decode, recogniser, message))

    async with serve(hear, "127.0.0.1", 0, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(json.dumps({"port": port}), flush=True)
        await server.serve_forever()


def _decode(recogniser: Any, pcm: bytes) -> str:
    done = recogniser.AcceptWaveform(pcm)
    said: str = recogniser.Result() if done else recogniser.PartialResult()
    return said


if __name__ == "__main__":
    main()
