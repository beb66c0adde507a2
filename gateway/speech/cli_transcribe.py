"""`liandong transcribe FILE...`: recordings to text."""

import contextlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.settings import Settings, load
from gateway.speech.cli_options import Config
from gateway.speech.files_audio import AudioFile
from gateway.speech.files_run import Failure, Remark, Stopped, in_order
from gateway.speech.files_transcribe import FileUtterance, Listening, transcribe
from gateway.speech.models.home import ModelHome
from gateway.speech.pool import Pool
from gateway.speech.text import normalise
from gateway.speech.vosk_engine import VoskEngine

_STDIN = "-"
_CHUNK = 1 << 20

Advance = Callable[[int, float], None]
"""Told a file's number, and how much of it is done, from 0 to 1."""
Tell = Callable[[str], None]


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Recordings; - is stdin.")],
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One JSON object an utterance, a line each.")
    ] = False,
    words: Annotated[bool, typer.Option("--words", help="With --jsonl: every word too.")] = False,
    model: Annotated[
        Path | None, typer.Option(help="Model by name or directory. Default: the settings'.")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Files at a time. Default: one a core.")
    ] = os.cpu_count() or 1,
    rate: Annotated[
        int | None, typer.Option(min=1000, help="Raw files: hertz. Default: 8000 (.sln16: 16000).")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, max=16, help="Raw files: channels. Default: 1.")
    ] = None,
    config: Config = None,
) -> None:
    """Transcribe recordings: any sample rate, A-law and mu-law too, each channel a speaker.

    A file that cannot be heard gets one line on stderr, the others go on; the exit status is
    then 1.
    """
    listening = _listening(load(config), model)
    show = _json_line(words) if jsonl else _plain_lines()
    # Bytes out are UTF-8 whatever the terminal says.
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    failed = False
    with _progress(len(files)) as (advance, tell):
        hearing = _Hearing(listening, advance, lambda name: _audio(name, rate, channels))
        numbered = list(enumerate(files))
        results = in_order(
            numbered, hearing.one, jobs, stopped=hearing.stopped, name=lambda file: file[1]
        )
        # Stopped by Ctrl-C here, work must be told before its threads are waited for.
        with contextlib.closing(results):
            for found in results:
                if isinstance(found, FileUtterance):
                    print(show(found), flush=True)  # noqa: T201
                else:
                    failed = failed or isinstance(found, Failure)
                    tell(f"{found.file}: {found.what}")
    raise typer.Exit(1 if failed else 0)


class _Hearing:
    """What is done to each file, in a thread."""

    def __init__(
        self, listening: Listening, advance: Advance, audio: Callable[[str], AudioFile]
    ) -> None:
        self.stopped = threading.Event()
        self._listening = listening
        self._advance = advance
        self._audio = audio

    def one(self, file: tuple[int, str]) -> Iterator[FileUtterance | Remark]:
        number, name = file
        try:
            with self._audio(name) as audio:
                length = max(audio.duration_s, 0.001)

                def reached(at: float) -> None:
                    self._advance(number, min(at / length, 1))
                    if self.stopped.is_set():
                        raise Stopped

                yield from transcribe(audio, name, self._listening, reached)
                if audio.warning:
                    yield Remark(name, audio.warning)
        finally:
            self._advance(number, 1)


def _listening(settings: Settings, model: Path | None) -> Listening:
    speech = settings.speech
    model_dir = ModelHome.of(speech).directory(model or speech.model_dir)
    engine = VoskEngine(model_dir, frames_per_chunk=speech.frames_per_chunk)
    written = normalise.load(settings).normalise
    pool = Pool(engine, recycle_s=speech.recycle_s, normalise=written)
    return Listening(pool, batch_ms=speech.batch_ms)


def _audio(name: str, rate: int | None, channels: int | None) -> AudioFile:
    if name != _STDIN:
        return AudioFile(Path(name), rate=rate, channels=channels)
    return AudioFile(_stdin())


def _stdin() -> BinaryIO:
    """A pipe cannot be read twice, and finding a WAV's audio may need that: it goes to disk."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    while chunk := sys.stdin.buffer.read(_CHUNK):
        spool.write(chunk)
    spool.seek(0)
    return spool


def _json_line(words: bool) -> Callable[[FileUtterance], str]:
    return lambda said: json.dumps(said.shape(words=words), ensure_ascii=False)


def _plain_lines() -> Callable[[FileUtterance], str]:
    shown = ""

    def line(said: FileUtterance) -> str:
        nonlocal shown
        head = f"{said.file}\n" if said.file != shown else ""
        shown = said.file
        return f"{head}  {_clock(said.start)} - {_clock(said.end)}  [{said.channel}]  {said.text}"

    return line


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}:{rest:05.2f}"


@contextlib.contextmanager
def _progress(files: int) -> Iterator[tuple[Advance, Tell]]:
    """A bar on stderr where someone looks at it, and the lines do not show how far it is."""
    seen = sys.stderr.isatty() and not sys.stdout.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not seen, redirect_stdout=False
    ) as bar:
        tasks = bar.add_task(f"{files} files", total=files)
        done = [0.0] * files

        def advance(number: int, share: float) -> None:
            done[number] = share
            bar.update(tasks, completed=sum(done))

        def tell(line: str) -> None:
            print(line, file=sys.stderr, flush=True)  # noqa: T201

        yield advance, tell
