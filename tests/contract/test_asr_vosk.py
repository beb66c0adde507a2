"""`liandong asr serve` on a real model, spoken to as vosk-server's own clients do."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from vosk.transcriber.transcriber import Transcriber
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.speech.wsserver import Limits, StreamServer
from gateway.speech.wsserver_decoder import VoskDecoder
from gateway.speech.wsserver_messages import StreamConfig
from tests.contract.spoken import MODEL_ENV, dialogue, engine, errors

pytestmark = pytest.mark.speech
EOF = '{"eof" : 1}'


def narrow(number: int) -> tuple[str, bytes]:
    """Script and 8 kHz PCM of a turn of the dialogue about a fight."""
    turn = dialogue("fight")[number]
    return turn.text, np.frombuffer(turn.pcm, "<i2")[::2].tobytes()


@asynccontextmanager
async def served(recycle_s: float = 600) -> AsyncIterator[str]:
    def make(config: StreamConfig) -> VoskDecoder:
        return VoskDecoder(engine(), config, recycle_s=recycle_s)

    server = StreamServer(make, Limits(max_streams=8), StreamConfig())
    async with server.running("127.0.0.1", 0) as (host, port):
        yield f"ws://{host}:{port}"


async def talk(
    socket: ClientConnection, pcm: bytes, config: dict[str, object] | None = None, step: int = 3200
) -> list[dict[str, object]]:
    """Send as vosk-server's test client does; return every answer."""
    if config is not None:
        await socket.send(json.dumps({"config": config}))
    answers = []
    for at in range(0, len(pcm), step):
        await socket.send(pcm[at : at + step])
        answers.append(json.loads(await socket.recv()))
    await socket.send(EOF)
    answers.append(json.loads(await socket.recv()))
    return answers


def text(answers: list[dict[str, object]]) -> str:
    return "".join(str(answer.get("text", "")) for answer in answers).replace(" ", "")


async def test_a_client_of_vosk_server_gets_what_it_expects() -> None:
    script, pcm = narrow(1)
    async with served() as url, connect(url) as socket:
        answers = await talk(socket, pcm, {"sample_rate": 8000})
    assert all(set(answer) in ({"partial"}, {"result", "text"}, {"text"}) for answer in answers)
    assert any(answer.get("partial") for answer in answers)
    assert errors(script, text(answers)) <= 1
    words = answers[-1]["result"]
    assert isinstance(words, list)
    assert set(words[0]) == {"conf", "start", "end", "word"}
    # Spaces as Vosk gives them, so that clients split as ever.
    assert str(answers[-1]["text"]).split() == [word["word"] for word in words]


async def test_a_sample_cut_in_two_between_messages_is_put_together() -> None:
    script, pcm = narrow(1)
    async with served() as url, connect(url) as socket:
        assert errors(script, text(await talk(socket, pcm, step=801))) <= 1


async def test_alternatives_words_and_phrases_are_as_asked() -> None:
    _, pcm = narrow(1)
    async with served() as url:
        async with connect(url) as socket:
            plain = await talk(socket, pcm, {"words": False})
        async with connect(url) as socket:
            several = await talk(socket, pcm, {"max_alternatives": 3})
        async with connect(url) as socket:
            only = await talk(socket, pcm, {"phrase_list": ["有人 打架", "报警"]})
    assert set(plain[-1]) == {"text"}
    alternatives = several[-1]["alternatives"]
    assert isinstance(alternatives, list)
    assert set(alternatives[0]) >= {"text", "confidence"}
    assert set(str(only[-1]["text"]).split()) <= {"有人", "打架", "报警"}


async def test_text_as_people_read_it_is_given_on_request() -> None:
    script, pcm = narrow(1)
    async with served() as url, connect(url) as socket:
        answers = await talk(socket, pcm, {"normalise": True})
    finals = [answer for answer in answers if "text" in answer]
    written = "".join(str(final["text"]) for final in finals)
    assert " " not in written
    assert errors(script, written) <= 1
    assert " " in str(finals[-1]["text_raw"])


async def test_a_long_stream_changes_its_recogniser_and_keeps_its_clock() -> None:
    _, pcm = narrow(1)
    # Vosk's own end-pointing waits for some seconds of silence.
    once = pcm + bytes(16000 * 6)
    async with served(recycle_s=5) as url, connect(url) as socket:
        answers = await talk(socket, once * 2)
    results = [answer["result"] for answer in answers if answer.get("result")]
    starts = [result[0]["start"] for result in results if isinstance(result, list)]
    again = next(start for start in starts if start > len(once) / 16000)
    assert again - starts[0] == pytest.approx(len(once) / 16000, abs=0.1)


async def test_vosks_own_transcriber_works_unchanged() -> None:
    turn = dialogue("fight")[1]
    stream = asyncio.StreamReader()
    stream.feed_data(turn.pcm)
    stream.feed_eof()
    async with served() as url:
        asked = argparse.Namespace(
            model=str(engine().model_dir), model_name=None, lang=None, server=url
        )
        result, _ = await Transcriber(asked).recognize_stream_server(SimpleNamespace(stdout=stream))
    assert errors(turn.text, text(result)) <= 1


async def test_the_command_serves_and_stops_with_a_last_result() -> None:
    script, pcm = narrow(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "--log-json", "asr", "serve", "--port", "0"),
        env=os.environ | {MODEL_ENV: str(engine().model_dir.resolve())},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        listening = json.loads(await process.stderr.readline())
        assert listening["event"] == "asr.listening"
        async with connect(f"ws://127.0.0.1:{listening['port']}") as socket:
            answers = []
            for at in range(0, len(pcm), 3200):
                await socket.send(pcm[at : at + 3200])
                answers.append(json.loads(await socket.recv()))
            process.send_signal(signal.SIGTERM)
            answers.append(json.loads(await socket.recv()))
            assert errors(script, text(answers)) <= 1
            with pytest.raises(ConnectionClosed) as ended:
                await socket.recv()
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1001
        rest = await process.stderr.read()
        assert await process.wait() == 0
        assert b"Traceback" not in rest
        # No transcript in any log.
        assert "报警".encode() not in rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
