"""A small language encoder in numpy: what the words of an utterance mean together.

The lower layers of a multilingual BERT-like encoder (Wang et al. 2024, multilingual E5), tuned
on our sentences; docs/dependencies.md names source and licence. Pieces are chosen as
SentencePiece's unigram model does (Kudo 2018): the likeliest way to cut the text.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
LONGEST = 48
"""Pieces read together; a longer text is read in windows of this many."""
_UNKNOWN = -25.0
"""Score of a character that is no piece."""
_HEAD = 32
"""Width of an attention head."""
_EPS = 1e-12


@dataclass(frozen=True)
class Layer:
    """One transformer layer; matrices are (inputs, outputs)."""

    qkv: Floats
    qkv_bias: Floats
    out: Floats
    out_bias: Floats
    norm: tuple[Floats, Floats]
    up: Floats
    up_bias: Floats
    down: Floats
    down_bias: Floats
    last_norm: tuple[Floats, Floats]


class Piece(NamedTuple):
    """Row of the embedding table for characters `[start, end)`."""

    row: int
    start: int
    end: int


class Pieces:
    """The unigram vocabulary; row 0 begins a text, 1 ends it, 2 is unknown."""

    def __init__(self, texts: list[str], scores: Floats) -> None:
        self._at = {text: row for row, text in enumerate(texts) if row > 2}
        self._scores = [float(score) for score in scores]
        lengths: dict[str, set[int]] = defaultdict(set)
        for text in self._at:
            lengths[text[0]].add(len(text))
        self._lengths = {first: sorted(sizes) for first, sizes in lengths.items()}

    def cut(self, chars: str) -> list[Piece]:
        """Return the likeliest cut (Viterbi); cost linear in the length."""
        size = len(chars)
        best = [0.0] + [-1e30] * size
        back: list[tuple[int, int]] = [(0, 2)] * (size + 1)
        for start in range(size):
            here = best[start]
            if here + _UNKNOWN > best[start + 1]:
                best[start + 1], back[start + 1] = here + _UNKNOWN, (start, 2)
            for length in self._lengths.get(chars[start], ()):
                row = self._at.get(chars[start : start + length])
                if row is None or start + length > size:
                    continue
                score = here + self._scores[row]
                if score > best[start + length]:
                    best[start + length], back[start + length] = score, (start, row)
        pieces: list[Piece] = []
        end = size
        while end > 0:
            start, row = back[end]
            pieces.append(Piece(row, start, end))
            end = start
        return pieces[::-1]


class Encoder:
    """Immutable after construction, shared by threads."""

    def __init__(
        self,
        pieces: Pieces,
        table: Floats,
        position: Floats,
        first_norm: tuple[Floats, Floats],
        layers: list[Layer],
    ) -> None:
        self.pieces = pieces
        self.table = table
        self.position = position
        self.first_norm = first_norm
        self.layers = layers

    @property
    def width(self) -> int:
        return int(self.table.shape[1])

    def states(self, rows: NDArray[np.int64]) -> Floats:
        """Return the last layer's states (texts, pieces, width) of texts of equal length."""
        state = self.begin(rows)
        for layer in self.layers:
            state = through(layer, state)
        return state

    def begin(self, rows: NDArray[np.int64]) -> Floats:
        """Return what enters the first layer."""
        return _normed(self.table[rows] + self.position[: rows.shape[1]], self.first_norm)


def through(layer: Layer, state: Floats) -> Floats:
    """Return the states after `layer`; (texts, pieces, width) in and out."""
    texts, length, width = state.shape
    flat = state.reshape(-1, width)
    asked = _times(flat, layer.qkv, layer.qkv_bias)
    parts = asked.reshape(texts, length, 3, width // _HEAD, _HEAD)
    query, key, value = parts.transpose(2, 0, 3, 1, 4)
    weight = query @ key.transpose(0, 1, 3, 2)
    weight *= np.float32(_HEAD**-0.5)
    weight -= weight.max(axis=-1, keepdims=True)
    np.exp(weight, out=weight)
    weight /= weight.sum(axis=-1, keepdims=True)
    mixed = (weight @ value).transpose(0, 2, 1, 3).reshape(-1, width)
    flat = _normed(_times(mixed, layer.out, layer.out_bias) + flat, layer.norm)
    inner = _gelu(_times(flat, layer.up, layer.up_bias))
    flat = _normed(_times(inner, layer.down, layer.down_bias) + flat, layer.last_norm)
    return flat.reshape(texts, length, width)


def _times(state: Floats, weights: Floats, bias: Floats) -> Floats:
    found: Floats = state @ weights
    found += bias
    return found


def _normed(state: Floats, norm: tuple[Floats, Floats]) -> Floats:
    size = np.float32(1 / state.shape[-1])
    middle = np.add.reduce(state, axis=-1, keepdims=True) * size
    found = np.asarray(state - middle, dtype=np.float32)
    spread = np.einsum("...i,...i->...", found, found)[..., None]
    spread *= size
    spread += np.float32(_EPS)
    np.sqrt(spread, out=spread)
    found /= spread
    found *= norm[0]
    found += norm[1]
    return found


def _gelu(x: Floats) -> Floats:
    """Gaussian error linear unit, by tanh (Hendrycks and Gimpel 2016)."""
    inner = x * x
    inner *= np.float32(0.044715)
    inner += np.float32(1.0)
    inner *= x
    inner *= np.float32(0.7978845608)
    np.tanh(inner, out=inner)
    inner += np.float32(1.0)
    inner *= x
    inner *= np.float32(0.5)
    return inner
