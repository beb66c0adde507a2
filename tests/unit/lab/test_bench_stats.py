"""Percentiles and the bootstrap of their ratio."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lab.bench.stats import ratio, summary

times = st.lists(st.floats(0.1, 1000), min_size=1, max_size=50)


def test_percentiles_interpolate_between_neighbours() -> None:
    made = summary([float(ms) for ms in range(1, 102)])
    assert (made.n, made.p50, made.p95, made.max) == (101, 51.0, 96.0, 101.0)


def test_one_value_is_every_percentile() -> None:
    made = summary([7.0])
    assert (made.p50, made.p95, made.max) == (7.0, 7.0, 7.0)


@given(times)
def test_a_summary_is_in_order_whatever_order_the_calls_came_in(values: list[float]) -> None:
    made = summary(values)
    assert min(values) <= made.p50 <= made.p95 <= made.max == max(values)
    assert summary(sorted(values)) == made


def test_nothing_measured_is_said_and_not_guessed() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        summary([])
    with pytest.raises(ValueError, match="nothing to compare"):
        ratio([1.0], [], 95)


def test_the_ratio_is_ours_over_theirs() -> None:
    made = ratio([30.0] * 10, [20.0] * 10, 95)
    assert (made.value, made.low, made.high) == (1.5, 1.5, 1.5)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    draw, held = np.random.default_rng(1), 0
    for _ in range(60):
        ours, theirs = 2 * draw.exponential(10, 60) + 5, draw.exponential(10, 60) + 2.5
        made = ratio(list(ours), list(theirs), 50)
        held += made.low <= 2.0 <= made.high
    assert held >= 52  # of 60 at 95 %; fewer by chance once in a thousand


@given(times, times)
def test_the_same_measurements_give_the_same_interval(ours: list[float], them: list[float]) -> None:
    assert ratio(ours, them, 95) == ratio(ours, them, 95)
    assert ratio(ours, them, 95).low <= ratio(ours, them, 95).high
