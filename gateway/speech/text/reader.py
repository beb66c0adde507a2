"""WeTextProcessing in a process of its own.

Its kaldifst and Vosk's libvosk each bring an OpenFst, whose unique symbols the loader makes one: in
one process they corrupt each other's memory (measured: "unaligned tcache chunk", or a hang).
"""

import contextlib
import select
import subprocess
import sys
import threading
import weakref
from functools import lru_cache

_START_S = 60.0
_ANSWER_S = 5.0
_STOP_S = 2.0
_CHILD = "gateway.speech.text.reader_child"


class WeTextReader:
    """WeTextProcessing's inverse normaliser at default flags; started at first use (ADR 0017).

    It is given numerals, never sentences: there it writes units and times in ways that no reader
    of a hotline transcript expects, and its cost grows faster than the text. Thread-safe. Raises
    OSError or TimeoutError when the process is gone; the next call starts another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._cached = lru_cache(maxsize=4096)(self._read)

    def __call__(self, numeral: str) -> str:
        return self._cached(numeral)

    def _read(self, numeral: str) -> str:
        with self._lock:
            fresh = self._process is None
            process = self._process or self._start()
            try:
                return _ask(process, numeral, _START_S if fresh else _ANSWER_S)
            except OSError:
                self._process = None
                _end(process)
                raise

    def _start(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-m", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        weakref.finalize(self, _end, process)
        self._process = process
        return process


def _ask(process: "subprocess.Popen[str]", numeral: str, within_s: float) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(numeral + "\n")
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], within_s)
    if not ready:
        raise TimeoutError("the reader of numerals does not answer")
    line = process.stdout.readline()
    if not line:
        raise BrokenPipeError("the reader of numerals has ended")
    return line.rstrip("\n")


def _end(process: "subprocess.Popen[str]") -> None:
    """Let it end by itself, or kill it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was not taken cannot be sent any more
                pipe.close()
