"""When the gateway saw a key and when it decided what to do: read from its journal."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.lab.bench.stages import Decisions


class JournalReader:
    """Reads on from where it stopped; lines not yet complete wait for the next reading."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[Path, int] = {}

    def decisions(self) -> Decisions:
        """The last transfer among the lines that are new since the last call."""
        found: dict[str, float] = {}
        for entry in self._new_entries():
            name = str(entry.get("do") or entry.get("kind"))
            if name == "transfer.requested":
                found.clear()
            found[name] = datetime.fromisoformat(entry["at"]).timestamp()
        return _decisions(found)

    def by_room(self) -> dict[str, Decisions]:
        """The last transfer of each call among those lines, by the call's room."""
        found: dict[str, dict[str, float]] = {}
        rooms: dict[str, str] = {}
        for entry in self._new_entries():
            name, call = str(entry.get("do") or entry.get("kind")), entry["call_id"]
            found.setdefault(call, {})[name] = datetime.fromisoformat(entry["at"]).timestamp()
            if name == "RingTarget":
                rooms[entry["room"]] = call
        return {room: _decisions(found[call]) for room, call in rooms.items()}

    def _new_entries(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self._directory.glob("journal-*.jsonl")):
            for line in self._new_lines(path):
                yield json.loads(line)

    def _new_lines(self, path: Path) -> list[bytes]:
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            complete, newline, _ = file.read().rpartition(b"\n")
        self._read[path] = self._read.get(path, 0) + len(complete) + len(newline)
        return complete.splitlines()


def _decisions(found: Mapping[str, float]) -> Decisions:
    return Decisions(
        seen=found.get("transfer.requested", 0.0),
        move=found.get("MoveToRoom", 0.0),
        ring=found.get("RingTarget", 0.0),
    )
