"""Place units on output frames: the windows in which the loss lets them be emitted.

An initial is emitted near where it begins, a final towards its end, since Vosk takes a word to
last from its first emission to its last one (or to the next word's first).
"""

import numpy as np
from numpy.typing import NDArray

from asr_models.recipe.compose import Piece
from asr_models.recipe.mfcc import SHIFT, SIZE
from asr_models.recipe.phones import UNIT_IDS

FRAME = 3 * SHIFT
"""Samples between two outputs of the network."""
DELAY = 1
"""Frames by which everything is emitted later than it sounds."""
_FIRST_FINAL = UNIT_IDS["a1"]

Row = tuple[int, int, list[int], list[int], list[int]]
"""Start frame, length, units, and for each the frames [low, high) it may be emitted in."""


def frame_of(sample: float) -> float:
    """Return the output frame whose middle is at `sample`."""
    return (sample - SIZE / 2) / FRAME


def rows(pieces: list[Piece], frames: int) -> list[Row]:
    """Return the windows of a stretch of `frames` outputs, in order, none overlapping.

    What does not fit before `frames` is left out with everything after it.
    """
    out: list[Row] = []
    free = 0
    for piece in pieces:
        for row in _aligned(piece, free) if piece.aligned else [_whole(piece, free)]:
            free = row[0] + row[1]
            if free > frames:
                return out
            out.append(row)
    return out


def _whole(piece: Piece, free: int) -> Row:
    start = max(free, round(frame_of(piece.starts[0])))
    count = len(piece.units)
    end = max(start + count, round(frame_of(piece.ends[-1])) + DELAY + 1)
    size = end - start
    return start, size, [int(u) for u in piece.units], [0] * count, [size] * count


def _aligned(piece: Piece, free: int) -> list[Row]:
    out: list[Row] = []
    for group in syllables(piece.units):
        first, last = group[0], group[-1]
        begin, end = frame_of(piece.starts[first]), frame_of(piece.ends[last])
        start = max(free, round(begin) + DELAY)
        size = max(len(group), round(end) + DELAY - start)
        free = start + size
        low, high = _limits(group, piece, start, size)
        out.append((start, size, [int(piece.units[i]) for i in group], low, high))
    return out


def _limits(group: list[int], piece: Piece, start: int, size: int) -> tuple[list[int], list[int]]:
    if len(group) == 1:
        return [0], [max(1, round(size * 0.7))]
    turn = frame_of(piece.ends[group[0]]) + DELAY - start
    initial_end = min(max(1, round(turn) + 1), size - 1)
    final_low = min(max(1, round(turn + 0.35 * (size - turn))), size - 1)
    return [0, final_low], [initial_end, size]


def syllables(units: NDArray[np.uint8]) -> list[list[int]]:
    """Return the places of units, an initial together with its final."""
    out: list[list[int]] = []
    for place, unit in enumerate(units):
        follows = out and len(out[-1]) == 1 and _is_initial(int(units[out[-1][0]]))
        if follows and not _is_initial(int(unit)):
            out[-1].append(place)
        else:
            out.append([place])
    return out


def _is_initial(unit: int) -> bool:
    return 0 < unit < _FIRST_FINAL
