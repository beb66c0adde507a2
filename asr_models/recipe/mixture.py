"""Mixing language models: weights by expectation maximisation, one model for the mixture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr_models.recipe.ngrams import (
    BITS,
    END,
    ORDER,
    START,
    Backoff,
    Floats,
    Keys,
    history,
    last,
    with_backoff,
)


@dataclass(frozen=True)
class Flowing:
    """A model of clauses, made to go on: speech has no marks between them.

    With the chance `through` the end of a clause is passed silently and a new one begins.
    """

    model: Backoff
    through: float

    def given(self, keys: Keys, order: int) -> Floats:
        """Return P(last word | the words before)."""
        plain = self.model.given(keys, order)
        if not self.through:
            return plain
        words = last(keys)
        end = self.model.given((history(keys) << BITS) | END, order)
        begin = self.model.given((np.int64(START) << BITS) | words, 2)
        empty = self.model.given(np.array([(START << BITS) | END]), 2)
        onward = plain + self.through * end * begin / (1 - empty)  # what begins is not empty
        return np.where(words == END, (1 - self.through) * plain, onward)


def trigrams(sentences: Sequence[Sequence[int]]) -> list[tuple[int, Keys]]:
    """Return the events of `sentences`: order (2 for first words, else 3) and n-grams."""
    first, rest = [], []
    for sentence in sentences:
        words = [START, *sentence, END]
        first.append((words[0] << BITS) | words[1])
        for a, b, c in zip(words, words[1:], words[2:], strict=False):
            rest.append((((a << BITS) | b) << BITS) | c)
    return [(2, np.array(first, np.int64)), (ORDER, np.array(rest, np.int64))]


def likelihoods(model: Backoff | Flowing, sentences: Sequence[Sequence[int]]) -> Floats:
    """Return the probability of every word and end of `sentences`."""
    return np.concatenate([model.given(keys, order) for order, keys in trigrams(sentences)])


def perplexity(probabilities: Floats) -> float:
    """Return the perplexity of events with these probabilities."""
    return float(np.exp(-np.log(np.maximum(probabilities, 1e-12)).mean()))


def weights(columns: Sequence[Floats], rounds: int = 60) -> Floats:
    """Return the mixture weights under which the events are likeliest (EM)."""
    table = np.stack(columns, axis=1)
    share = np.full(table.shape[1], 1.0 / table.shape[1])
    for _ in range(rounds):
        joint = table * share + 1e-15
        share = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    return share


def mix(models: Sequence[Flowing], share: Sequence[float]) -> Backoff:
    """Return one back-off model that has every n-gram of `models`, with the mixed probability."""
    keys: list[Keys] = []
    prob: list[Floats] = []
    for order in range(1, ORDER + 1):
        merged = np.unique(np.concatenate([one.model.keys[order - 1] for one in models]))
        mixed = np.zeros(len(merged))
        for one, part in zip(models, share, strict=True):
            mixed += part * one.given(merged, order)
        keys.append(merged)
        prob.append(mixed)
    return with_backoff(keys, prob)
