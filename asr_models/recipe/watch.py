"""How many units a network gets wrong on clips it was not trained on, without a language model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from asr_models.recipe import clips, telephone
from asr_models.recipe.clips import Clip
from asr_models.recipe.mfcc import RATE, mfcc
from asr_models.recipe.phones import NOISE, UNIT_IDS

EACH = 60
BLANK_PENALTY = 1.5
Score = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Set:
    """Clips of one kind to watch."""

    name: str
    clips: list[Clip]
    snr_db: float | None = None


def sets(folder: Path) -> list[Set]:
    """Return the development clips of the voice and of both recorded speakers."""
    voice = [
        clip
        for source in ("base", "turns")
        for clip in clips.load(sorted((folder / source).glob("*.npz")))
        if clip.dev
    ]
    words = clips.load([folder / "recorded" / "words.npz"])
    natural = [clip for clip in voice if clip.natural][:EACH]
    return [
        Set("natural", natural),
        Set("natural, 15 dB", natural, 15.0),
        Set("pseudo-speakers", [clip for clip in voice if not clip.natural][:EACH]),
        Set("recorded words", [clip for clip in words if clip.dev][: 2 * EACH]),
    ]


def unit_error(score: Score, held: Set) -> float:
    """Return the unit error rate of greedy decoding; `score` gives log probabilities."""
    wrong = total = 0
    for number, clip in enumerate(held.clips):
        features = torch.from_numpy(mfcc(_heard(clip, held.snr_db, number)))[None]
        log_probs = score(features)[0].clone()
        log_probs[:, 0] -= BLANK_PENALTY
        best = log_probs.argmax(dim=1).numpy()
        found = [int(unit) for unit in best if unit not in (0, UNIT_IDS[NOISE])]
        wrong += distance(found, [int(unit) for unit in clip.units])
        total += len(clip.units)
    return wrong / max(total, 1)


def _heard(clip: Clip, snr_db: float | None, seed: int) -> telephone.Floats:
    quiet = np.zeros(RATE // 3, np.float32)
    sound = np.concatenate([quiet, clip.samples.astype(np.float32), quiet])
    if snr_db is not None:
        noise = telephone.coloured(np.random.default_rng(seed), len(sound), 0.0)
        sound = telephone.add_noise(sound, noise, snr_db, telephone.level(sound))
    return telephone.alaw(sound)


def distance(left: list[int], right: list[int]) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]
