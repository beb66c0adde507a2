"""Audio clips with their units, many to a file.

One file (`.npz`) holds, for each clip, samples at 8 kHz (int16), its unit ids, and of each unit
the samples between which it sounds; without alignment those are 0 and the clip's length.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIGEST = "digest.txt"
"""Beside the clips of a source: the hash of what they were made from."""


@dataclass(frozen=True)
class Clip:
    """One utterance and its units in order."""

    samples: NDArray[np.int16]
    units: NDArray[np.uint8]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    text: str
    aligned: bool
    natural: bool
    """Spoken by the voice as it is; False for pseudo-speakers and people."""
    dev: bool


def fingerprint(folder: Path) -> str:
    """Return a hash of what all clips under `folder` were made from."""
    notes = sorted(folder.glob(f"*/{DIGEST}"))
    told = "".join(f"{note.parent.name} {note.read_text('utf-8')}\n" for note in notes)
    return hashlib.sha256(told.encode()).hexdigest()


def save(path: Path, clips: list[Clip]) -> None:
    """Write `clips` to `path`, all or nothing."""
    sizes = [len(clip.samples) for clip in clips]
    counts = [len(clip.units) for clip in clips]
    facts = [[clip.text, clip.aligned, clip.natural, clip.dev] for clip in clips]
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            samples=_join([clip.samples for clip in clips], np.int16),
            units=_join([clip.units for clip in clips], np.uint8),
            starts=_join([clip.starts for clip in clips], np.int32),
            ends=_join([clip.ends for clip in clips], np.int32),
            sizes=np.array(sizes, np.int64),
            counts=np.array(counts, np.int64),
            facts=np.frombuffer(json.dumps(facts, ensure_ascii=False).encode(), np.uint8),
        )
    part.replace(path)


def load(paths: Iterable[Path]) -> list[Clip]:
    """Read the clips of all `paths` in order."""
    found: list[Clip] = []
    for path in paths:
        with np.load(path) as held:
            arrays = {name: held[name] for name in held.files}
        facts = json.loads(arrays["facts"].tobytes())
        sound = np.cumsum(arrays["sizes"])[:-1]
        label = np.cumsum(arrays["counts"])[:-1]
        for samples, units, starts, ends, (text, aligned, natural, dev) in zip(
            np.split(arrays["samples"], sound),
            np.split(arrays["units"], label),
            np.split(arrays["starts"], label),
            np.split(arrays["ends"], label),
            facts,
            strict=True,
        ):
            found.append(Clip(samples, units, starts, ends, text, aligned, natural, dev))
    return found


def _join(parts: list[NDArray[np.generic]], kind: type[np.generic]) -> NDArray[np.generic]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
