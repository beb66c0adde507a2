"""Administrative divisions named in a text: by their characters, or by their sound.

Codes never go without their system: the statistics bureau and the civil affairs ministry give
different codes to a quarter of the townships, and one code two names.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import ahocorasick

from gateway.dispatch import division_names as names_of
from gateway.dispatch.division_names import Called, Division
from gateway.dispatch.fold import Folded
from gateway.dispatch.sound import heard, loose, loose_phrase, phrase

CODE_SYSTEM = "NBS-2023"
"""Statistical division codes, National Bureau of Statistics, as of 2023-06-30."""

_FAR = 40
"""Characters beyond which no name can be beside another: the longest ones have 36."""
_NEAR = 4
"""Characters between a weak name and the place beside it that speaks for it."""

_Meant = tuple[tuple[Division, Called], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Divisions that may be meant at folded `[start, end)`; `exact` by characters.

    `weak` names count only within a larger place that was named.
    """

    candidates: tuple[Division, ...]
    start: int
    end: int
    exact: bool
    short: bool
    weak: bool = False

    def overlaps(self, other: "Named") -> bool:
        return self.start < other.end and other.start < self.end

    def beside(self, other: "Named") -> bool:
        """Say whether at most a few characters lie between them."""
        return max(self.start, other.start) - min(self.end, other.end) <= _NEAR


@dataclass(frozen=True, slots=True)
class Located:
    """The division meant, as folded `[start, end)` says."""

    division: Division
    start: int
    end: int
    exact: bool


class Divisions:
    """Every division by name and sound; immutable, shared by threads."""

    def __init__(self, divisions: Iterable[Division], landmarks: Iterable[Division] = ()) -> None:
        self.by_code = {division.code: division for division in divisions}
        self._everyday = names_of.everyday()
        names: dict[str, list[tuple[Division, Called]]] = defaultdict(list)
        for division in self.by_code.values():
            for called in names_of.called(division):
                names[called.name].append((division, called))
        for called, division in names_of.former(self.by_code):
            if all(other.weak for _, other in names[called.name]):
                names[called.name].append((division, called))
        for landmark in landmarks:
            if place := self.by_code.get(landmark.code):
                names[landmark.name] = [(place, Called(landmark.name, short=True, written=True))]
        self._texts = ahocorasick.Automaton(ahocorasick.STORE_ANY)
        self._sounds = ahocorasick.Automaton(ahocorasick.STORE_ANY, ahocorasick.KEY_SEQUENCE)
        by_sound: dict[tuple[int, ...], list[tuple[str, _Meant]]] = defaultdict(list)
        for name, meant in sorted(names.items()):
            self._texts.add_word(name, (name, tuple(meant)))
            # A village only by its very name: with thousands of them, chance sounds alike.
            audible = tuple(pair for pair in meant if not pair[1].written)
            if audible and (sounds := loose_phrase(name)):
                by_sound[sounds].append((name, audible))
        for sounds, alike in by_sound.items():
            self._sounds.add_word(sounds, tuple(alike))
        self._texts.make_automaton()
        self._sounds.make_automaton()

    def parents(self, division: Division) -> list[Division]:
        """Return the divisions around it, province first."""
        codes = (division.code[:size] for size in (2, 6, 9) if size < len(division.code))
        return [self.by_code[code] for code in codes if code in self.by_code]

    def path(self, division: Division) -> str:
        """Return its full name, as 天津市和平区小白楼街道."""
        return "".join(one.name for one in (*self.parents(division), division))

    def find(self, folded: Folded) -> list[Named]:
        """Return names found, longest first where they overlap."""
        found = [*self._written(folded), *self._heard(folded)]
        found = [one for one in found if not (one.short and _is_road(one, folded))]
        found.sort(key=lambda one: one.start)
        # A place that another beside it speaks for goes before a longer one that stands alone.
        order = sorted(
            ((_backed(at, found), one) for at, one in enumerate(found)),
            key=lambda pair: (pair[0] is None, pair[1].weak, *_reach(pair[1])),
        )
        kept: list[Named] = []
        taken = bytearray(len(folded.chars))
        for fitting, one in order:
            may = fitting is not None or not one.weak or _distinct(one)
            if may and not any(taken[one.start : one.end]):
                taken[one.start : one.end] = b"\1" * (one.end - one.start)
                kept.append(one if fitting is None or not one.weak else fitting)
        plain = [one for one in kept if not _elsewhere(one, folded)]
        return sorted(plain or kept, key=lambda n: n.start)

    def _written(self, folded: Folded) -> Iterator[Named]:
        for last, (name, meant) in self._texts.iter(folded.chars):
            strong = tuple(pair for pair in meant if not pair[1].weak)
            weak = tuple(pair for pair in meant if pair[1].weak)
            if strong:
                yield _named(strong, last, name, exact=True, weak=False)
            if weak and name not in self._everyday:
                yield _named(weak, last, name, exact=True, weak=True)

    def _heard(self, folded: Folded) -> Iterator[Named]:
        for last, entries in self._sounds.iter(loose(folded.chars)):
            for name, meant in entries:
                written = folded.chars[last + 1 - len(name) : last + 1]
                if written == name:
                    continue
                weak = len(name) < 3 or heard(written) != phrase(name)
                if not weak or written not in self._everyday:
                    yield _named(meant, last, name, exact=False, weak=weak)

    def locate(self, names: Iterable[Named], area: str = "") -> Located | None:
        """Return the smallest division that is meant beyond doubt; `area` is the profile's code.

        Candidates must agree with the larger places named; what stays ambiguous gives no code.
        """
        best: Located | None = None
        for one in sorted(names, key=_trust):
            fitting = list(one.candidates)
            if best is not None:
                fitting = [d for d in fitting if d.within(best.division)]
            elif one.weak:
                continue
            elif area and any(d.code.startswith(area) for d in fitting):
                fitting = [d for d in fitting if d.code.startswith(area)]
            # 静海 is a district and the town in it: the larger one is right either way.
            largest = min(fitting, key=lambda d: d.level, default=None)
            if largest and all(d.within(largest) for d in fitting):
                fitting = [largest]
            # Which of a town's villages it is does not matter as much as the town.
            towns = {d.code[:9] for d in fitting}
            if len(fitting) > 1 and len(towns) == 1:
                fitting = [self.by_code[towns.pop()]]
            if len(fitting) == 1 and (best is None or fitting[0].level > best.division.level):
                best = Located(fitting[0], one.start, one.end, one.exact)
        return best


def load(path: Path | None = None) -> Divisions:
    """Read divisions (default: the shipped ones), ready to be found in texts."""
    return Divisions(names_of.read(path), names_of.landmarks())


def _named(meant: _Meant, last: int, name: str, *, exact: bool, weak: bool) -> Named:
    candidates = tuple(dict.fromkeys(division for division, _ in meant))
    short = all(called.short for _, called in meant)
    return Named(candidates, last + 1 - len(name), last + 1, exact, short, weak)


def _backed(at: int, found: Sequence[Named]) -> Named | None:
    """Return `found[at]` with the candidates that a place beside it contains or lies in.

    `found` is sorted by start; only what lies near is looked at, so the cost stays linear.
    """
    one = found[at]
    first = bisect_left(found, one.start - _FAR, key=lambda other: other.start)
    last = bisect_left(found, one.end + _FAR, key=lambda other: other.start)
    near = [
        division
        for other in found[first:last]
        if not one.overlaps(other) and one.beside(other)
        for division in other.candidates
    ]
    fitting = tuple(d for d in one.candidates if any(_speaks(d, e) for e in near))
    return replace(one, candidates=fitting, weak=False) if fitting else None


def _reach(one: Named) -> tuple[int, bool, int]:
    """Longer names first, then those written as they are, then earlier ones."""
    return one.start - one.end, not one.exact, one.start


def _distinct(one: Named) -> bool:
    """Say whether a weak name may be backed by a place named elsewhere in the call."""
    return one.exact and one.end - one.start >= 3


def _speaks(one: Division, beside: Division) -> bool:
    """Say whether one of them lies in the other."""
    return one != beside and (one.within(beside) or beside.within(one))


_OTHER_BEFORE = re.compile(
    r"(?:不是|不在|并非|老家在?|老家是|户口在|户籍在?|来自|从|以前住在?|原来住?在?|本来在|不归|不属于?)$"
)
_OTHER_AFTER = re.compile(r"人(?![民家行])|来的|过来|搬来|搬过来|不是|的亲戚|户口|牌照|口音")
_ROAD = re.compile(r"路|道(?!上?口)|大道|街(?![道上])|大街|桥")


def _elsewhere(named: Named, folded: Folded) -> bool:
    """Say whether the words around take a place back (不是众兴 是来安) or give it as an origin."""
    before, after = folded.before(named.start, 6), folded.after(named.end, 4)
    return bool(_OTHER_BEFORE.search(before) or _OTHER_AFTER.match(after))


def _is_road(named: Named, folded: Folded) -> bool:
    """Say whether a short name is part of a road's: 北辰道 is not in 北辰 alone."""
    return _ROAD.match(folded.after(named.end, 2)) is not None


def _trust(named: Named) -> tuple[int, bool, bool, int]:
    """Larger places first, then full names, then those heard as written, then earlier ones."""
    return (
        min(division.level for division in named.candidates),
        named.short,
        not named.exact,
        named.start,
    )
