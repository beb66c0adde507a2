"""The local append-only journal: what was meant and what happened, one JSON object a line.

It is the first place an intent goes and the source the ledger is filled from. A writer thread
does the file work, so that a slow or full disk never holds a call for more than `BOUND_S`.
"""

import asyncio
import json
import os
import queue
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from gateway import log
from gateway.calls import facts as f
from gateway.clock import now

BOUND_S = 0.020
"""The longest an intent waits to be written; after that we act, mark and alarm."""

KEEP_DAYS = 7
_log = log.get("journal")
_Line = tuple[str, "asyncio.Future[None] | None", "asyncio.AbstractEventLoop | None"]


class Journal:
    """Open with `Journal(directory)`; `close()` writes what is queued."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._lines: queue.SimpleQueue[_Line | None] = queue.SimpleQueue()
        self.late = 0
        """Intents that were acted on before they were known to be written."""
        self.failures = 0
        """Writes the disk refused."""
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._thread.start()

    def fact(self, fact: f.Fact) -> None:
        """Queue a fact; returns at once."""
        self._lines.put((f.dump(fact), None, None))

    async def intent(self, call_id: str, command: str, details: dict[str, object]) -> None:
        """Write what we are about to do; returns when written, or after BOUND_S at most."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        line = {"kind": "intent", "call_id": call_id, "at": now().isoformat(), "do": command}
        self._lines.put((json.dumps(line | details, default=str), written, loop))
        try:
            await asyncio.wait_for(written, BOUND_S)
        except TimeoutError:
            self.late += 1
            _log.error("journal late", call_id=call_id, command=command)

    def close(self) -> None:
        self._lines.put(None)
        self._thread.join(timeout=5)

    def facts(self, since: timedelta = timedelta(days=2)) -> Iterator[f.Fact]:
        """Facts of the last `since`, oldest first; damaged lines (a cut-off tail) are skipped."""
        oldest = (now() - since).strftime("%Y%m%d")
        for path in sorted(self._directory.glob("journal-*.jsonl")):
            if path.stem.removeprefix("journal-") >= oldest:
                yield from _facts_in(path)

    def _write_all(self) -> None:
        descriptor, name = -1, ""
        while (item := self._lines.get()) is not None:
            line, written, loop = item
            try:
                today = f"journal-{now():%Y%m%d}.jsonl"
                if today != name:
                    descriptor, name = self._open(descriptor, today), today
                os.write(descriptor, line.encode() + b"\n")
                if self._lines.empty():
                    os.fdatasync(descriptor)
            except OSError as error:
                self.failures += 1
                name = ""
                _log.error("journal cannot be written", error=str(error))
            if written is not None and loop is not None:
                loop.call_soon_threadsafe(_settle, written)
        if descriptor >= 0:
            os.close(descriptor)

    def _open(self, old: int, name: str) -> int:
        if old >= 0:
            os.close(old)
        oldest = f"journal-{now() - timedelta(days=KEEP_DAYS):%Y%m%d}.jsonl"
        for path in self._directory.glob("journal-*.jsonl"):
            if path.name < oldest:
                path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.open(self._directory / name, flags, 0o600)


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _facts_in(path: Path) -> Iterator[f.Fact]:
    with path.open("rb") as file:
        for line in file:
            if b'"kind": "intent"' in line:
                continue
            try:
                yield f.parse(line)
            except ValidationError:
                _log.warning("journal line skipped", file=path.name)
