"""When the gateway saw a key and when it decided what to do: read from its journal."""

import json
from datetime import datetime
from pathlib import Path

from gateway.lab.bench.stages import Decisions


class JournalReader:
    """Reads on from where it stopped; lines not yet complete wait for the next reading."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[Path, int] = {}

    def decisions(self) -> Decisions:
        """The last transfer among the lines that are new since the last call."""
        found: dict[str, float] = {}
        for path in sorted(self._directory.glob("journal-*.jsonl")):
            for line in self._new_lines(path):
                entry = json.loads(line)
                name = entry.get("do") or entry.get("kind")
                if name == "transfer.requested":
                    found.clear()
                found[name] = datetime.fromisoformat(entry["at"]).timestamp()
        return Decisions(
            seen=found.get("transfer.requested", 0.0),
            move=found.get("MoveToRoom", 0.0),
            ring=found.get("RingTarget", 0.0),
        )

    def _new_lines(self, path: Path) -> list[bytes]:
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            complete, newline, _ = file.read().rpartition(b"\n")
        self._read[path] = self._read.get(path, 0) + len(complete) + len(newline)
        return complete.splitlines()
