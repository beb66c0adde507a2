"""What a telephone line does to speech: codecs, band, noise, reverberation, lost packets.

All on arrays of float32 in 16-bit scale at 8 kHz.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
PACKET = 160
"""Samples in 20 ms."""


def alaw(samples: Floats) -> Floats:
    """Return `samples` coded and decoded by ITU-T G.711 A-law."""
    return _through(_alaw_table(), samples)


def ulaw(samples: Floats) -> Floats:
    """Return `samples` coded and decoded by ITU-T G.711 µ-law."""
    return _through(_ulaw_table(), samples)


def rounded(samples: Floats) -> Floats:
    """Return `samples` as 16-bit integers would hold them."""
    held: Floats = np.rint(np.clip(samples, -32768, 32767)).astype(np.float32)
    return held


def _through(table: Floats, samples: Floats) -> Floats:
    codes = np.rint(np.clip(samples, -32768, 32767)).astype(np.int32)
    heard: Floats = table[codes + 32768]
    return heard


@cache
def _alaw_table() -> Floats:
    # 13 bits: the lower two segments have steps of 2, each further one twice that of the last.
    value = np.arange(-32768, 32768) >> 3
    size = np.where(value >= 0, value, -value - 1)
    segment = np.where(size < 32, 0, np.floor(np.log2(np.maximum(size, 1))).astype(int) - 4)
    step = 2 << np.maximum(segment - 1, 0)
    middle = (size // step) * step + step // 2
    table: Floats = np.asarray(np.where(value >= 0, middle, -middle) * 8, np.float32)
    return table


@cache
def _ulaw_table() -> Floats:
    value = np.arange(-32768, 32768) >> 2
    size = np.minimum(np.abs(value), 8158) + 33
    step = 2 << (np.floor(np.log2(size)).astype(int) - 5)
    middle = (size // step) * step + step // 2 - 33
    table: Floats = np.asarray(np.where(value >= 0, middle, -middle) * 4, np.float32)
    return table


def level(samples: Floats) -> float:
    """Return the root mean square of `samples`."""
    return float(np.sqrt(np.mean(np.square(samples)) + 1e-6))


def add_noise(samples: Floats, noise: Floats, snr_db: float, speech_level: float) -> Floats:
    """Return `samples` with `noise` scaled to lie `snr_db` below `speech_level`."""
    gain = speech_level / level(noise) * 10 ** (-snr_db / 20)
    mixed: Floats = samples + noise * np.float32(gain)
    return mixed


def coloured(chance: np.random.Generator, count: int, slope: float) -> Floats:
    """Return `count` samples of noise whose amplitude falls with frequency^`slope`; 0 is white."""
    white = chance.standard_normal(count, np.float32)
    if slope == 0:
        return white
    spectrum = np.fft.rfft(white)
    spectrum *= (np.arange(len(spectrum)) + 1.0) ** -slope
    return np.fft.irfft(spectrum, count).astype(np.float32)


def band_tilt(chance: np.random.Generator, bins: int) -> Floats:
    """Return a power gain for each of `bins` from 0 to 4 kHz: band edges and a rough microphone."""
    low, high = chance.uniform(60, 350), chance.uniform(3100, 3800)
    knots = np.array([0, low / 2, low, 700, 1400, 2100, high, min(high * 1.08, 3950), 4000])
    gains = np.cumsum(chance.normal(0, 2.0, 5))
    gains -= gains.mean()
    decibels = np.concatenate([[-40, -20], gains, [-25, -40]])
    gain: Floats = 10 ** (np.interp(np.linspace(0, 4000, bins), knots, decibels) / 10)
    return gain.astype(np.float32)


def room(chance: np.random.Generator, samples: Floats) -> Floats:
    """Return `samples` with the decaying echo of a small room."""
    size = int(chance.uniform(400, 2000))
    decay = np.exp(-np.arange(size) / (size / 5))
    echo = chance.standard_normal(size) * decay * chance.uniform(0.02, 0.12)
    echo[0] = 1
    width = 1 << (len(samples) + size - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, width) * np.fft.rfft(echo, width), width)
    return wet[: len(samples)].astype(np.float32)


def lose_packets(chance: np.random.Generator, samples: Floats, share: float) -> Floats:
    """Return `samples` with `share` of its packets silent or repeated from the one before."""
    out = samples.copy()
    for start in np.flatnonzero(chance.random(len(samples) // PACKET) < share) * PACKET:
        before = out[start - PACKET : start] if start and chance.random() < 0.5 else 0.0
        out[start : start + PACKET] = before
    return out
