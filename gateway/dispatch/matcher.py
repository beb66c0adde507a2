"""Find every cue in one pass, by its characters or by its sound.

pyahocorasick (BSD, C) rather than a compiled alternation: `re` returns one match per position,
so overlapping cues would hide each other, and tries its alternatives one by one; the automaton
reports all of them in time linear in the text, and its sequence form does the same for syllables.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import ahocorasick

from gateway.dispatch import sound
from gateway.dispatch.fold import Folded, fold
from gateway.dispatch.rules import Rule, slots

STRONG = 3.0
"""Rules from this weight on also match by sound."""
MISHEARD = 0.85
"""What a match by sound keeps of its weight before its differing characters are counted."""

_TOLERATED = {2: 1, 3: 2}
"""Characters of a text this long that may only sound alike. Two syllables with nothing else in
common are chance: 大货 is no 打火, 看了 no 砍了 (seen in 4,287 citizen messages)."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A text found at folded `[start, end)`; `differs` characters only sound like the cue."""

    start: int
    end: int
    differs: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A whole cue found. `quality` is 1 for the very characters, less by sound."""

    rule: Rule
    start: int
    end: int
    quality: float


@dataclass(frozen=True, slots=True)
class _Slot:
    """What may stand at one place of a cue; equal slots are matched once."""

    texts: tuple[str, ...]
    by_sound: bool


@dataclass(frozen=True, slots=True)
class _Cue:
    rule: Rule
    slots: tuple[_Slot, ...]
    gaps: tuple[int, ...]


Found = dict[_Slot, list[Occurrence]]


class Matcher:
    """Compiled rules; immutable after construction, so threads may share it."""

    def __init__(self, rules: Sequence[Rule], own_words: Sequence[str]) -> None:
        self._own_words = tuple(own_words)
        self._unless = {
            rule.id: _Slot(tuple(fold(text).chars for text in rule.unless), by_sound=False)
            for rule in rules
            if rule.unless
        }
        cues = [_compile(rule, cue) for rule in rules for cue in rule.cues]
        self._by_first: dict[_Slot, list[_Cue]] = defaultdict(list)
        for cue in cues:
            self._by_first[cue.slots[0]].append(cue)
        every = {slot for cue in cues for slot in cue.slots} | set(self._unless.values())
        self._written: dict[str, list[_Slot]] = defaultdict(list)
        self._spoken: dict[str, list[_Slot]] = defaultdict(list)
        for slot in sorted(every, key=lambda slot: (slot.texts, slot.by_sound)):
            for text in slot.texts:
                self._written[text].append(slot)
                if slot.by_sound and len(text) > 1:
                    self._spoken[text].append(slot)
        self._texts = _text_automaton(self._written.keys())
        self._sounds = _sound_automaton(self._spoken.keys())

    def hits(self, folded: Folded) -> Iterator[Hit]:
        """Yield the hits in `folded`, in no particular order."""
        found = self._occurrences(folded)
        for slot in list(found):
            for cue in self._by_first.get(slot, ()):
                yield from self._join(cue, found, folded)

    def _occurrences(self, folded: Folded) -> Found:
        found: Found = defaultdict(list)
        for last, text in self._texts.iter(folded.chars):
            for slot in self._written[text]:
                found[slot].append(Occurrence(last + 1 - len(text), last + 1))
        for last, texts in self._sounds.iter(sound.heard(folded.chars)):
            for text in texts:
                start = last + 1 - len(text)
                surface = folded.chars[start : last + 1]
                differs = sum(a != b for a, b in zip(surface, text, strict=True))
                if 0 < differs <= _TOLERATED.get(len(text), len(text)) and not self._own(surface):
                    for slot in self._spoken[text]:
                        found[slot].append(Occurrence(start, last + 1, differs))
        for occurrences in found.values():
            occurrences.sort(key=lambda o: (o.start, o.differs, -o.end))
        return found

    def _own(self, surface: str) -> bool:
        return any(word in surface for word in self._own_words)

    def _join(self, cue: _Cue, found: Found, folded: Folded) -> Iterator[Hit]:
        slot = self._unless.get(cue.rule.id)
        unless = found.get(slot, ()) if slot else ()
        for first in found[cue.slots[0]]:
            chain = _chain(first, cue, found, folded)
            quality = _quality(chain)
            if not quality:
                continue
            start, end = first.start, chain[-1].end
            if not any(other.start < end and start < other.end for other in unless):
                yield Hit(cue.rule, start, end, quality)


def _compile(rule: Rule, cue: str) -> _Cue:
    by_sound = rule.weight >= STRONG
    texts, gaps = zip(*slots(cue), strict=True)
    return _Cue(rule, tuple(_Slot(one, by_sound) for one in texts), gaps)


def _chain(first: Occurrence, cue: _Cue, found: Found, folded: Folded) -> list[Occurrence]:
    """Return the nearest filling of each slot in turn; empty when one is missing."""
    chain = [first]
    for slot, gap in zip(cue.slots[1:], cue.gaps[1:], strict=True):
        end = chain[-1].end
        candidates = found.get(slot, [])
        at = bisect_left(candidates, end, key=lambda occurrence: occurrence.start)
        following = candidates[at] if at < len(candidates) else None
        if following is None or following.start - end > gap:
            return []
        if folded.stops_before[following.start] != folded.stops_before[end]:
            return []
        chain.append(following)
    return chain


def _quality(chain: list[Occurrence]) -> float:
    """Return 1 for the very characters, less by sound, 0 for what is no match."""
    differs = sum(occurrence.differs for occurrence in chain)
    length = sum(occurrence.end - occurrence.start for occurrence in chain)
    if not chain or length < 2:
        return 0.0
    if not differs:
        return 1.0
    if length < (3 if len(chain) == 1 else 5):
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
