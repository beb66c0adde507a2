"""What the classifier sees of a text: characters, sounds, concepts and pairs of concepts.

Names are plain strings, equal in every process. Characters give the exact wording, toneless
syllables survive a misheard character, concepts and their pairs carry over to new wordings.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.dispatch.concepts import Concepts, Meant
from gateway.dispatch.context import Context
from gateway.dispatch.fold import STOP, Folded
from gateway.dispatch.sound import syllables

LONGEST = 1_500
"""Folded characters read of each end of an utterance: speech is far shorter."""

GROUPS = "cpkq"
"""First letter of a name: characters, sounds, concepts, pairs. Each is scaled to unit length."""
SHARE = {"c": 1.0, "p": 0.6, "k": 1.6, "q": 1.0}
DAMP = {"c": 6.0, "p": 8.0, "k": 1.5, "q": 2.0}
"""Added to a group's squared length: two words alone say less than the same two and twenty more."""
_CHAR_VALUE = {1: 0.3, 2: 1.0, 3: 0.7}


class Named(NamedTuple):
    """A feature at folded `[start, end)`."""

    name: str
    value: float
    start: int
    end: int


class Features(NamedTuple):
    """Known features of an utterance, one row each; `number` counts into the vocabulary.

    `known` are the distinct ones, `present` those that tell of no danger denied, past or supposed.
    """

    number: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    known: NDArray[np.int32]
    present: NDArray[np.int32]
    folded: Folded


def named(folded: Folded, concepts: Concepts) -> Iterator[Named]:
    """Yield the features of `folded`; a feature may come several times."""
    for offset, chars in _parts(folded.chars):
        yield from _ngrams(chars, offset)
        meant = concepts.find(chars)
        first = {m.name: m for m in reversed(meant)}
        for m in meant:
            yield Named("k" + m.name, 1.0, offset + m.start, offset + m.end)
        for a, b in combinations(sorted(first), 2):
            one = first[a]
            yield Named(f"q{a}+{b}", 1.0, offset + one.start, offset + one.end)


def _parts(chars: str) -> Iterator[tuple[int, str]]:
    if len(chars) <= 2 * LONGEST:
        yield 0, chars
    else:
        yield 0, chars[:LONGEST]
        yield len(chars) - LONGEST, chars[-LONGEST:]


def _ngrams(chars: str, offset: int) -> Iterator[Named]:
    sounds = syllables(chars)
    for size, value in _CHAR_VALUE.items():
        for start in range(len(chars) - size + 1):
            gram = chars[start : start + size]
            if STOP in gram:
                continue
            yield Named("c" + gram, value, offset + start, offset + start + size)
            if size > 1:
                spoken = "p" + " ".join(sounds[start : start + size])
                yield Named(spoken, 1.0, offset + start, offset + start + size)


class Vocabulary:
    """The features a model knows."""

    def __init__(self, names: list[str], concepts: Concepts, context: Context) -> None:
        self.names = names
        self.concepts = concepts
        self._context = context
        self._at = {name: number for number, name in enumerate(names)}
        self.group = np.array([GROUPS.index(name[0]) for name in names], dtype=np.int8)
        self.danger = np.array([n[0] == "k" and n[1:] in concepts.danger for n in names])
        self.value = np.array([_value(name) for name in names], dtype=np.float32)

    def read(self, folded: Folded) -> Features:
        """Return the known features of a text; cost linear in its length, bounded."""
        found = [
            (at, start, end)
            for name, _, start, end in named(folded, self.concepts)
            if (at := self._at.get(name)) is not None
        ]
        table = np.array(found, dtype=np.int32).reshape(-1, 3)
        number, start, end = table[:, 0], table[:, 1], table[:, 2]
        present = np.ones(len(number), dtype=np.bool_)
        for spot in self._taken_back(folded):
            present &= (end <= spot.start) | (start >= spot.end)
        known = np.unique(number)
        return Features(number, start, end, known, np.unique(number[present]), folded)

    def _taken_back(self, folded: Folded) -> list[Meant]:
        """Return words of danger that the words around them deny, ask, suppose, quote or end."""
        around = self._context.within(folded)
        if not around.tests or len(folded.chars) > 2 * LONGEST:
            return []
        meant = self.concepts.find(folded.chars)
        before = {m.end: m.start for m in reversed(meant)}
        return [
            m
            for m in meant
            if m.name in self.concepts.danger
            and around.marks(_Spot((m.start, before.get(m.start, m.start)), m.end))
            - self.concepts.danger[m.name]
        ]


class _Spot(NamedTuple):
    """Words of danger, and the word right before them: 不是煤气漏了 denies both."""

    starts: tuple[int, ...]
    end: int

    @property
    def start(self) -> int:
        return self.starts[0]


def _value(name: str) -> float:
    return _CHAR_VALUE[len(name) - 1] if name[0] == "c" else 1.0
