"""Entropy pruning (Stolcke 1998): drop the n-grams whose loss changes the model least."""

import numpy as np
from numpy.typing import NDArray

from asr_models.recipe.ngrams import (
    Backoff,
    Floats,
    Keys,
    find,
    history,
    with_backoff,
    without_first,
)


def costs(model: Backoff, order: int) -> Floats:
    """Return the relative entropy that dropping each n-gram of `order` would cost."""
    keys, prob = model.keys[order - 1], model.prob[order - 1]
    lower = model.given(without_first(keys, order), order - 1)
    context, _ = find(model.keys[order - 2], history(keys))
    size = len(model.keys[order - 2])
    left = np.maximum(1.0 - np.bincount(context, prob, size), 1e-9)[context]
    room = np.maximum(1.0 - np.bincount(context, lower, size), 1e-9)[context]
    bow = left / room
    changed = (left + prob) / (room + lower)
    tiny = 1e-300
    own = prob * (np.log(np.maximum(lower * changed, tiny)) - np.log(np.maximum(prob, tiny)))
    others = left * (np.log(changed) - np.log(bow))
    weight = _joint(model, history(keys), order - 1)
    cost: Floats = -weight * (own + others)
    return cost


def prune(model: Backoff, limit: int) -> Backoff:
    """Return `model` with at most `limit` n-grams, those gone that cost least.

    Costs are those of dropping one n-gram from the model as it is (bigrams: from the model
    without trigrams), and are not looked at again after the first is gone.
    """
    total = sum(map(len, model.keys))
    if total <= limit:
        return model
    lower = with_backoff(model.keys[:2], model.prob[:2])
    two, three = costs(lower, 2), costs(model, 3)
    low, high = -14.0, 0.0
    for _ in range(40):
        middle = (low + high) / 2
        kept = _kept(model, two, three, 10.0**middle)
        if len(model.keys[0]) + sum(int(one.sum()) for one in kept) > limit:
            low = middle
        else:
            high = middle
    short, long = _kept(model, two, three, 10.0**high)
    return with_backoff(
        [model.keys[0], model.keys[1][short], model.keys[2][long]],
        [model.prob[0], model.prob[1][short], model.prob[2][long]],
    )


def _kept(
    model: Backoff, two: Floats, three: Floats, threshold: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which bigrams and trigrams stay; a trigram's history stays with it."""
    long = three >= threshold
    short = two >= threshold
    at, _ = find(model.keys[1], np.unique(history(model.keys[2][long])))
    short[at] = True
    return short, long


def _joint(model: Backoff, keys: Keys, order: int) -> Floats:
    """Return the probability of meeting these words one after another."""
    if order == 1:
        # START has no probability of its own: one sentence in so many words.
        at, _ = find(model.keys[0], keys)
        ends = float(model.prob[0][1])
        share = model.prob[0][at]
        return np.where(keys == 0, ends, share)
    head = _joint(model, history(keys), order - 1)
    found: Floats = head * model.given(keys, order)
    return found
