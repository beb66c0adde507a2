"""Stretches of telephone audio for training, composed anew from clips at every step.

A stretch of ten seconds is silence, sentences of one kind of speaker, gaps, and now and then a
noise that is no speech (`spn`), then sent through a made-up telephone line.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr_models.recipe import telephone
from asr_models.recipe.clips import Clip
from asr_models.recipe.mfcc import BINS, FFT, RATE, mfcc
from asr_models.recipe.noises import outburst
from asr_models.recipe.phones import NOISE, UNIT_IDS

STRETCH_S = 10.0
SAMPLES = int(STRETCH_S * RATE)
WARPS = (0.88, 0.91, 0.94, 0.97, 1.0, 1.03, 1.06, 1.09, 1.12)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Piece:
    """Units somewhere in a stretch, in samples; `aligned` if each unit's place is known."""

    units: NDArray[np.uint8]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    aligned: bool


@dataclass
class Stretch:
    """Audio and what is in it."""

    samples: Floats
    pieces: list[Piece] = field(default_factory=list)


@dataclass(frozen=True)
class Stock:
    """The clips to compose from, by kind."""

    natural: list[Clip]
    others: list[Clip]
    recorded: list[Clip]
    share: float = 0.2
    """How much of the audio is recorded."""

    def kind(self, chance: np.random.Generator) -> list[Clip]:
        """Draw whose clips a stretch is made of."""
        shares = np.array([0.475 * (1 - self.share), 0.525 * (1 - self.share), self.share]) * [
            bool(one) for one in self._kinds()
        ]
        return self._kinds()[chance.choice(3, p=shares / shares.sum())]

    def _kinds(self) -> tuple[list[Clip], list[Clip], list[Clip]]:
        return self.natural, self.others, self.recorded


def stretch(chance: np.random.Generator, stock: Stock) -> Stretch:
    """Compose one stretch: pieces placed, no line effects yet."""
    out = Stretch(np.zeros(SAMPLES, np.float32))
    kind = stock.kind(chance)
    at = int(min(chance.exponential(0.2), 2.0) * RATE)
    pace = chance.uniform(0.87, 1.18) if kind is stock.recorded else 1.0
    while True:
        if chance.random() < 0.1:
            at = _place_noise(chance, out, at)
        clip = _fitting(chance, kind, SAMPLES - at - RATE // 5)
        if clip is None:
            return out
        at = _place(chance, out, clip, at, pace) + _gap(chance, close=kind is stock.recorded)


def _fitting(chance: np.random.Generator, kind: list[Clip], room: int) -> Clip | None:
    for _ in range(8):
        clip = kind[int(chance.integers(len(kind)))]
        if len(clip.samples) * 1.2 < room:
            return clip
    return None


def _gap(chance: np.random.Generator, close: bool) -> int:
    if close or chance.random() < 0.45:
        return int(max(0.0, chance.normal(0.1, 0.1)) * RATE)
    return int(min(0.15 + chance.exponential(0.35), 2.5) * RATE)


def _place(chance: np.random.Generator, out: Stretch, clip: Clip, at: int, pace: float) -> int:
    sound = clip.samples.astype(np.float32)
    if pace != 1.0:
        pace *= chance.uniform(0.97, 1.03)
        places = np.arange(int(len(sound) / pace)) * pace
        sound = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    end = at + len(sound)
    out.samples[at:end] += sound * np.float32(10 ** (chance.normal(0, 1.5) / 20))
    starts, ends = clip.starts / pace + at, np.minimum(clip.ends / pace + at, end)
    placed = starts.astype(np.int32), ends.astype(np.int32)
    out.pieces.append(Piece(clip.units, *placed, clip.aligned))
    return end


def _place_noise(chance: np.random.Generator, out: Stretch, at: int) -> int:
    sound = outburst(chance) * np.float32(chance.uniform(300, 4000))
    if at + len(sound) + RATE // 2 > SAMPLES:
        return at
    out.samples[at : at + len(sound)] += sound
    unit = np.array([UNIT_IDS[NOISE]], np.uint8)
    place = np.array([at], np.int32), np.array([at + len(sound)], np.int32)
    out.pieces.append(Piece(unit, *place, aligned=False))
    return at + len(sound) + int(chance.uniform(0.0, 0.5) * RATE)


def line(chance: np.random.Generator, samples: Floats, stock: Stock) -> Floats:
    """Return `samples` as they come out of a telephone line; a tenth of all lines are clean."""
    spoken = samples[samples != 0]
    speech = telephone.level(spoken) if len(spoken) else 1.0
    wanted = 10 ** chance.uniform(np.log10(150), np.log10(6000))
    out = samples * np.float32(wanted / speech)
    if chance.random() < 0.1:
        return telephone.rounded(out)
    if chance.random() < 0.2:
        out = telephone.room(chance, out)
    if chance.random() < 0.65:
        out = telephone.add_noise(
            out, _background(chance, len(out), stock), chance.uniform(5, 35), wanted
        )
    if chance.random() < 0.12:
        out = telephone.lose_packets(chance, out, chance.uniform(0.005, 0.05))
    draw = chance.random()
    if draw < 0.55:
        return telephone.alaw(out)
    return telephone.ulaw(out) if draw < 0.75 else telephone.rounded(out)


def _background(chance: np.random.Generator, count: int, stock: Stock) -> Floats:
    draw = chance.random()
    if draw < 0.4:
        return telephone.coloured(chance, count, 0.0)
    if draw < 0.75:
        return telephone.coloured(chance, count, chance.uniform(0.3, 1.0))
    every = stock.others or stock.natural
    babble = np.zeros(count, np.float32)
    for _ in range(int(chance.integers(2, 6))):
        clip = every[int(chance.integers(len(every)))]
        rolled = np.roll(clip.samples, int(chance.integers(len(clip.samples))))
        babble += np.resize(rolled, count)
    return babble


def features(chance: np.random.Generator, samples: Floats, natural: bool) -> Floats:
    """Return (frames, 40) MFCC, half of the time through another microphone or vocal tract."""
    tilt = None
    if chance.random() < 0.5:
        tilt = telephone.band_tilt(chance, FFT // 2 + 1)
    warped = chance.random() < (0.2 if natural else 0.7)
    warp = float(chance.choice(WARPS)) if warped else 1.0
    found = mfcc(samples, warp, tilt)
    assert found.shape[1] == BINS
    return found
