"""Back-off language models up to trigrams as sorted arrays, and Kneser-Ney estimation.

An n-gram is one integer: word ids of 17 bits each, the last word lowest. Ids 0 and 1 are the
sentence's start and end. All probabilities are natural, not logarithms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ORDER = 3
BITS = 17
START, END = 0, 1
_MASK = (1 << BITS) - 1

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]


def history(keys: Keys) -> Keys:
    """Return n-grams without their last word."""
    return keys >> BITS


def last(keys: Keys) -> Keys:
    """Return the last word of n-grams."""
    return keys & _MASK


def without_first(keys: Keys, order: int) -> Keys:
    """Return n-grams of `order` words without their first word."""
    return keys & ((1 << (BITS * (order - 1))) - 1)


def find(sorted_keys: Keys, wanted: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where `wanted` stand in `sorted_keys`, and which are there at all."""
    if not len(sorted_keys):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return at, sorted_keys[at] == wanted


@dataclass(frozen=True)
class Backoff:
    """P(w|h) is `prob` where the n-gram is listed, else `bow` of h times P(w|shorter h).

    `keys[n-1]`, `prob[n-1]` and `bow[n-1]` hold the n-grams of n words, sorted by key; every
    history of a listed n-gram is listed. The unigrams cover the whole vocabulary.
    """

    keys: tuple[Keys, ...]
    prob: tuple[Floats, ...]
    bow: tuple[Floats, ...]

    def given(self, keys: Keys, order: int) -> Floats:
        """Return P(last word | the words before) of n-grams of `order` words."""
        if order == 1:
            at, there = find(self.keys[0], keys)
            return np.where(there, self.prob[0][at], 0.0)
        at, there = find(self.keys[order - 1], keys)
        out = np.where(there, self.prob[order - 1][at] if len(self.keys[order - 1]) else 0.0, 0.0)
        rest = ~there
        shorter = self.given(without_first(keys[rest], order), order - 1)
        context, known = find(self.keys[order - 2], history(keys[rest]))
        out[rest] = np.where(known, self.bow[order - 2][context], 1.0) * shorter
        return out


def with_backoff(keys: Sequence[Keys], prob: Sequence[Floats]) -> Backoff:
    """Return the model of these n-grams; back-off weights make each distribution sum to one."""
    model = Backoff((keys[0],), (prob[0],), (np.ones(len(keys[0])),))
    for order in range(2, len(keys) + 1):
        lower = model.given(without_first(keys[order - 1], order), order - 1)
        context, known = find(model.keys[order - 2], history(keys[order - 1]))
        if not known.all():
            raise ValueError("an n-gram's history is not in the model")
        size = len(model.keys[order - 2])
        left = 1.0 - np.bincount(context, prob[order - 1], size)
        room = 1.0 - np.bincount(context, lower, size)
        bow = np.where(room > 1e-9, np.maximum(left, 1e-9) / np.maximum(room, 1e-9), 1.0)
        bow[np.bincount(context, minlength=size) == 0] = 1.0
        model = Backoff(
            (*model.keys, keys[order - 1]),
            (*model.prob, prob[order - 1]),
            (*model.bow[:-1], bow, np.ones(len(keys[order - 1]))),
        )
    return model


def count(sentences: Iterable[Sequence[int]]) -> list[tuple[Keys, Floats]]:
    """Return the n-grams of each order with counts; START is in histories only."""
    flat = np.array([w for s in sentences for w in (START, START, *s, END)], np.int64)
    at = np.nonzero(flat != START)[0]
    three = (flat[at - 2] << (2 * BITS)) | (flat[at - 1] << BITS) | flat[at]
    # The second START before the first word is not part of a trigram: its history is a bigram.
    full = ~((flat[at - 2] == START) & (flat[at - 1] == START))
    out: list[tuple[Keys, Floats]] = []
    for keys in (flat[at], three & ((1 << (2 * BITS)) - 1), three[full]):
        found, times = np.unique(keys, return_counts=True)
        out.append((found, times.astype(np.float64)))
    return out


def kneser_ney(counts: Sequence[tuple[Keys, Floats]], vocabulary: int) -> Backoff:
    """Estimate an interpolated model with modified Kneser-Ney discounts (Chen & Goodman 1999).

    Every word of the `vocabulary` (ids from END on) gets some probability.
    """
    levels: list[tuple[Keys, Floats]] = [counts[-1]]
    for order in range(len(counts) - 1, 0, -1):
        keys, own = counts[order - 1]
        above, _ = counts[order]
        follow, times = np.unique(without_first(above, order + 1), return_counts=True)
        at, there = find(follow, keys)
        # After START nothing stands before: those n-grams keep their own counts.
        levels.insert(0, (keys, np.where(there, times[at], own).astype(np.float64)))
    uniform = 1.0 / (vocabulary - 1)
    keys, effective = levels[0]
    share, left = _discounted(effective, np.zeros(len(keys), np.intp), 1)
    words = np.arange(END, vocabulary, dtype=np.int64)
    prob = np.full(len(words), left[0] * uniform)
    at, there = find(words, keys)
    prob[at[there]] += share[there]
    all_words = np.concatenate([np.array([START], np.int64), words])
    model = Backoff((all_words,), (np.concatenate([[0.0], prob]),), (np.ones(vocabulary),))
    for order in range(2, len(counts) + 1):
        model = _extend(model, *levels[order - 1], order)
    return model


def _extend(model: Backoff, keys: Keys, effective: Floats, order: int) -> Backoff:
    context, _ = find(model.keys[order - 2], history(keys))
    share, left = _discounted(effective, context, len(model.keys[order - 2]))
    prob = share + left[context] * model.given(without_first(keys, order), order - 1)
    return Backoff(
        (*model.keys, keys),
        (*model.prob, prob),
        (*model.bow[:-1], left, np.ones(len(keys))),
    )


def _discounted(
    effective: Floats, context: NDArray[np.intp], contexts: int
) -> tuple[Floats, Floats]:
    """Return each n-gram's discounted share, and what each history leaves to shorter ones."""
    once, twice, thrice, more = (float((effective == times).sum()) for times in (1, 2, 3, 4))
    usable = min(once, twice, thrice, more) > 0
    y = once / (once + 2 * twice) if usable else 0.5
    steps = (
        (1 - 2 * y * twice / once, 2 - 3 * y * thrice / twice, 3 - 4 * y * more / thrice)
        if usable
        else (0.5, 0.75, 0.9)
    )
    low, middle, high = np.clip(steps, 0.1, (0.95, 1.9, 2.8)).tolist()
    rare = [effective <= 1, effective <= 2]
    discount = np.select(rare, [np.minimum(low, effective), middle], high)
    total = np.bincount(context, effective, contexts)
    taken = np.bincount(context, discount, contexts)
    some = total > 0
    left = np.ones(contexts)
    left[some] = taken[some] / total[some]
    return (effective - discount) / total[context], left
