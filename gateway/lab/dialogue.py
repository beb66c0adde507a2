"""Recorded dialogues that the lab's phones speak."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gateway.lab.phones.audio import decode

AUDIO = Path(__file__).parent / "audio"
RATE = 8000
_LOUD = 250
"""A sample above this (of 32768) is speech, not the tail of silence."""


@dataclass(frozen=True)
class Turn:
    """One thing one person says. `speaker`: caller, operator or officer."""

    id: str
    speaker: str
    text: str
    path: Path

    @cached_property
    def trailing_silence_s(self) -> float:
        """Silence at the end of the recording, in seconds."""
        samples = np.abs(decode(self.path.read_bytes()).astype(np.int32))
        loud = np.flatnonzero(samples > _LOUD)
        return float(len(samples) - 1 - loud[-1]) / RATE if len(loud) else 0.0


def dialogue(name: str) -> list[Turn]:
    """The turns of the dialogue `name` ('fight', 'lamp'), in order. Raises KeyError."""
    described = json.loads((AUDIO / "dialogues.json").read_text("utf-8"))
    for one in described["dialogues"]:
        if one["id"] == name:
            return [
                Turn(turn["id"], turn["speaker"], turn["text"], AUDIO / turn["file"])
                for turn in one["turns"]
            ]
    raise KeyError(name)
