"""Character error rate, with a bootstrap interval over sentences."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from asr_models.recipe.numerals import read_out

_SIGNS = re.compile(r"[^㐀-鿿A-Z]+")


@dataclass(frozen=True)
class Score:
    """Errors of one sentence against the characters that were said."""

    errors: int
    characters: int


@dataclass(frozen=True)
class Rate:
    """A character error rate in per cent, with its 95 % interval."""

    percent: float
    low: float
    high: float
    sentences: int


def plain(text: str) -> str:
    """Return what counts: Chinese characters and letters, numerals as words, 幺 as 一."""
    spelled = read_out(text.upper(), random.Random(1))  # noqa: S311 - no secret
    return _SIGNS.sub("", spelled).replace("幺", "一")


def distance(said: str, heard: str) -> int:
    """Return the least number of characters to insert, delete or replace (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, char in enumerate(said, start=1):
        following = [i]
        for j, other in enumerate(heard, start=1):
            following.append(min(row[j] + 1, following[-1] + 1, row[j - 1] + (char != other)))
        row = following
    return row[-1]


def score(said: str, heard: str) -> Score:
    """Compare a sentence with what was recognised."""
    wanted = plain(said)
    return Score(distance(wanted, plain(heard)), len(wanted))


def rate(scores: Sequence[Score], seed: int = 1, draws: int = 1000) -> Rate:
    """Return the error rate of all sentences together; the interval draws sentences anew."""
    if not scores:
        raise ValueError("no sentences to score")
    chance = random.Random(seed)  # noqa: S311 - reproducible, no secret
    found = sorted(_percent(chance.choices(scores, k=len(scores))) for _ in range(draws))
    low, high = found[int(0.025 * draws)], found[int(0.975 * draws) - 1]
    return Rate(_percent(scores), low, high, len(scores))


def _percent(scores: Sequence[Score]) -> float:
    return 100.0 * sum(one.errors for one in scores) / max(1, sum(one.characters for one in scores))
