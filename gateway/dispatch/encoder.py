"""A small language encoder: what the words of an utterance mean together.

The layers of a multilingual BERT-like encoder (Wang et al. 2024, multilingual E5), tuned on our
sentences, as a graph in whole numbers that onnxruntime runs; docs/dependencies.md names source and
licence. Pieces are chosen as SentencePiece's unigram model does (Kudo 2018): the likeliest way to
cut the text.
"""

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as untyped_onnxruntime
from numpy.typing import NDArray

onnxruntime: Any = untyped_onnxruntime

Floats = NDArray[np.float32]
LONGEST = 48
"""Pieces read together; a longer text is read in windows of this many."""
BLOCK = 32
"""Numbers of an embedding that share a scale."""
_UNKNOWN = -25.0
"""Score of a character that is no piece."""
_EPS = 1e-12
_ERRORS_ONLY = 3
"""Level of onnxruntime's own log."""


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


class Table(NamedTuple):
    """Embeddings of pieces as signed bytes (pieces, width), and what `BLOCK` of them count."""

    steps: NDArray[np.int8]
    scale: NDArray[np.float16]

    def of(self, rows: NDArray[np.int64]) -> Floats:
        """Return the embeddings of `rows`, with one more axis: width."""
        found = self.steps[rows].astype(np.float32)
        blocks = found.reshape(*rows.shape, -1, BLOCK)
        blocks *= self.scale[rows].astype(np.float32)[..., None]
        return found


class Encoder:
    """Immutable after construction, shared by threads."""

    def __init__(
        self,
        pieces: Pieces,
        table: Table,
        position: Floats,
        first_norm: tuple[Floats, Floats],
        graph: bytes,
    ) -> None:
        """Take the layers as an ONNX graph; one that cannot be run raises ValueError."""
        self.pieces = pieces
        self.table = table
        self.position = position
        self.first_norm = first_norm
        self._layers = _session(graph)

    @property
    def width(self) -> int:
        return int(self.table.steps.shape[1])

    def states(self, rows: NDArray[np.int64]) -> Floats:
        """Return the last layer's states (texts, pieces, width) of texts of equal length."""
        begun = _normed(self.table.of(rows) + self.position[: rows.shape[1]], self.first_norm)
        return np.asarray(self._layers.run(None, {"begun": begun})[0])


def _session(graph: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    # One core, as for numpy: the matrices are so small that a second one only spins.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        made = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no other kind in common
        raise ValueError(str(error)) from error
    # It keeps the graph in case another kind of processor fails, of which there is none: 20 MB.
    made._model_bytes = None
    return made


def _normed(state: Floats, norm: tuple[Floats, Floats]) -> Floats:
    found = state - state.mean(axis=-1, keepdims=True)
    found /= np.sqrt(np.mean(found * found, axis=-1, keepdims=True) + _EPS)
    return np.asarray(found * norm[0] + norm[1], dtype=np.float32)
