"""The local append-only journal: what was meant and what happened, one JSON object a line.

It is the first place an intent goes and the source the ledger is filled from. Two threads do the
file work, one writes and one syncs, so that a slow or full disk never holds a call for more than
`BOUND_S`.
"""

import asyncio
import contextlib
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gateway import log
from gateway.calls import facts as f
from gateway.calls import journal_read
from gateway.calls.journal_read import Place
from gateway.clock import now

BOUND_S = 0.020
"""The longest an intent waits to be written; after that we act, mark and alarm."""

SYNC_S = 0.050
"""How long what is written may wait for the disk itself. Written, it outlives our own end at once;
synced, the machine's. No call waits for the disk: each wait cost 2 ms of a transfer (`make bench`).
"""

KEEP_DAYS = 7
READ_BACK = timedelta(days=2)
"""A call that is longer than this is found on the switch."""
_log = log.get("journal")
_Line = tuple[str, "asyncio.Future[None] | None", "asyncio.AbstractEventLoop | None"]


class Journal:
    """Open with `Journal(directory)`; `close()` writes what is queued."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._lines: queue.SimpleQueue[_Line | None] = queue.SimpleQueue()
        self.late = 0
        """Intents that were acted on before they were known to be written."""
        self.failures = 0
        """Writes the disk refused."""
        self._descriptor, self._name = -1, ""
        self._changing = threading.Lock()
        """Held while the file is opened, closed, or taken by the one who syncs."""
        self._unsynced, self._closing = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._write_all, name="journal", daemon=True),
            threading.Thread(target=self._sync_all, name="journal-sync", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def fact(self, fact: f.Fact) -> None:
        """Queue a fact; returns at once."""
        self._lines.put((f.dump(fact), None, None))

    async def intent(self, call_id: str, command: str, details: dict[str, object]) -> None:
        """Write what we are about to do; returns when the file has it, or after BOUND_S at most."""
        await self.intents(call_id, [(command, details)])

    async def intents(self, call_id: str, orders: Sequence[tuple[str, dict[str, object]]]) -> None:
        """As `intent`, for orders that are given together: one write, one wait."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        about = {"kind": "intent", "call_id": call_id, "at": now().isoformat()}
        lines = [
            json.dumps(about | {"do": command} | details, default=str)
            for command, details in orders
        ]
        self._lines.put(("\n".join(lines), written, loop))
        # Not wait_for: before Python 3.12 it swallows a cancellation that meets the result.
        await asyncio.wait([written], timeout=BOUND_S)
        if not written.done():
            self.late += len(lines)
            commands = [command for command, _ in orders]
            _log.error("journal late", call_id=call_id, commands=commands)

    def close(self) -> None:
        self._lines.put(None)
        writer, syncer = self._threads
        writer.join(timeout=5)
        self._closing.set()
        self._unsynced.set()
        syncer.join(timeout=5)

    def end(self) -> Place:
        """Where it ends now."""
        return journal_read.end(self._directory)

    def calls(self, which: Callable[[datetime, str], bool], until: Place | None = None) -> set[str]:
        """The calls of the last READ_BACK with a fact of which `which` says so.

        `which` is given its moment and kind. Twenty times quicker than reading the facts.
        """
        return journal_read.calls(self._directory, _oldest(), until or self.end(), which)

    def first(self, at: datetime) -> Place:
        """Where the first fact of `at` or later begins; `end()`: there is none."""
        return journal_read.first(self._directory, _oldest(), at)

    def facts(
        self,
        wanted: Callable[[str], bool] = lambda _call: True,
        *,
        start: Place = journal_read.START,
        until: Place | None = None,
    ) -> Iterator[f.Fact]:
        """Facts of the last READ_BACK, oldest first, of `wanted` calls, between two places."""
        until = until or self.end()
        return journal_read.facts(self._directory, _oldest(), start, until, wanted)

    def _write_all(self) -> None:
        while (item := self._lines.get()) is not None:
            line, written, loop = item
            try:
                self._write(line.encode() + b"\n")
            except OSError as error:
                self._failed(error)
            if written is not None and loop is not None:
                _settle_in(loop, written)
        self._shut()

    def _sync_all(self) -> None:
        """Beside the writer: what is written next does not wait until a slow disk has synced."""
        while self._unsynced.wait() and not self._closing.wait(SYNC_S):
            self._unsynced.clear()
            with self._changing:
                descriptor = os.dup(self._descriptor) if self._descriptor >= 0 else -1
            if descriptor < 0:
                continue
            try:
                os.fdatasync(descriptor)
            except OSError as error:
                self.failures += 1
                _log.error("journal cannot be synced", error=error.strerror)
            finally:
                os.close(descriptor)

    def _failed(self, error: OSError) -> None:
        self.failures += 1
        self._shut()
        _log.error("journal cannot be written", error=error.strerror)

    def _write(self, line: bytes) -> None:
        today = f"journal-{now():%Y%m%d}.jsonl"
        if today != self._name:
            self._shut()
            self._open(today)
        # A disk that fills up takes the first part of a line.
        while line:
            line = line[os.write(self._descriptor, line) :]
        self._unsynced.set()

    def _shut(self) -> None:
        with self._changing:
            descriptor, self._descriptor, self._name = self._descriptor, -1, ""
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.fdatasync(descriptor)
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _open(self, name: str) -> None:
        oldest = f"journal-{now() - timedelta(days=KEEP_DAYS):%Y%m%d}.jsonl"
        for path in self._directory.glob("journal-*.jsonl"):
            if path.name < oldest:
                path.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._descriptor = os.open(self._directory / name, flags, 0o600)
        end = os.fstat(self._descriptor).st_size
        if end and os.pread(self._descriptor, 1, end - 1) != b"\n":
            # A line was cut off: the next one must not be glued to it.
            os.write(self._descriptor, b"\n")
        self._name = name


def _settle_in(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[None]") -> None:
    # The loop that asked may be closed by now.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle, future)


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _oldest() -> str:
    return (now() - READ_BACK).strftime("%Y%m%d")
