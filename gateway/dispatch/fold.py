"""Fold a transcript for matching, keeping the way back to its code points.

Recognisers write spaces between words, people type full-width digits, emoji and punctuation.
Rules see none of that: one lower-case NFKC character a step, spaces gone, and every stop as
`STOP`, which no rule crosses.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from gateway.dispatch.figures import FIGURES as _FIGURES
from gateway.dispatch.figures import spoken

STOP = "\n"


@dataclass(frozen=True)
class Folded:
    """`chars[i]` came from `text[at[i]]`."""

    text: str
    chars: str
    at: tuple[int, ...]

    @cached_property
    def stops_before(self) -> list[int]:
        """`stops_before[i]` is the number of stops in `chars[:i]`."""
        return list(accumulate((char == STOP for char in self.chars), initial=0))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Turn a folded `[start, end)` into code points of the text; `start < end`."""
        return self.at[start], self.at[end - 1] + 1

    def pieces(self, size: int, overlap: int) -> Iterator["Folded"]:
        """Yield pieces of `size` characters, each with `overlap` of those before and after."""
        for start in range(0, max(1, len(self.chars)), size):
            part = slice(max(0, start - overlap), start + size + overlap)
            yield Folded(self.text, self.chars[part], self.at[part])

    def before(self, start: int, limit: int) -> str:
        """Return up to `limit` characters of the same clause before `start`."""
        return self.chars[max(0, start - limit) : start].rpartition(STOP)[2]

    def after(self, end: int, limit: int) -> str:
        """Return up to `limit` characters of the same clause from `end`."""
        return self.chars[end : end + limit].partition(STOP)[0]


def _fold_char(char: str) -> str:
    category = unicodedata.category(char)
    # A lone surrogate must not end up inside a span: it cannot be encoded.
    if category[0] == "P" or category == "Cs" or char in "\r\n":
        return STOP
    if category[0] in "ZCSM":
        return ""
    folded = unicodedata.normalize("NFKC", char).lower()
    return folded if len(folded) == 1 else char


class _Cache(dict[str, str]):
    def __missing__(self, char: str) -> str:
        folded = self[char] = _fold_char(char)
        return folded


_CACHE = _Cache()


def fold(text: str) -> Folded:
    """Fold `text`; linear in its length, total on every str."""
    return _folded(text, _pairs(text, 0, len(text)))


def fold_spoken(text: str) -> Folded:
    """`fold` with figures as they are said: rules and words were learnt from 一百多人, not 100多人.

    Of a number, all but the last character stand for its first digit.
    """
    pairs: list[tuple[str, int]] = []
    done = 0
    for figures in _FIGURES.finditer(text):
        said = spoken(figures)
        pairs += _pairs(text, done, figures.start())
        pairs += [(char, figures.start()) for char in said[:-1]]
        done = figures.end()
        pairs.append((said[-1], done - 1))
    return _folded(text, [*pairs, *_pairs(text, done, len(text))])


def _pairs(text: str, start: int, end: int) -> list[tuple[str, int]]:
    return [(folded, at) for at in range(start, end) if (folded := _CACHE[text[at]])]


def _folded(text: str, pairs: list[tuple[str, int]]) -> Folded:
    return Folded(text, "".join(char for char, _ in pairs), tuple(at for _, at in pairs))
