"""What an utterance means to the encoder, and what that says of class and urgency.

The encoder's states are averaged over an utterance, and over the caller's utterances by length;
linear heads read the average, so each piece's share in a score is known exactly.
"""

import io
import json
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import threadpoolctl as untyped_threadpoolctl
from numpy.typing import NDArray

from gateway.dispatch.datafile import packaged
from gateway.dispatch.encoder import LONGEST, Encoder, Floats, Layer, Piece, Pieces
from gateway.dispatch.fold import STOP, Folded
from gateway.errors import ConfigError

threadpoolctl: Any = untyped_threadpoolctl

FORMAT = 1
WINDOWS = 4
"""Windows read of an utterance: with `LONGEST` pieces each, far more than people say at once."""
_START = "\u2581"
"""SentencePiece's sign for the start of a text."""
_BLOCK = 32
_MATRICES = ("qkv", "out", "up", "down")
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


def save(senses: Senses, texts: list[str], scores: Floats, path: Path) -> None:
    """Write encoder and heads; matrices as signed bytes with a scale for 32 of them."""
    encoder = senses.encoder
    about = {"format": FORMAT, "version": senses.version, "heads": senses.heads}
    arrays: dict[str, NDArray[np.generic]] = {
        "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
        "pieces": np.frombuffer("\n".join(texts).encode(), dtype=np.uint8),
        "scores": scores.astype(np.float32),
        "position": encoder.position.astype(np.float16),
        "first_norm": np.stack(encoder.first_norm),
        "centre": senses.centre,
        "layers": np.array([len(encoder.layers)]),
    }
    _pack(arrays, "table", encoder.table)
    for name, (weights, bias) in senses.weights.items():
        arrays[f"{name}.head"], arrays[f"{name}.bias"] = weights.astype(np.float32), bias
    for at, layer in enumerate(encoder.layers):
        for name in _MATRICES:
            _pack(arrays, f"{at}.{name}", getattr(layer, name).T)
            arrays[f"{at}.{name}.bias"] = getattr(layer, f"{name}_bias")
        arrays[f"{at}.norm"] = np.stack([*layer.norm, *layer.last_norm])
    held = io.BytesIO()
    np.savez_compressed(held, **arrays)  # type: ignore[arg-type]
    path.write_bytes(held.getvalue())


def load(path: Path | None = None) -> Senses:
    """Read encoder and heads (default: the shipped ones); ConfigError names file and fix.

    From then on numpy multiplies on one core: the matrices are so small that a second one only
    spins (three times the processor time for the same result as soon).
    """
    threadpoolctl.threadpool_limits(limits=1, user_api="blas")
    path = path or packaged("encoder.npz")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            return _unpack({name: held[name] for name in held.files})
    except _UNREADABLE as error:
        fix = "take the file of this release, or make it again as docs/dispatch.md says"
        raise ConfigError(f"{path}: not a dispatch encoder ({error}); {fix}") from error


def _unpack(held: dict[str, NDArray[np.generic]]) -> Senses:
    about = json.loads(held["about"].tobytes())
    if about["format"] != FORMAT:
        raise ValueError(f"format {about['format']}, not {FORMAT}")
    pieces = Pieces(held["pieces"].tobytes().decode().split("\n"), held["scores"].astype("f4"))
    layers = [_layer(held, at) for at in range(int(held["layers"].astype(int)[0]))]
    first = held["first_norm"].astype(np.float32)
    encoder = Encoder(
        pieces,
        _matrix(held, "table"),
        held["position"].astype(np.float32),
        (first[0], first[1]),
        layers,
    )
    weights = {
        name: (held[f"{name}.head"].astype(np.float32), held[f"{name}.bias"].astype(np.float32))
        for name in about["heads"]
    }
    centre = held["centre"].astype(np.float32)
    return Senses(encoder, about["heads"], weights, centre, about["version"])


def _layer(held: dict[str, NDArray[np.generic]], at: int) -> Layer:
    norm = held[f"{at}.norm"].astype(np.float32)
    parts = {name: _turned(held, f"{at}.{name}") for name in _MATRICES}
    bias = {f"{name}_bias": held[f"{at}.{name}.bias"].astype(np.float32) for name in _MATRICES}
    return Layer(**parts, **bias, norm=(norm[0], norm[1]), last_norm=(norm[2], norm[3]))


def _pack(arrays: dict[str, NDArray[np.generic]], name: str, rows: Floats) -> None:
    blocks = rows.reshape(len(rows), -1, _BLOCK)
    largest = np.abs(blocks).max(axis=2)
    # Weights that already stand on a coarse grid of 4 bits are kept exactly.
    coarse = (largest / 8).astype(np.float16)
    grid = blocks / np.maximum(coarse.astype(np.float32), 1e-12)[..., None]
    exact = np.abs(grid - np.round(grid)).max() < _ON_GRID
    scale = coarse if exact else (largest / 127).astype(np.float16)
    steps = np.round(blocks / np.maximum(scale.astype(np.float32), 1e-12)[..., None])
    arrays[name] = np.clip(steps, -127, 127).astype(np.int8).reshape(rows.shape)
    arrays[f"{name}.scale"] = scale


_ON_GRID = 0.02


def _matrix(held: dict[str, NDArray[np.generic]], name: str) -> Floats:
    rows = held[name].astype(np.float32)
    blocks = rows.reshape(len(rows), -1, _BLOCK)
    blocks *= held[f"{name}.scale"].astype(np.float32)[..., None]
    return rows


def _turned(held: dict[str, NDArray[np.generic]], name: str) -> Floats:
    """Return a matrix transposed and contiguous; turned as bytes, a quarter of the memory."""
    columns = np.ascontiguousarray(held[name].T).astype(np.float32)
    blocks = columns.reshape(-1, _BLOCK, columns.shape[1])
    blocks *= held[f"{name}.scale"].T.astype(np.float32)[:, None]
    return columns
