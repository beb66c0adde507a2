"""Names of places and units that were heard right and written wrong: 四阳县 -> 泗阳县.

A wrong correction is worse than none. What is written must sound like a name of the register; the
more it is an everyday word, and the shorter it is, the more has to speak for the name around it.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import ahocorasick

from gateway.speech.text.around import Around
from gateway.speech.text.register import Name, merged
from gateway.speech.text.sounds import Distance, distance, heard, spoken
from gateway.speech.text.words import Words

_LOOKS_BACK = 8


class _Hit(NamedTuple):
    """`[start, end)` of the text sounds like `name`; `end` is before the tail."""

    start: int
    end: int
    name: Name
    tail: str
    apart: Distance


class Names:
    """Finds misheard names in one pass; immutable, shared by threads."""

    def __init__(
        self, names: Iterable[Name], words: Words, around: Around, elsewhere: Iterable[str] = ()
    ) -> None:
        """`elsewhere` are names that are right although they are not to be written."""
        known = merged(names)
        self._around = around
        self._words = words
        self._right = frozenset(name.stem for name in known) | frozenset(elsewhere)
        self._sounds = ahocorasick.Automaton(ahocorasick.STORE_ANY, ahocorasick.KEY_SEQUENCE)
        alike: dict[tuple[int, ...], list[Name]] = {}
        for name in known:
            for sounds in spoken(name.stem):
                alike.setdefault(sounds, []).append(name)
        for sounds, sharing in alike.items():
            self._sounds.add_word(sounds, tuple(sharing))
        self._sounds.make_automaton()

    def correct(self, text: str) -> str:
        """Return `text`, as long as before, with misheard names put right; cost linear."""
        corrected = self._pass(text)
        # A name put right speaks for its neighbour: 四阳 重兴 -> 泗阳 众兴.
        return corrected if corrected == text else self._pass(corrected)

    def _pass(self, text: str) -> str:
        if not self._sounds:
            return text
        taken: list[_Hit] = []
        for hit in sorted(self._hits(text), key=_trust):
            if all(hit.end <= other.start or hit.start >= other.end for other in taken):
                taken.append(hit)
        chars = list(text)
        for hit in taken:
            chars[hit.start : hit.end] = hit.name.stem
        return "".join(chars)

    def _hits(self, text: str) -> Iterator[_Hit]:
        """Yield the likeliest name of each place in `text`, those written right included."""
        best: dict[tuple[int, int], list[_Hit]] = {}
        for last, names in self._sounds.iter(tuple(map(heard, text))):
            for name in names:
                start, end = last + 1 - len(name.stem), last + 1
                written = text[start:end]
                hit = _Hit(
                    start, end, name, self._tail(text, end, name), distance(written, name.stem)
                )
                best.setdefault((start, end), []).append(hit)
        for (start, end), hits in best.items():
            written = text[start:end]
            right = [hit for hit in hits if hit.name.stem == written]
            if right:
                yield right[0]
            elif written not in self._right:
                yield from self._clear([hit for hit in hits if self._meant(text, hit)])

    def _clear(self, hits: list[_Hit]) -> list[_Hit]:
        """Return the one nearest in sound; none where two are as near."""
        hits.sort(key=lambda hit: hit.apart)
        if len(hits) > 1 and hits[0].apart == hits[1].apart:
            return []
        return hits[:1]

    def _meant(self, text: str, hit: _Hit) -> bool:
        written = text[hit.start : hit.end]
        before = text[max(0, hit.start - _LOOKS_BACK) : hit.start]
        within = self._parent(before)
        alone = not before and len(text) == hit.end + len(hit.tail)
        led = within or alone or before.endswith(self._around.before)
        if not within and before and self._words.known(before[-1] + written[0]):
            return False
        if not led and not self._may_begin(before, written, hit):
            return False
        if hit.tail:
            if hit.name.village and any(hit.apart):
                return within and not hit.apart.syllables
            return self._meant_with_tail(written, hit.apart, within if any(hit.apart) else led)
        return self._meant_bare(text, hit, led=led, within=within)

    def _may_begin(self, before: str, written: str, hit: _Hit) -> bool:
        """Say whether a name to which nothing leads may begin after `before`."""
        last = before[-1:]
        begins = not "\u3400" <= last <= "\u9fff" or last in self._around.edges_after
        sure = hit.tail and not hit.name.village and not any(hit.apart)
        return written[0] not in self._around.function_chars and bool(begins or sure)

    def _meant_with_tail(self, written: str, apart: Distance, likely: bool) -> bool:
        if apart.syllables and (self._has_function(written) or written in self._words.places):
            return False
        if written in self._words.common and not likely:
            return False
        return apart.syllables <= (1 if len(written) == 2 else 2)

    def _meant_bare(self, text: str, hit: _Hit, *, led: bool, within: bool) -> bool:
        written = text[hit.start : hit.end]
        unlike = hit.apart.syllables or (hit.apart.tones and not within)
        if not hit.name.bare or unlike or self._words.known(written):
            return False
        after = text[hit.end : hit.end + 1]
        if self._has_function(written) or (after and self._words.known(written[-1] + after)):
            return False
        if len(written) > 2:
            return not any(self._words.known(a + b) for a, b in pairwise(written))
        behind = text.startswith(self._around.behind, hit.end)
        return led or behind or self._name_at(text, hit.end)

    def _has_function(self, written: str) -> bool:
        return not self._around.function_chars.isdisjoint(written)

    def _parent(self, before: str) -> bool:
        """Say whether a name that is written right ends here, with or without its tail."""
        for size in range(2, len(before) + 1):
            if before[-size:] in self._right:
                return True
        for tail in ("街道", "县", "区", "市", "镇", "乡"):
            if before.endswith(tail) and len(before) >= len(tail) + 2:
                return self._parent(before.removesuffix(tail))
        return False

    def _tail(self, text: str, end: int, name: Name) -> str:
        if text.startswith(self._around.not_tails, end):
            return ""
        return next((tail for tail in name.tails if text.startswith(tail, end)), "")

    def _name_at(self, text: str, at: int) -> bool:
        return any(text[at : at + size] in self._right for size in (2, 3, 4))


def _trust(hit: _Hit) -> tuple[int, bool, Distance, int]:
    """Longer names first, then those with a tail, then the nearer."""
    return (hit.start - hit.end, not hit.tail, hit.apart, hit.start)
