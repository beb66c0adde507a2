"""Sounds for the speech tests: 16 kHz, 16-bit, mono."""

import numpy as np

from gateway.media.audiosocket_codec import SAMPLE_RATE


def voice(ms: int, db: float = -15.0) -> bytes:
    """A 440 Hz tone, `db` below full scale, which the fake engine hears as words."""
    time = np.arange(SAMPLE_RATE * ms // 1000) / SAMPLE_RATE
    return _pcm(np.sin(2 * np.pi * 440 * time) * 2**0.5 * 10 ** (db / 20))


def noise(ms: int, db: float) -> bytes:
    """White noise, `db` below full scale."""
    samples = np.random.default_rng(7).normal(size=SAMPLE_RATE * ms // 1000)
    return _pcm(samples * 10 ** (db / 20))


def silence(ms: int) -> bytes:
    """Digital silence."""
    return bytes(SAMPLE_RATE // 1000 * ms * 2)


def mix(first: bytes, second: bytes) -> bytes:
    """Both at once; as long as the shorter."""
    size = min(len(first), len(second))
    a, b = (np.frombuffer(part[:size], "<i2").astype(np.int32) for part in (first, second))
    return bytes(np.clip(a + b, -32767, 32767).astype("<i2").tobytes())


def frames(pcm: bytes, ms: int = 20) -> list[bytes]:
    """`pcm` cut as a tap sends it."""
    step = SAMPLE_RATE // 1000 * ms * 2
    return [pcm[at : at + step] for at in range(0, len(pcm), step)]


def _pcm(samples: np.ndarray) -> bytes:
    return bytes(np.clip(samples * 32767, -32767, 32767).astype("<i2").tobytes())
