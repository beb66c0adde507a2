"""Windows in which units may be emitted: whatever the durations, they can be and in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr_models.recipe import windows
from asr_models.recipe.compose import Piece
from asr_models.recipe.phones import UNIT_IDS

SYLLABLES = [("b", "a4"), ("uo3",), ("zh", "ong1"), ("er5",), ("l", "e5")]


def piece(spoken: list[int], lengths: list[int], start: int) -> Piece:
    units = [unit for i in spoken for unit in SYLLABLES[i]]
    ends = start + np.cumsum([lengths[i % len(lengths)] for i in range(len(units))])
    starts = np.concatenate([[start], ends[:-1]])
    ids = np.array([UNIT_IDS[unit] for unit in units], np.uint8)
    return Piece(ids, starts.astype(np.int32), ends.astype(np.int32), aligned=True)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=12),
    st.lists(st.integers(40, 4000), min_size=1, max_size=7),
    st.integers(0, 5000),
)
def test_every_unit_can_be_emitted_and_windows_do_not_overlap(
    spoken: list[int], lengths: list[int], start: int
) -> None:
    given_piece = piece(spoken, lengths, start)
    found = windows.rows([given_piece], frames=10_000)
    assert [label for row in found for label in row[2]] == given_piece.units.tolist()
    end = 0
    for begin, size, labels, low, high in found:
        assert begin >= end
        end = begin + size
        assert size >= len(labels)
        emitted = -1
        for a, b in zip(low, high, strict=True):
            emitted = max(emitted + 1, a)
            assert emitted < b <= size


def test_units_are_placed_where_they_sound() -> None:
    # An initial of 0.1 s from 1.0 s on, a final of 0.3 s.
    found = windows.rows([piece([0], [800, 2400], 8000)], frames=1000)
    ((begin, _, _, low, high),) = found
    assert begin == round(windows.frame_of(8000)) + windows.DELAY
    seconds = [(begin + frame) * 0.03 for frame in (low[0], high[0], low[1], high[1])]
    assert 1.0 <= seconds[0] <= 1.05
    assert seconds[1] <= 1.2
    assert 1.15 <= seconds[2] <= 1.3
    assert 1.4 <= seconds[3] <= 1.47


def test_a_recorded_word_is_one_window_with_free_places() -> None:
    units = np.array([UNIT_IDS[unit] for unit in ("n", "i3", "h", "ao3")], np.uint8)
    whole = Piece(units, np.full(4, 2400, np.int32), np.full(4, 9600, np.int32), aligned=False)
    ((_, size, labels, low, high),) = windows.rows([whole], frames=100)
    assert len(labels) == 4
    assert (low, high) == ([0] * 4, [size] * 4)


def test_what_does_not_fit_is_left_out() -> None:
    given_piece = piece([0, 0], [800, 2400], 0)
    assert len(windows.rows([given_piece], frames=20)) == 1
