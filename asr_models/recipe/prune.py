"""Entropy pruning (Stolcke 1998): drop the n-grams whose loss changes the model least."""

import numpy as np

from asr_models.recipe.ngrams import (
    ORDER,
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


def prune(model: Backoff, threshold: float) -> Backoff:
    """Return `model` without the n-grams that cost less than `threshold`, longest first."""
    keys, prob = list(model.keys), list(model.prob)
    needed: Keys = np.zeros(0, np.int64)
    for order in range(ORDER, 1, -1):
        stay = costs(with_backoff(keys[:order], prob[:order]), order) >= threshold
        at, there = find(keys[order - 1], needed)
        stay[at[there]] = True
        keys[order - 1], prob[order - 1] = keys[order - 1][stay], prob[order - 1][stay]
        needed = np.unique(history(keys[order - 1]))
    return with_backoff(keys, prob)


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


def size(model: Backoff) -> int:
    """Return the number of n-grams."""
    return sum(map(len, model.keys))


def prune_to(model: Backoff, limit: int) -> Backoff:
    """Return `model` pruned to at most `limit` n-grams, by bisection of the threshold."""
    if size(model) <= limit:
        return model
    low, high = -12.0, -4.0
    for _ in range(12):
        middle = (low + high) / 2
        if size(prune(model, 10.0**middle)) > limit:
            low = middle
        else:
            high = middle
    return prune(model, 10.0**high)
