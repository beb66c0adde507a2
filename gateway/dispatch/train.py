"""Fit the classifier. Needs scikit-learn; the running product does not."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from gateway.dispatch.concepts import Concepts
from gateway.dispatch.context import Context
from gateway.dispatch.corpus import Said
from gateway.dispatch.features import Vocabulary, named
from gateway.dispatch.fold import fold_spoken
from gateway.dispatch.model import Calibration, Model, scale

MIN_LINES = 4
"""A feature is kept when it comes from at least so many different sentences."""


@dataclass(frozen=True)
class Fit:
    """How strongly the heads may follow the texts (inverse of the L2 penalty)."""

    target: float = 8.0
    urgency: float = 4.0


def train(
    texts: list[Said],
    concepts: Concepts,
    context: Context,
    version: str,
    fit: Fit | None = None,
) -> Model:
    """Return a model with default calibration; the same for the same texts."""
    fit = fit or Fit()
    vocabulary = Vocabulary(_names(texts, concepts), concepts, context)
    read = [[vocabulary.read(fold_spoken(part)) for part in text.parts] for text in texts]
    known = _matrix([[f.known for f in parts] for parts in read], vocabulary)
    present = _matrix([[f.present for f in parts] for parts in read], vocabulary)
    targets = [text.target for text in texts]
    urgencies = [text.urgency for text in texts]
    heads: dict[str, list[str]] = {
        "target": sorted(set(targets)),
        "urgency": ["normal", "urgent", "emergency"],
    }
    first = _head(known, targets, heads["target"], fit.target)
    second = _head(present, urgencies, heads["urgency"], fit.urgency)
    # The matrix is scaled by value and share; the run time scales again, so only weights are kept.
    weights = np.concatenate([first[0], second[0]], axis=1).astype(np.float32)
    bias = np.concatenate([first[1], second[1]]).astype(np.float32)
    return Model(vocabulary, heads, weights, bias, Calibration(), version)


def _names(texts: list[Said], concepts: Concepts) -> list[str]:
    last: dict[str, int] = {}
    count: Counter[str] = Counter()
    for text in texts:
        for name in {n.name for part in text.parts for n in named(fold_spoken(part), concepts)}:
            if last.get(name) != text.line:
                last[name] = text.line
                count[name] += 1
    return sorted(name for name, lines in count.items() if lines >= MIN_LINES)


def _matrix(rows: list[list[NDArray[np.int32]]], vocabulary: Vocabulary) -> csr_matrix:
    indices: list[NDArray[np.int32]] = []
    values: list[NDArray[np.float32]] = []
    for parts in rows:
        known = np.unique(np.concatenate(parts))
        group, value = vocabulary.group[known], vocabulary.value[known]
        indices.append(known)
        values.append((value * scale(group, value)[group]).astype(np.float32))
    ends = np.cumsum([0, *(len(known) for known in indices)])
    shape = (len(rows), len(vocabulary.names))
    return csr_matrix((np.concatenate(values), np.concatenate(indices), ends), shape=shape)


def _head(
    matrix: csr_matrix, labels: list[Any], order: list[str], strength: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    head = LogisticRegression(C=strength, max_iter=150, class_weight="balanced", tol=2e-3)
    head.fit(matrix, labels)
    at = [list(head.classes_).index(name) for name in order]
    return head.coef_[at].T, head.intercept_[at]
