"""The language model as a graph in OpenFst's text form: a state for each history."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr_models.recipe.ngrams import BITS, END, START, Backoff, Floats, Keys, find, history, last

Numbers = NDArray[np.int64]


class States:
    """Numbers of the histories: the empty one is 0, then single words, then pairs."""

    def __init__(self, model: Backoff) -> None:
        self.two = np.unique(history(model.keys[2]))
        self.one = np.unique(np.concatenate([history(model.keys[1]), last(self.two)]))
        self.start = int(self.of(np.array([START]), 1)[0])

    def of(self, keys: Keys, order: int) -> Numbers:
        """Return the states of these histories of `order` words, all of which exist."""
        if order == 0:
            return np.zeros(len(keys), np.int64)
        known, offset = (self.one, 1) if order == 1 else (self.two, 1 + len(self.one))
        return offset + find(known, keys)[0].astype(np.int64)

    def after(self, keys: Keys, order: int) -> Numbers:
        """Return the states after n-grams of `order` words: the longest history that there is."""
        at, single = find(self.one, last(keys))
        out = np.where(single, 1 + at, 0).astype(np.int64)
        if order == 1:
            return out
        at, pair = find(self.two, keys & ((1 << (2 * BITS)) - 1))
        return np.where(pair, 1 + len(self.one) + at, out)


def write(model: Backoff, labels: Numbers, backoff: int, path: Path) -> None:
    """Write the arcs of `model` to `path`.

    `labels` maps word ids to the graph's labels, 0 for words that cannot be spoken; `backoff` is
    the input label of back-off arcs.
    """
    states = States(model)
    with path.open("w") as file:
        # fstcompile takes the state of the first line as the start.
        file.writelines(_backoff(model, states, backoff, only_start=True))
        for order in (1, 2, 3):
            file.writelines(_words(model, states, labels, order))
        file.writelines(_backoff(model, states, backoff, only_start=False))


def _words(model: Backoff, states: States, labels: Numbers, order: int) -> Iterator[str]:
    keys, cost = model.keys[order - 1], _cost(model.prob[order - 1])
    source, words = states.of(history(keys), order - 1), last(keys)
    ends = words == END
    final = zip(source[ends].tolist(), cost[ends].tolist(), strict=True)
    yield from (f"{s} {c:.4f}\n" for s, c in final)
    usable = labels[words] > 0
    target, label = states.after(keys[usable], order).tolist(), labels[words[usable]].tolist()
    columns = zip(source[usable].tolist(), target, label, cost[usable].tolist(), strict=True)
    yield from (f"{s} {t} {word} {word} {c:.4f}\n" for s, t, word, c in columns)


def _backoff(model: Backoff, states: States, label: int, *, only_start: bool) -> Iterator[str]:
    for order, known in ((1, states.one), (2, states.two)):
        at, _ = find(model.keys[order - 1], known)
        cost = _cost(model.bow[order - 1][at])
        source = states.of(known, order)
        target = states.of(last(known), 1) if order == 2 else np.zeros(len(known), np.int64)
        chosen = (source == states.start) == only_start
        columns = (column[chosen].tolist() for column in (source, target, cost))
        yield from (f"{s} {t} {label} 0 {c:.4f}\n" for s, t, c in zip(*columns, strict=True))


def _cost(prob: Floats) -> Floats:
    return -np.log(np.maximum(prob, 1e-30))
