"""How characters sound, finely and coarsely, to compare what was written with a name.

The coarse sound joins what recognisers of telephone speech confuse: zh/z, ch/c, sh/s, n/l, h/f,
an/ang, en/eng, in/ing. Each coarse syllable is a small integer, for an automaton over sequences.
"""

import re
from functools import cache
from typing import NamedTuple

from pypinyin import Style, pinyin

SILENT = 0
"""The sound of what has no reading; it matches nothing."""

_NUMBERS: dict[str, int] = {}
_LOCAL = {"圩": ("wei2",)}
"""Readings usual in place names of the region that pypinyin has for other words or not at all."""


class Reading(NamedTuple):
    syllable: str
    """Pinyin without its tone."""
    tone: str


@cache
def readings(char: str) -> tuple[Reading, ...]:
    """Return the readings of one character, the usual one first; () where it has none."""
    found = pinyin(char, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True)[0]
    said = (*_LOCAL.get(char, ()), *found)
    return tuple(Reading(one[:-1], one[-1]) for one in said if re.fullmatch("[a-zü]+[1-5]", one))


@cache
def coarse(syllable: str) -> int:
    """Return the number of all syllables that are heard for one another."""
    flat = re.sub("^([zcs])h", r"\1", syllable)
    flat = re.sub("^l", "n", re.sub("^f", "h", flat))
    flat = re.sub("(?<=[aei])ng$", "n", flat)
    return _NUMBERS.setdefault(flat, len(_NUMBERS) + 1)


@cache
def heard(char: str) -> int:
    """Return the coarse sound of a character's usual reading."""
    said = readings(char)
    return coarse(said[0].syllable) if said else SILENT


def spoken(name: str) -> tuple[tuple[int, ...], ...]:
    """Return the coarse sounds a name may have: as read in context, and as used locally."""
    read = pinyin(name, style=Style.NORMAL)
    if len(read) != len(name) or any(heard(char) == SILENT for char in name):
        return ()
    usual = tuple(coarse(one[0]) for one in read)
    local = tuple(
        heard(char) if char in _LOCAL else sound for char, sound in zip(name, usual, strict=True)
    )
    return tuple(dict.fromkeys((usual, local)))


class Distance(NamedTuple):
    """How many syllables differ, however little, and how many tones."""

    syllables: int
    tones: int


def distance(written: str, name: str) -> Distance:
    """Compare by sound, character by character, the name as it is read in context."""
    pairs = [
        _between(char, meant)
        for char, same, meant in zip(written, name, _in_context(name), strict=True)
        if char != same
    ]
    return Distance(sum(p.syllables for p in pairs), sum(p.tones for p in pairs))


@cache
def _in_context(name: str) -> tuple[tuple[Reading, ...], ...]:
    read = pinyin(name, style=Style.TONE3, neutral_tone_with_five=True)
    return tuple(
        (Reading(one[0][:-1], one[0][-1]), *(readings(char)[:1] if char in _LOCAL else ()))
        for char, one in zip(name, read, strict=True)
    )


@cache
def _between(char: str, meant: tuple[Reading, ...]) -> Distance:
    """Return how far the usual reading is from the nearest; 9 where it cannot be heard for it."""
    each = [
        Distance(int(x.syllable != y.syllable), int(x.tone != y.tone))
        for x in readings(char)[:1]
        for y in meant
        if coarse(x.syllable) == coarse(y.syllable)
    ]
    return min(each, default=Distance(9, 9))
