"""The speech model and the spoken dialogues, for tests marked `speech`."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import gateway.lab
from gateway.lab.phones import audio
from gateway.lab.town import MODEL_ENV, default_model
from gateway.speech.vosk_engine import VoskEngine

AUDIO = Path(gateway.lab.__file__).parent / "audio"


@dataclass(frozen=True)
class Turn:
    speaker: str
    text: str
    pcm: bytes
    """16 kHz, 16 bit, mono."""


@cache
def engine() -> VoskEngine:
    """The model under test; a test that needs it fails where there is none."""
    path = default_model()
    if not path.is_dir():
        pytest.fail(f"no speech model at {path}; name a Vosk model directory in {MODEL_ENV}")
    return VoskEngine(path)


@cache
def dialogue(name: str) -> tuple[Turn, ...]:
    """Turns in speaking order, without the commas that stand for pauses."""
    book = json.loads((AUDIO / "dialogues.json").read_text(encoding="utf-8"))
    turns = next(d["turns"] for d in book["dialogues"] if d["id"] == name)
    return tuple(
        Turn(t["speaker"], t["text"].replace("，", ""), wide((AUDIO / t["file"]).read_bytes()))
        for t in turns
    )


def wide(alaw: bytes) -> bytes:
    """Decode and double the sample rate, as the PBX does for a tap."""
    narrow = audio.decode(alaw).astype(np.float32)
    middle = (narrow + np.append(narrow[1:], narrow[-1:])) / 2
    return bytes(np.stack([narrow, middle], axis=1).reshape(-1).astype("<i2").tobytes())


def errors(said: str, heard: str) -> int:
    """Levenshtein distance in characters."""
    row = list(range(len(heard) + 1))
    for i, left in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, right in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (left != right))
    return row[-1]
