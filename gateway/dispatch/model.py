"""The classifier at run time: linear, numpy only, from a plain npz file (never a pickle).

Two heads share one vocabulary: the class (A1..B8, guidance, 119, 120, none) and the urgency. What
a call's words add up to is kept as a tally, so that an update costs only the words that are new.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from gateway.dispatch.concepts import Concepts
from gateway.dispatch.context import Context
from gateway.dispatch.datafile import packaged
from gateway.dispatch.features import DAMP, GROUPS, SHARE, Features, Vocabulary
from gateway.errors import ConfigError

FORMAT = 1
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, BadZipFile)
Floats = NDArray[np.float32]
_SHARE = np.array([SHARE[group] for group in GROUPS], dtype=np.float32)
_DAMP = np.array([DAMP[group] for group in GROUPS], dtype=np.float32)


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities, fitted on texts kept from training."""

    temperature: float = 1.6
    rule_weight: float = 0.3
    """What a point of the rules adds to a class's score."""
    sense: float = 1.8
    """Weight of the encoder's scores beside the words'."""
    emergency: float = 0.2
    """Probability from which the emergency head speaks."""
    unsure: float = 0.5
    """Confidence below which the answer is 'not sure'."""


class Model:
    """Immutable after construction; `heads` names the columns of `weights` (features, columns)."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        heads: dict[str, list[str]],
        weights: Floats,
        bias: Floats,
        calibration: Calibration,
        version: str,
    ) -> None:
        self.vocabulary = vocabulary
        self.heads = heads
        self.weights = weights
        self.bias = bias
        self.calibration = calibration
        self.version = version
        self._at = _columns(heads)

    def of(self, head: str, row: Floats) -> Floats:
        """Return the part of a score row that belongs to `head`."""
        return row[self._at[head]]

    def sums(self, known: NDArray[np.int32]) -> Floats:
        """Return what distinct features add up to, a row for each group."""
        rows = np.zeros((len(GROUPS), self.weights.shape[1]), dtype=np.float32)
        groups = self.vocabulary.group[known]
        scaled = self.weights[known] * self.vocabulary.value[known, None]
        for group in range(len(GROUPS)):
            rows[group] = scaled[groups == group].sum(axis=0)
        return rows

    def squares(self, known: NDArray[np.int32]) -> Floats:
        """Return the squared length of distinct features by group."""
        squared = self.vocabulary.value[known] ** 2
        return np.bincount(
            self.vocabulary.group[known], weights=squared, minlength=len(GROUPS)
        ).astype(np.float32)

    def contribution(self, features: Features, column: NDArray[np.float32]) -> Floats:
        """Return, for each folded character of an utterance, how much it speaks for `column`."""
        length = len(features.folded.chars)
        steps = np.zeros(length + 1, dtype=np.float64)
        group = self.vocabulary.group[features.number]
        value = self.vocabulary.value[features.number]
        scales = scale(group, value)
        share = column[features.number] * value * scales[group]
        share = share / np.maximum(features.end - features.start, 1)
        np.add.at(steps, features.start, share)
        np.subtract.at(steps, features.end, share)
        return np.cumsum(steps)[:length].astype(np.float32)

    def column(self, head: str, name: str) -> Floats:
        """Return a class's weights against the mean of the head's others."""
        part = self.weights[:, self._at[head]]
        at = self.heads[head].index(name)
        return np.asarray(part[:, at] - part.mean(axis=1), dtype=np.float32)


def scale(group: NDArray[np.int8], value: Floats) -> Floats:
    """Return what to multiply each group's features by, given those of one text."""
    squares = np.bincount(group, value**2, len(GROUPS))
    return np.asarray(_SHARE / np.sqrt(squares + _DAMP), dtype=np.float32)


class Tally:
    """The words of one call, as the model adds them up."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._seen = np.zeros(len(model.vocabulary.names), dtype=np.int32)
        self._sums = np.zeros((len(GROUPS), model.weights.shape[1]), dtype=np.float64)
        self._squares = np.zeros(len(GROUPS), dtype=np.float64)

    def add(self, known: NDArray[np.int32]) -> None:
        """Count the distinct features of an utterance in."""
        self._count(known[self._seen[known] == 0], 1)
        self._seen[known] += 1

    def remove(self, known: NDArray[np.int32]) -> None:
        """Take an utterance out again: its text was corrected."""
        self._seen[known] -= 1
        self._count(known[self._seen[known] == 0], -1)

    def scores(self) -> Floats:
        """Return the score of every column of every head."""
        scales = _SHARE / np.sqrt(self._squares + _DAMP)
        row = (self._sums * scales[:, None]).sum(axis=0)
        return np.asarray(row + self._model.bias, dtype=np.float32)

    def _count(self, known: NDArray[np.int32], sign: int) -> None:
        if len(known):
            self._sums += sign * self._model.sums(known)
            self._squares += sign * self._model.squares(known)


def softmax(row: Floats) -> Floats:
    """Return probabilities; total on finite input."""
    grown = np.exp(row - row.max())
    return np.asarray(grown / grown.sum(), dtype=np.float32)


def heard(path: Path) -> float | None:
    """Return the danger recall (0..1) written into a model file; None if there is none.

    Read without the rest, so that a model made for older concepts still guards the next one.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            found = json.loads(held["about"].tobytes()).get("danger_recall")
    except _UNREADABLE:
        return None
    return float(found) if found is not None else None


def save(model: Model, path: Path, danger_recall: float | None = None) -> None:
    """Write the model: arrays as npz, everything else as JSON inside it."""
    about = {
        "format": FORMAT,
        "version": model.version,
        "heads": model.heads,
        "calibration": vars(model.calibration),
        "concepts": model.vocabulary.concepts.version,
        "danger_recall": danger_recall,
    }
    # Bytes, and a step for each feature: a hundredth of its largest weight is not missed.
    step = np.maximum(np.abs(model.weights).max(axis=1, keepdims=True), 1e-6) / 127
    held = io.BytesIO()
    np.savez_compressed(
        held,
        about=np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), dtype=np.uint8),
        names=np.frombuffer("\n".join(model.vocabulary.names).encode(), dtype=np.uint8),
        weights=np.round(model.weights / step).astype(np.int8),
        scale=step.astype(np.float32),
        bias=model.bias.astype(np.float32),
    )
    path.write_bytes(held.getvalue())


def load(concepts: Concepts, context: Context, path: Path | None = None) -> Model:
    """Read a model (default: the shipped one).

    Raises ConfigError naming the file and the fix when it is unreadable or of another format.
    """
    path = path or packaged("model.npz")
    fix = "run `liandong dispatch train` to make it again"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            about = json.loads(held["about"].tobytes())
            names = held["names"].tobytes().decode().split("\n")
            weights, bias = held["weights"].astype(np.float32), held["bias"]
            if "scale" in held:
                weights *= held["scale"]
    except _UNREADABLE as error:
        raise ConfigError(f"{path}: not a dispatch model ({error}); {fix}") from error
    if about.get("format") != FORMAT or about.get("concepts") != concepts.version:
        raise ConfigError(f"{path}: made for another format or concepts version; {fix}")
    if weights.shape != (len(names), len(bias)):
        raise ConfigError(f"{path}: weights do not fit the vocabulary; {fix}")
    calibration = Calibration(**about["calibration"])
    vocabulary = Vocabulary(names, concepts, context)
    return Model(vocabulary, about["heads"], weights, bias, calibration, about["version"])


def _columns(heads: dict[str, list[str]]) -> dict[str, slice]:
    at: dict[str, slice] = {}
    start = 0
    for head, names in heads.items():
        at[head] = slice(start, start + len(names))
        start += len(names)
    return at
