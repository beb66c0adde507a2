"""Silence around an utterance of the evaluation, and noise over it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from asr_models.recipe import telephone
from asr_models.recipe.utterances import RATE, Utterance

LEAD_S, TAIL_S = 0.3, 1.5
NOISE_DB = 15.0


def framed(one: Utterance) -> Utterance:
    """Return the utterance with silence before and after its samples."""
    lead, tail = np.zeros(int(LEAD_S * RATE)), np.zeros(int(TAIL_S * RATE))
    samples = np.concatenate([lead, one.samples, tail]).astype(np.int16)
    return replace(one, samples=samples)


def _noisy(one: Utterance, seed: int) -> Utterance:
    """Return the utterance with white noise over all of it, NOISE_DB below its speech."""
    sound = one.samples.astype(np.float32)
    speech = sound[int(LEAD_S * RATE) : int(one.end_s * RATE)]
    noise = telephone.coloured(np.random.default_rng(seed), len(sound), 0)
    mixed = telephone.add_noise(sound, noise, NOISE_DB, telephone.level(speech))
    return replace(one, samples=telephone.rounded(mixed).astype(np.int16))


def in_noise(every: Iterable[Utterance], seed: int) -> Iterator[Utterance]:
    """Yield each of `every` in white noise of its own, NOISE_DB below its speech."""
    return (_noisy(one, seed + number) for number, one in enumerate(every))
