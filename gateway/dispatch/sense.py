"""What an utterance means to the encoder, and what that says of class and urgency.

The encoder's states are averaged over an utterance, and over the caller's utterances by length;
linear heads read the average, so each piece's share in a score is known exactly.
"""

from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import threadpoolctl as untyped_threadpoolctl
from numpy.typing import NDArray

from gateway.dispatch import encoder_file
from gateway.dispatch.datafile import packaged
from gateway.dispatch.encoder import LONGEST, Encoder, Floats, Piece, Pieces
from gateway.dispatch.fold import STOP, Folded
from gateway.errors import ConfigError

threadpoolctl: Any = untyped_threadpoolctl

WINDOWS = 4
"""Windows read of an utterance: with `LONGEST` pieces each, far more than people say at once."""
_START = "\u2581"
"""SentencePiece's sign for the start of a text."""
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, BadZipFile)


class Sense(NamedTuple):
    """`states` (pieces, width) of an utterance; a piece lies at folded `[start, end)`."""

    states: Floats
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    total: Floats
    """Sum of the states, less the usual state of a piece."""


class Senses:
    """Encoder and heads; immutable, shared by threads."""

    def __init__(
        self,
        encoder: Encoder,
        heads: dict[str, list[str]],
        weights: dict[str, tuple[Floats, Floats]],
        centre: Floats,
        version: str,
    ) -> None:
        """Take heads as names and (weights (width, names), bias (names)) by head."""
        self.encoder = encoder
        self.heads = heads
        self.weights = weights
        self.centre = centre
        self.version = version

    def read(self, folded: Folded) -> Sense:
        """Return what an utterance means; bounded, whatever its length."""
        text = _START + folded.chars[: 4 * WINDOWS * LONGEST].replace(STOP, "，")
        pieces = self.encoder.pieces.cut(text)[: WINDOWS * LONGEST]
        parts = [pieces[at : at + LONGEST] for at in range(0, len(pieces), LONGEST)]
        states = np.concatenate([self._states(part) for part in parts])
        start = np.array([max(0, p.start - 1) for part in parts for p in _ends(part)], np.int32)
        end = np.array([max(0, p.end - 1) for part in parts for p in _ends(part)], np.int32)
        return Sense(states, start, end, (states - self.centre).sum(axis=0))

    def scores(self, head: str, total: Floats, pieces: int) -> Floats:
        """Return a head's scores for the sum of `pieces` states."""
        weights, bias = self.weights[head]
        return np.asarray(total / max(pieces, 1) @ weights + bias, dtype=np.float32)

    def column(self, head: str, name: str) -> Floats:
        """Return a name's weights against the mean of the head's others."""
        weights = self.weights[head][0]
        at = self.heads[head].index(name)
        return np.asarray(weights[:, at] - weights.mean(axis=1), dtype=np.float32)

    def contribution(self, sense: Sense, column: Floats, length: int) -> Floats:
        """Return, for each of `length` folded characters, how much it speaks for `column`."""
        share = (sense.states - self.centre) @ column / len(sense.states)
        steps = np.zeros(length + 1, dtype=np.float64)
        held = (sense.end > sense.start) & (sense.end <= length)
        share, start, end = share[held], sense.start[held], sense.end[held]
        share = share / (end - start)
        np.add.at(steps, start, share)
        np.subtract.at(steps, end, share)
        return np.cumsum(steps)[:length].astype(np.float32)

    def _states(self, part: list[Piece]) -> Floats:
        rows = np.array([[0, *(piece.row for piece in part), 1]], dtype=np.int64)
        return np.asarray(self.encoder.states(rows)[0])


def _ends(part: list[Piece]) -> list[Piece]:
    """Add the pieces that begin and end a text; they stand for no character."""
    first, last = Piece(0, part[0].start, part[0].start), Piece(1, part[-1].end, part[-1].end)
    return [first, *part, last]


def load(path: Path | None = None) -> Senses:
    """Read encoder and heads (default: the shipped ones); ConfigError names file and fix.

    From then on numpy multiplies on one core: the matrices are so small that a second one only
    spins (three times the processor time for the same result as soon).
    """
    threadpoolctl.threadpool_limits(limits=1, user_api="blas")
    path = path or packaged("encoder.npz")
    try:
        held = encoder_file.read(path)
        pieces = Pieces(held.texts, held.scores)
        encoder = Encoder(pieces, held.table, held.position, held.first_norm, held.graph)
        return Senses(encoder, held.heads, held.weights, held.centre, held.version)
    except _UNREADABLE as error:
        fix = "take the file of this release, or make it again as docs/dispatch.md says"
        raise ConfigError(f"{path}: not a dispatch encoder ({error}); {fix}") from error
