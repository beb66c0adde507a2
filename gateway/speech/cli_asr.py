"""`liandong asr serve`: recognition for clients of vosk-server."""

import asyncio
import os
import signal
from typing import Annotated

import typer

from gateway.log import get
from gateway.settings import Settings, load
from gateway.speech.cli_options import Config
from gateway.speech.models.home import model_path
from gateway.speech.text import normalise
from gateway.speech.vosk_engine import VoskEngine
from gateway.speech.wsserver import Limits, StreamServer
from gateway.speech.wsserver_decoder import VoskDecoder
from gateway.speech.wsserver_messages import StreamConfig

_STREAMS_A_CORE = 20
"""Every piece is decoded here, silence too: 30 streams of 8 kHz filled one core of the tests."""

app = typer.Typer(no_args_is_help=True, help="Speech recognition for other programs.")
log = get("speech")


@app.callback()
def _group() -> None:
    """Keep `serve` a name of its own."""


@app.command("serve")
def serve_streams(
    host: Annotated[
        str, typer.Option(help="Address to listen at. There is no log-in: keep it private.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 2700,
    max_streams: Annotated[
        int, typer.Option(min=1, help="Streams at a time; more are told to come again later.")
    ] = _STREAMS_A_CORE * (os.cpu_count() or 1),
    sample_rate: Annotated[
        int, typer.Option(min=8000, max=192_000, help="Of clients that do not tell, in hertz.")
    ] = 8000,
    config: Config = None,
) -> None:
    """Serve vosk-server's WebSocket protocol until SIGTERM or Ctrl-C."""
    limits = Limits(max_streams=max_streams)
    default = StreamConfig(sample_rate=sample_rate)
    asyncio.run(_serve(load(config), limits, default, host, port))


async def _serve(
    settings: Settings, limits: Limits, default: StreamConfig, host: str, port: int
) -> None:
    speech = settings.speech
    chunk = speech.frames_per_chunk
    engine = await asyncio.to_thread(VoskEngine, model_path(speech), frames_per_chunk=chunk)
    written = (await asyncio.to_thread(normalise.load, settings)).normalise
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def make(config: StreamConfig) -> VoskDecoder:
        return VoskDecoder(engine, config, recycle_s=speech.recycle_s, normalise=written)

    async with StreamServer(make, limits, default).running(host, port) as (at, bound):
        log.info("asr.listening", host=at, port=bound, model=engine.model_version)
        await stop.wait()
        log.info("asr.stopping")
