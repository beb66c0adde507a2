"""Reading a journal back, and quickly past what is over: calls wait while a gateway starts.

To read a fact whole takes 12 microseconds, to see whose it is half of one; a busy centre has some
hundred thousand facts in two days.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from gateway import log
from gateway.calls import facts as f

_log = log.get("journal")
_INTENT = b'"kind": "intent"'
_HEAD = re.compile(rb'^{"call_id":"([!#-\[\]-~]*)","at":"([!#-\[\]-~]*)","kind":"([!#-\[\]-~]*)"')
"""How every fact begins, as `facts.dump` writes it; any other line is read whole."""


class Place(NamedTuple):
    """Where a line begins, or all lines end."""

    file: str
    byte: int


START = Place("", 0)


def end(directory: Path) -> Place:
    """Where the journal ends now."""
    newest = max(directory.glob("journal-*.jsonl"), default=None)
    return Place(newest.name, newest.stat().st_size) if newest else START


def first(directory: Path, oldest: str, at: datetime) -> Place:
    """Where the first fact of `at` or later begins; `end`: there is none."""
    for place, line in _lines(directory, oldest, START, end(directory)):
        head = _HEAD.match(line)
        if head and (moment := _moment(head[2])) and moment >= at:
            return place
    return end(directory)


def calls(
    directory: Path, oldest: str, until: Place, which: Callable[[datetime, str], bool]
) -> set[str]:
    """Return the calls with a fact of which `which` says so, given its moment and kind."""
    found = set()
    for _, line in _lines(directory, oldest, START, until):
        head = _HEAD.match(line)
        if head and (at := _moment(head[2])) and which(at, head[3].decode()):
            found.add(head[1].decode())
    return found


def facts(
    directory: Path, oldest: str, start: Place, until: Place, wanted: Callable[[str], bool]
) -> Iterator[f.Fact]:
    """Yield the facts of the calls that are `wanted`, oldest first.

    Damaged lines (a cut-off tail) are skipped, and told in the log.
    """
    for place, line in _lines(directory, oldest, start, until):
        head = _HEAD.match(line)
        if head and not wanted(head[1].decode()):
            continue
        try:
            fact = f.parse(line)
        except ValidationError:
            _log.warning("journal line skipped", file=place.file)
            continue
        if wanted(fact.call_id):
            yield fact


def _lines(
    directory: Path, oldest: str, start: Place, until: Place
) -> Iterator[tuple[Place, bytes]]:
    """Each fact's line, and where it begins."""
    for path in sorted(directory.glob("journal-*.jsonl")):
        if path.stem.removeprefix("journal-") < oldest or not start.file <= path.name <= until.file:
            continue
        at = start.byte if path.name == start.file else 0
        with path.open("rb") as file:
            file.seek(at)
            for line in file:
                place = Place(path.name, at)
                at += len(line)
                if (path.name, at) > until:
                    break
                if _INTENT not in line:
                    yield place, line


def _moment(text: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.decode())
    except ValueError:
        return None
    return moment if moment.tzinfo else None
