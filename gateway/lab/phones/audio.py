"""A-law (ITU-T G.711), tones and the Goertzel measure of how much of a sound is one tone."""

from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gateway.lab.phones.rtp import FRAME_SAMPLES

RATE = 8000
SILENCE = bytes([0xD5]) * FRAME_SAMPLES
"""20 ms of A-law silence."""

Pcm = npt.NDArray[np.int16]


def _expand(code: int) -> int:
    """Expand one A-law octet to 16-bit PCM (G.711 table 1a, even bits inverted)."""
    code ^= 0x55
    exponent, mantissa = code >> 4 & 0x07, code & 0x0F
    magnitude = (mantissa << 4) + 8
    if exponent:
        magnitude = (magnitude + 0x100) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


_TO_PCM: Pcm = np.array([_expand(code) for code in range(256)], dtype=np.int16)
_CODES = np.argsort(_TO_PCM).astype(np.uint8)
_LEVELS = _TO_PCM[_CODES].astype(np.int32)
_BETWEEN = (_LEVELS[1:] + _LEVELS[:-1]) // 2


def decode(alaw: bytes) -> Pcm:
    """A-law octets to 16-bit PCM at the same rate."""
    return _TO_PCM[np.frombuffer(alaw, dtype=np.uint8)]


def encode(pcm: npt.NDArray[np.generic]) -> bytes:
    """16-bit PCM to the nearest A-law octets."""
    return _CODES[np.searchsorted(_BETWEEN, pcm.astype(np.int32))].tobytes()


def rms(pcm: Pcm) -> float:
    """Root mean square, 0 to 32768; 0 for no samples."""
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2))) if len(pcm) else 0.0


def tone_share(pcm: Pcm, freq_hz: float) -> float:
    """How much of the sound's energy is at `freq_hz`: 1.0 for a pure tone, near 0 for none.

    The window's length sets how near another tone may lie: 200 ms tells 10 Hz apart.
    """
    samples = pcm.astype(np.float64)
    energy = float(np.dot(samples, samples))
    if energy == 0.0:
        return 0.0
    turn = np.exp(-2j * np.pi * freq_hz / RATE * np.arange(len(samples)))
    return float(2 * abs(np.dot(samples, turn)) ** 2 / (len(samples) * energy))


@lru_cache(maxsize=32)
def tone_second(freq_hz: int, amplitude: int) -> bytes:
    """One second of a tone in A-law; a whole number of Hz, so that it loops without a click."""
    turn = 2 * np.pi * freq_hz / RATE * np.arange(RATE)
    return encode(np.round(amplitude * np.sin(turn)))


class Source(Protocol):
    """Where the next 20 ms come from."""

    def next_frame(self) -> bytes | None:
        """Return 160 A-law octets, or None when there are no more."""
        ...


class Tone:
    """A tone that goes on until another source takes its place."""

    def __init__(self, freq_hz: int, amplitude: int = 8000) -> None:
        self._second = tone_second(freq_hz, amplitude)
        self._at = 0

    def next_frame(self) -> bytes:
        frame = self._second[self._at : self._at + FRAME_SAMPLES]
        self._at = (self._at + FRAME_SAMPLES) % RATE
        return frame


class Recording:
    """A-law octets played once; the last frame is filled up with silence."""

    def __init__(self, alaw: bytes) -> None:
        self._alaw = alaw
        self._at = 0

    def next_frame(self) -> bytes | None:
        frame = self._alaw[self._at : self._at + FRAME_SAMPLES]
        self._at += FRAME_SAMPLES
        return frame + SILENCE[len(frame) :] if frame else None
