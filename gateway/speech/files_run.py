"""Many files over several cores: results come in the order of the files, each as soon as it can."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from gateway.errors import AudioError
from gateway.log import get

log = get("speech")

File = TypeVar("File")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Failure:
    """A file that could not be heard, or not to its end."""

    file: str
    what: str
    """'is empty (0 bytes): record or copy it again': goes on from the file's name."""


@dataclass(frozen=True)
class Remark:
    """Something to know about a file that was heard."""

    file: str
    what: str


class Stopped(Exception):
    """Raised by work that sees that nobody waits for it any more."""


_END = object()


def in_order(
    files: Sequence[File],
    work: Callable[[File], Iterator[Found | Remark]],
    jobs: int,
    stopped: threading.Event,
    name: Callable[[File], str] = str,
) -> Generator[Found | Remark | Failure]:
    """Run `work` on up to `jobs` files at a time, in threads (Vosk lets the GIL go).

    What it yields comes out by file, in their order; only text of later files waits. What it
    raises becomes one Failure, and the rest go on. Closing the iterator sets `stopped`, and waits
    for work to end: what takes long looks at it now and then, and raises Stopped.
    """
    results: list[queue.SimpleQueue[object]] = [queue.SimpleQueue() for _ in files]

    def one(file: File, result: "queue.SimpleQueue[object]") -> None:
        try:
            for found in work(file):
                result.put(found)
                if stopped.is_set():
                    break
        except Stopped:
            pass
        except AudioError as error:
            result.put(Failure(name(file), str(error)))
        except Exception as error:
            # The log leaves out what the error says: it may quote what was said.
            log.exception("speech.file_failed")
            result.put(Failure(name(file), f"could not be transcribed ({type(error).__name__})"))
        finally:
            result.put(_END)

    pool = ThreadPoolExecutor(max(jobs, 1), thread_name_prefix="transcribe")
    try:
        for file, result in zip(files, results, strict=True):
            pool.submit(one, file, result)
        for result in results:
            while (found := result.get()) is not _END:
                yield found  # type: ignore[misc]
    finally:
        stopped.set()
        with suppress(RuntimeError):
            pool.shutdown(wait=True, cancel_futures=True)
