"""Batches for training: batch number n is the same for the same seed, whoever makes it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from asr_models.recipe import clips
from asr_models.recipe.compose import SAMPLES, Stock, Stretch, features, line, stretch
from asr_models.recipe.loss import Windows
from asr_models.recipe.mfcc import frames
from asr_models.recipe.network import STEP
from asr_models.recipe.windows import Row, rows

OUTPUTS = (frames(SAMPLES) + STEP - 1) // STEP
_SHORT = 30
"""Windows up to so many frames go together; a word's window is longer and goes apart."""


@dataclass(frozen=True)
class Batch:
    """Features (batch, frames, 40), the windows in them, and where there is none."""

    features: Tensor
    windows: list[Windows]
    silent: Tensor


def stock(folder: Path, people: tuple[str, ...], share: float) -> Stock:
    """Return all training clips under `folder`; `people` are the recorded files to use.

    `share` of the audio will be theirs.
    """
    spoken = [
        clip
        for source in ("base", "turns")
        for clip in clips.load(sorted((folder / source).glob("*.npz")))
        if not clip.dev and len(clip.samples) * 1.2 < SAMPLES * 0.8
    ]
    words = clips.load([folder / "recorded" / f"{name}.npz" for name in people])
    return Stock(
        [clip for clip in spoken if clip.natural],
        [clip for clip in spoken if not clip.natural],
        [clip for clip in words if not clip.dev],
        share,
    )


def composed(chance: np.random.Generator, held: Stock) -> tuple[Tensor, list[Row]]:
    """Return the features and the windows of one new stretch."""
    made: Stretch = stretch(chance, held)
    natural = bool(made.pieces) and all(piece.aligned for piece in made.pieces)
    sound = line(chance, made.samples, held)
    return torch.from_numpy(features(chance, sound, natural)), rows(made.pieces, OUTPUTS)


class Batches(Dataset[Batch]):
    """Batch `n` by its number."""

    def __init__(self, held: Stock, size: int, seed: int) -> None:
        self._stock, self._size, self._seed = held, size, seed

    def __getitem__(self, number: int) -> Batch:
        chance = np.random.default_rng([self._seed, number])
        made = [composed(chance, self._stock) for _ in range(self._size)]
        return collate(made)


def collate(made: list[tuple[Tensor, list[Row]]]) -> Batch:
    """Return stretches as one batch, windows flattened over it."""
    silent = torch.ones(len(made), OUTPUTS)
    short: list[Row] = []
    long: list[Row] = []
    for place, (_, found) in enumerate(made):
        for start, size, labels, low, high in found:
            silent[place, start : start + size] = 0.0
            kind = short if size <= _SHORT else long
            kind.append((place * OUTPUTS + start, size, labels, low, high))
    return Batch(
        torch.stack([features for features, _ in made]),
        [windows_of(kind) for kind in (short, long) if kind],
        silent,
    )


def windows_of(found: list[Row]) -> Windows:
    """Return rows as tensors, padded with label 0."""
    most = max(len(row[2]) for row in found)

    def padded(column: list[list[int]]) -> Tensor:
        return torch.tensor([one + [0] * (most - len(one)) for one in column])

    return Windows(
        torch.tensor([row[0] for row in found]),
        torch.tensor([row[1] for row in found]),
        torch.tensor([len(row[2]) for row in found]),
        padded([row[2] for row in found]),
        padded([row[3] for row in found]),
        padded([row[4] for row in found]),
    )
