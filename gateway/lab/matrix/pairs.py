"""Which rows to play: every two values that can meet do meet in some row (pairwise testing).

Made here in a few lines, without a library: each pair of the two greatest parameters, verb and
outcome, is a row of its own anyway, so all that is left to choose is the rest of each row.
Source of the method: D. M. Cohen et al., The AETG system, IEEE TSE 23(7), 1997.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields, replace
from itertools import combinations

from gateway.lab.matrix.table import Row

Pair = tuple[int, str, int, str]
"""Two parameters by place, each with a value."""
_TELLING = tuple([one.name for one in fields(Row)].index(name) for name in ("verb", "outcome"))
"""Verb and outcome, by place."""


def pairs_of(row: Row) -> set[Pair]:
    """Every pair of values in this row.

    By key or by REST is one verb, but for what can come of it: that is a pair of its own each.
    """
    alike = replace(row, verb=row.verb.removesuffix(" REST"))
    values = list(enumerate(astuple(alike)))
    pairs = {(i, a, j, b) for (i, a), (j, b) in combinations(values, 2) if (i, j) != _TELLING}
    return pairs | {(_TELLING[0], row.verb, _TELLING[1], row.outcome)}


def pairwise(rows: Iterable[Row], seed: int = 1) -> list[Row]:
    """The fewest rows that a greedy search finds so that each pair in `rows` is covered; sorted."""
    pool = sorted(rows)
    random.Random(seed).shuffle(pool)  # noqa: S311 - a choice, not a secret
    open_pairs = {pair for row in pool for pair in pairs_of(row)}
    chosen: list[Row] = []
    for choice in (*_by_verb_and_outcome(pool), *([pool] * len(open_pairs))):
        if not open_pairs:
            break
        best = max(choice, key=lambda row: len(pairs_of(row) & open_pairs))
        if gained := pairs_of(best) & open_pairs:
            chosen.append(best)
            open_pairs -= gained
    return sorted(chosen)


def _by_verb_and_outcome(pool: Sequence[Row]) -> list[list[Row]]:
    """The rows that each pair of verb and outcome may choose from: least choice first."""
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in pool:
        alike.setdefault((row.verb, row.outcome), []).append(row)
    return sorted(alike.values(), key=len)
