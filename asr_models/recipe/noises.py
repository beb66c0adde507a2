"""Short sounds that are not speech: what `[unk]` stands for."""

import numpy as np
from numpy.typing import NDArray

from asr_models.recipe.mfcc import RATE
from asr_models.recipe.telephone import coloured, level

Floats = NDArray[np.float32]


def outburst(chance: np.random.Generator) -> Floats:
    """Return 0.15-0.9 s of a burst, hum, cough, click train or beep with level 1."""
    kinds = (_burst, _hum, _cough, _clicks, _beep)
    count = int(chance.uniform(0.15, 0.9) * RATE)
    sound = kinds[int(chance.integers(len(kinds)))](chance, count)
    fade = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / 80)
    faded: Floats = (sound * fade / level(sound)).astype(np.float32)
    return faded


def _burst(chance: np.random.Generator, count: int) -> Floats:
    return coloured(chance, count, chance.uniform(0, 1)) * _swell(chance, count)


def _hum(chance: np.random.Generator, count: int) -> Floats:
    """A voice without words: harmonics of a wavering pitch, no formant movement."""
    pitch = chance.uniform(90, 280) * (1 + 0.05 * np.sin(np.arange(count) / RATE * 20))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    slope = chance.uniform(0.8, 2)
    tones = [np.sin(k * phase) * k**-slope for k in range(1, int(3600 / pitch.max()))]
    swelling: Floats = np.sum(tones, axis=0) * _swell(chance, count)
    return swelling.astype(np.float32)


def _cough(chance: np.random.Generator, count: int) -> Floats:
    decay = np.exp(-np.arange(count) / (RATE * chance.uniform(0.03, 0.1)))
    again = int(count * chance.uniform(0.3, 0.7))
    envelope = decay.copy()
    envelope[again:] += 0.7 * decay[: count - again]
    return (coloured(chance, count, chance.uniform(0.2, 0.7)) * envelope).astype(np.float32)


def _clicks(chance: np.random.Generator, count: int) -> Floats:
    hits = (chance.random(count) < chance.uniform(5, 40) / RATE).astype(np.float32)
    hits[count // 2] = 1
    ring = np.exp(-np.arange(200) / chance.uniform(5, 40)) * np.sin(
        np.arange(200) * chance.uniform(0.3, 2.5)
    )
    return np.convolve(hits, ring, "same").astype(np.float32)


def _beep(chance: np.random.Generator, count: int) -> Floats:
    low, high = chance.uniform(300, 1000), chance.uniform(1000, 2500)
    time = 2 * np.pi * np.arange(count) / RATE
    return (np.sin(low * time) + chance.uniform(0, 1) * np.sin(high * time)).astype(np.float32)


def _swell(chance: np.random.Generator, count: int) -> Floats:
    knots = chance.uniform(0.1, 1.0, 5)
    return np.interp(np.linspace(0, 4, count), np.arange(5), knots).astype(np.float32)
