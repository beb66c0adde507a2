"""Kaldi's MFCC at 8 kHz as `conf/mfcc.conf` asks for: 40 of 40, no energy, no dither.

The same numbers as Kaldi's `compute-mfcc-feats` (feature-functions.cc, mel-computations.cc) to
float precision, since Vosk computes them again from the same audio.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE, SIZE, SHIFT, FFT = 8_000, 200, 80, 256
BINS = 40
LOW_HZ, HIGH_HZ = 40.0, 3_800.0
_LIFTER, _EMPHASIS, _FLOOR = 22.0, 0.97, 1.1920929e-07

Floats = NDArray[np.float32]


def frames(samples: int) -> int:
    """Return how many frames `samples` give (Kaldi's snip-edges)."""
    return 1 + (samples - SIZE) // SHIFT if samples >= SIZE else 0


def mfcc(samples: Floats, warp: float = 1.0, tilt: Floats | None = None) -> Floats:
    """Return (frames, 40) of `samples` in 16-bit scale.

    `warp` stretches the frequency axis (another vocal tract); `tilt` is a gain for each of the
    129 power bins (another microphone).
    """
    count = frames(len(samples))
    view = np.lib.stride_tricks.sliding_window_view(samples, SIZE)[::SHIFT][:count]
    parts = view @ _analysis()
    half = FFT // 2 + 1
    power = parts[:, :half] ** 2 + parts[:, half:] ** 2
    if tilt is not None:
        power *= tilt
    energies = np.log(np.maximum(power @ _bank(warp), np.float32(_FLOOR)))
    cepstra: Floats = energies @ _cosines()
    return cepstra


@cache
def _analysis() -> Floats:
    """Mean removal, pre-emphasis, Povey window and DFT as one matrix, (200, 2 x 129)."""
    ramp = 2 * np.pi * np.arange(SIZE) / (SIZE - 1)
    window = np.power(0.5 - 0.5 * np.cos(ramp), 0.85)
    emphasis = np.eye(SIZE) - _EMPHASIS * np.eye(SIZE, k=-1)
    emphasis[0, 0] = 1 - _EMPHASIS
    prepared = window[:, None] * (emphasis @ (np.eye(SIZE) - 1 / SIZE))
    spectrum = np.fft.rfft(prepared, n=FFT, axis=0)
    return np.concatenate([spectrum.real.T, spectrum.imag.T], axis=1).astype(np.float32)


def _mel(hertz: float) -> float:
    return 1127.0 * float(np.log1p(hertz / 700.0))


@cache
def _bank(warp: float) -> Floats:
    low, high = _mel(LOW_HZ), _mel(HIGH_HZ)
    step = (high - low) / (BINS + 1)
    mels = np.array([_mel(RATE / FFT * i / warp) for i in range(FFT // 2 + 1)])
    mels[-1] = np.inf  # Kaldi leaves out the bin at half the rate
    left = low + step * np.arange(BINS)
    rising, falling = (mels[:, None] - left) / step, (left + 2 * step - mels[:, None]) / step
    bank: Floats = np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
    return bank


@cache
def _cosines() -> Floats:
    order = np.arange(BINS)[:, None]
    turn = np.cos(np.pi / BINS * (np.arange(BINS) + 0.5) * order) * np.sqrt(2 / BINS)
    turn[0] = np.sqrt(1 / BINS)
    lifted = turn * (1 + 0.5 * _LIFTER * np.sin(np.pi * order / _LIFTER))
    return np.ascontiguousarray(lifted.T, dtype=np.float32)
