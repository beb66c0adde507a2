"""Percentiles of small samples, and how sure a ratio of two percentiles is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 4000
_SEED = 12345
"""Fixed, so that the same measurements always give the same report."""


@dataclass(frozen=True)
class Summary:
    """`n` measurements in milliseconds."""

    n: int
    p50: float
    p95: float
    max: float


@dataclass(frozen=True)
class Ratio:
    """One percentile of ours over the other's, with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def summary(values: Sequence[float]) -> Summary:
    """Summarise at least one value. Percentiles interpolate linearly between neighbours."""
    if not values:
        raise ValueError("nothing was measured")
    p50, p95 = np.percentile(values, (50, 95))
    return Summary(len(values), float(p50), float(p95), float(max(values)))


def ratio(ours: Sequence[float], theirs: Sequence[float], percentile: float) -> Ratio:
    """Compare one percentile of two samples: percentile bootstrap (Efron and Tibshirani, 1993).

    The samples are resampled apart, as they come from calls that have nothing in common.
    """
    if not ours or not theirs:
        raise ValueError("nothing to compare")
    draw = np.random.default_rng(_SEED)
    drawn = _resampled(ours, percentile, draw) / _resampled(theirs, percentile, draw)
    low, high = np.percentile(drawn, (2.5, 97.5))
    value = np.percentile(ours, percentile) / np.percentile(theirs, percentile)
    return Ratio(float(value), float(low), float(high))


def _resampled(
    values: Sequence[float], percentile: float, draw: np.random.Generator
) -> npt.NDArray[np.float64]:
    picked = draw.choice(np.asarray(values, dtype=np.float64), (RESAMPLES, len(values)))
    found: npt.NDArray[np.float64] = np.percentile(picked, percentile, axis=1)
    return found
