"""Recorded dialogues that the lab's phones speak; `liandong demo --dialogue` plays any of them."""

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gateway.errors import LabError
from gateway.lab.phones.audio import decode

AUDIO = Path(__file__).parent / "audio"
RATE = 8000
CENTRE_OF = {"operator": "12345", "officer": "110"}
"""Where the speakers who take calls sit."""
_LOUD = 250
"""A sample above this (of 32768) is speech, not the tail of silence."""


@dataclass(frozen=True)
class Turn:
    """One thing one person says. `speaker`: caller, operator or officer.

    `then` follows it: the key that asks for the other centre, or the first agent leaving.
    """

    id: str
    speaker: str
    text: str
    path: Path
    duration_ms: int
    then: Literal["transfer", "release"] | None = None

    @cached_property
    def trailing_silence_s(self) -> float:
        """Silence at the end of the recording, in seconds."""
        samples = np.abs(decode(self.path.read_bytes()).astype(np.int32))
        loud = np.flatnonzero(samples > _LOUD)
        return float(len(samples) - 1 - loud[-1]) / RATE if len(loud) else 0.0


@dataclass(frozen=True)
class Expected:
    """What dispatch should propose from the words.

    `platform` is None where there is nothing to dispatch, ``guide`` where the caller is told whom
    to ring; `items` are class or guidance ids, any of which is right.
    """

    platform: str | None
    items: tuple[str, ...]
    urgency: str


@dataclass(frozen=True)
class Dialogue:
    """A recorded call that came in at centre `source`; `target` None: nobody else is rung."""

    id: str
    about: str
    source: str
    target: str | None
    expected: Expected
    turns: tuple[Turn, ...]

    @property
    def speakers(self) -> set[str]:
        """Who speaks: caller, operator, officer."""
        return {turn.speaker for turn in self.turns}


def names() -> list[str]:
    """Return the names of all dialogues, the demo's own first."""
    return [one["id"] for one in _book()]


def load(name: str) -> Dialogue:
    """Return the dialogue `name`. Raises LabError, which names those there are."""
    for one in _book():
        if one["id"] == name:
            return _dialogue(one)
    raise LabError(f"no dialogue {name!r}; there are {', '.join(names())}")


def dialogue(name: str) -> list[Turn]:
    """Return the turns of the dialogue `name` in order. Raises LabError."""
    return list(load(name).turns)


@cache
def _book() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((AUDIO / "dialogues.json").read_text("utf-8"))[
        "dialogues"
    ]
    return listed


def _dialogue(one: dict[str, Any]) -> Dialogue:
    expect = one["expect"]
    turns = (
        Turn(
            turn["id"],
            turn["speaker"],
            turn["text"],
            AUDIO / turn["file"],
            turn["duration_ms"],
            turn.get("then"),
        )
        for turn in one["turns"]
    )
    return Dialogue(
        id=one["id"],
        about=one["about"],
        source=one["from"],
        target=one["to"],
        expected=Expected(expect["platform"], tuple(expect["items"]), expect["urgency"]),
        turns=tuple(turns),
    )
