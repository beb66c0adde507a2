"""Find every cue in one pass, by its characters or by its sound.

pyahocorasick (BSD, C) rather than a compiled alternation: `re` returns one match per position,
so overlapping cues would hide each other, and tries its alternatives one by one; the automaton
reports all of them in time linear in the text, and its sequence form does the same for syllables.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import ahocorasick

from gateway.dispatch import sound
from gateway.dispatch.fold import Folded, fold
from gateway.dispatch.rules import Rule, slots

STRONG = 3.0
"""Rules from this weight on also match by sound."""
MISHEARD = 0.85
"""What a match by sound keeps of its weight before its differing characters are counted."""

_TOLERATED = {2: 1, 3: 2, 4: 2, 5: 3, 6: 3}
"""Characters of a text this long that may only sound alike. Two syllables with nothing else in
common are chance: 大货 is no 打火, 看了 no 砍了 (seen in 4,287 citizen messages)."""


class Occurrence(NamedTuple):
    """A text found at folded `[start, end)`; `differs` characters only sound like the cue."""

    start: int
    end: int
    differs: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A whole cue found: where each slot starts, where the last ends.

    `quality` is 1 for the very characters, less by sound.
    """

    rule: Rule
    starts: tuple[int, ...]
    end: int
    quality: float
    matched: int
    """Characters in the slots, gaps not counted."""

    @property
    def start(self) -> int:
        return self.starts[0]


@dataclass(frozen=True, slots=True)
class _Cue:
    """`slots` are numbers: equal slots of several cues share one and are matched once."""

    rule: Rule
    slots: tuple[int, ...]
    gaps: tuple[int, ...]


Found = dict[int, list[Occurrence]]


class Matcher:
    """Compiled rules; immutable after construction, so threads may share it."""

    def __init__(self, rules: Sequence[Rule], own_words: Sequence[str]) -> None:
        self._own_words = tuple(own_words)
        self._numbers: dict[tuple[tuple[str, ...], bool], int] = {}
        self._written: dict[str, list[int]] = defaultdict(list)
        self._spoken: dict[str, list[int]] = defaultdict(list)
        self._by_first: dict[int, list[_Cue]] = defaultdict(list)
        self._unless: dict[str, int] = {}
        for rule in rules:
            for cue in (self._compile(rule, cue) for cue in rule.cues):
                self._by_first[cue.slots[0]].append(cue)
            if rule.unless:
                texts = tuple(sorted(fold(text).chars for text in rule.unless))
                self._unless[rule.id] = self._number(texts, by_sound=False)
        self._texts = _text_automaton(self._written.keys())
        self._sounds = _sound_automaton(self._spoken.keys())

    def hits(self, folded: Folded) -> Iterator[Hit]:
        """Yield the hits in `folded`, in no particular order."""
        found = self._occurrences(folded)
        for slot in found:
            for cue in self._by_first.get(slot, ()):
                if len(cue.slots) == 1 or all(other in found for other in cue.slots):
                    yield from self._join(cue, found, folded)

    def _compile(self, rule: Rule, cue: str) -> _Cue:
        texts, gaps = zip(*slots(cue), strict=True)
        by_sound = rule.weight >= STRONG
        return _Cue(rule, tuple(self._number(one, by_sound=by_sound) for one in texts), gaps)

    def _number(self, texts: tuple[str, ...], *, by_sound: bool) -> int:
        known = self._numbers.get((texts, by_sound))
        if known is not None:
            return known
        number = self._numbers[texts, by_sound] = len(self._numbers)
        for text in texts:
            self._written[text].append(number)
            if by_sound and len(text) > 1:
                self._spoken[text].append(number)
        return number

    def _occurrences(self, folded: Folded) -> Found:
        found: Found = {}
        for last, text in self._texts.iter(folded.chars):
            occurrence = Occurrence(last + 1 - len(text), last + 1)
            for slot in self._written[text]:
                found.setdefault(slot, []).append(occurrence)
        for last, texts in self._sounds.iter(sound.heard(folded.chars)):
            for text in texts:
                start = last + 1 - len(text)
                differs = self._differs(folded.chars[start : last + 1], text)
                if differs:
                    occurrence = Occurrence(start, last + 1, differs)
                    for slot in self._spoken[text]:
                        found.setdefault(slot, []).append(occurrence)
        for occurrences in found.values():
            if len(occurrences) > 1:
                occurrences.sort(key=lambda o: (o.start, o.differs, -o.end))
        return found

    def _differs(self, surface: str, text: str) -> int:
        """Return how many characters only sound like `text`; 0 when none do or too many."""
        if surface == text:
            return 0
        differs = sum(a != b for a, b in zip(surface, text, strict=True))
        if differs > _TOLERATED.get(len(text), len(text)):
            return 0
        return 0 if any(word in surface for word in self._own_words) else differs

    def _join(self, cue: _Cue, found: Found, folded: Folded) -> Iterator[Hit]:
        unless = found.get(self._unless.get(cue.rule.id, -1), ())
        for chain in _chains(cue, found, folded):
            quality, matched = _quality(chain), _length(chain)
            start, end = chain[0].start, chain[-1].end
            if quality and not any(o.start < end and start < o.end for o in unless):
                yield Hit(cue.rule, tuple(part.start for part in chain), end, quality, matched)


def _chains(cue: _Cue, found: Found, folded: Folded) -> Iterator[list[Occurrence]]:
    """Yield every filling of the slots within their gaps.

    All of them, not the nearest only: in 撞了人没有受伤 the denied words must not hide 躺在地上.
    """
    chains = [[first] for first in found[cue.slots[0]]]
    for slot, gap in zip(cue.slots[1:], cue.gaps[1:], strict=True):
        chains = [
            [*chain, following]
            for chain in chains
            for following in _following(chain[-1].end, gap, found[slot], folded)
        ]
    yield from chains


def _following(
    end: int, gap: int, candidates: list[Occurrence], folded: Folded
) -> Iterator[Occurrence]:
    for at in range(bisect_left(candidates, end, key=_start), len(candidates)):
        start = candidates[at].start
        if start - end > gap or folded.stops_before[start] != folded.stops_before[end]:
            return
        yield candidates[at]


_start = attrgetter("start")


def _length(chain: list[Occurrence]) -> int:
    return sum(occurrence.end - occurrence.start for occurrence in chain)


def _quality(chain: list[Occurrence]) -> float:
    """Return 1 for the very characters, less by sound, 0 for what is no match."""
    differs = sum(occurrence.differs for occurrence in chain)
    length = _length(chain)
    if length < 2:
        return 0.0
    if not differs:
        return 1.0
    # Across a gap chance has more room: 卖了…地下 is no 埋了…底下.
    if length < 3 or (len(chain) > 1 and (length < 4 or (length == 4 and differs > 1))):
        return 0.0
    return MISHEARD * (1 - 0.5 * differs / length)


def _text_automaton(texts: Iterable[str]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton(ahocorasick.STORE_ANY)
    for text in sorted(texts):
        automaton.add_word(text, text)
    automaton.make_automaton()
    return automaton


def _sound_automaton(texts: Iterable[str]) -> ahocorasick.Automaton:
    by_sound: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for text in sorted(texts):
        if sounds := sound.phrase(text):
            by_sound[sounds].append(text)
    automaton = ahocorasick.Automaton(ahocorasick.STORE_ANY, ahocorasick.KEY_SEQUENCE)
    for sounds, alike in by_sound.items():
        automaton.add_word(sounds, tuple(alike))
    automaton.make_automaton()
    return automaton
