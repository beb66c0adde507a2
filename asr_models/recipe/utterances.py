"""Sets of utterances to evaluate on: one file of A-law audio, one of JSON lines.

Each line of ``NAME.jsonl`` has the text said, the number of its samples in ``NAME.alaw`` (8 kHz),
when speech ends and, where known, when each character begins and ends (s from the start).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr_models.recipe.errors import RecipeError
from gateway.lab.phones.audio import decode, encode

RATE = 8000


@dataclass(frozen=True)
class Utterance:
    """One utterance as a telephone line carries it."""

    text: str
    """Clauses apart by spaces."""
    samples: NDArray[np.int16]
    end_s: float
    """When speech is over; silence follows."""
    chars: tuple[tuple[float, float], ...] = ()
    """Begin and end of each character of `text` without spaces; empty where unknown."""


def save(folder: Path, name: str, every: Sequence[Utterance]) -> None:
    """Write the set `name` to `folder`, the audio first, so that a lone JSON file never lies."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "text": one.text,
            "samples": len(one.samples),
            "end_s": round(one.end_s, 3),
            "chars": [[round(start, 3), round(end, 3)] for start, end in one.chars],
        }
        for one in every
    ]
    write(folder / f"{name}.alaw", b"".join(encode(one.samples) for one in every))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write(folder / f"{name}.jsonl", text.encode())


def load(folder: Path, name: str) -> list[Utterance]:
    """Read the set `name`; RecipeError if it is missing or its files do not fit."""
    path = folder / f"{name}.jsonl"
    if not path.exists():
        raise RecipeError(f"{path} is missing; make it with `python -m asr_models.recipe voices`")
    samples = decode((folder / f"{name}.alaw").read_bytes())
    found: list[Utterance] = []
    at = 0
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        chars = tuple((float(start), float(end)) for start, end in row["chars"])
        sound = np.asarray(samples[at : at + row["samples"]], np.int16)
        found.append(Utterance(row["text"], sound, row["end_s"], chars))
        at += row["samples"]
    if at != len(samples):
        raise RecipeError(f"{folder}/{name}.alaw has {len(samples)} samples, its list {at}")
    return found


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(data)
    part.replace(path)
