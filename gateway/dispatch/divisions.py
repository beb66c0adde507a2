"""Administrative divisions named in a text: by their characters, or by their sound.

Codes never go without their system: the statistics bureau and the civil affairs ministry give
different codes to a quarter of the townships, and one code two names.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import ahocorasick

from gateway.dispatch.datafile import packaged
from gateway.dispatch.fold import Folded
from gateway.dispatch.sound import heard, phrase
from gateway.errors import ConfigError

CODE_SYSTEM = "NBS-2023"
"""Statistical division codes, National Bureau of Statistics, as of 2023-06-30."""

_TAILS = ("街道", "镇", "乡", "县", "区", "市")
_VILLAGE = ("社区居委会", "村委会", "居委会", "村民委员会", "居民委员会")
_COMMON = {"和平", "河东", "河西", "河北", "红桥", "南开", "东风", "新华", "友谊", "大营", "广场"}
"""Names too common to stand for a division without their tail."""


class Division(NamedTuple):
    """A place with its code; levels: 1 province, 2 county, 3 township, 4 village."""

    code: str
    name: str

    @property
    def level(self) -> int:
        return {2: 1, 6: 2, 9: 3}.get(len(self.code), 4)

    def within(self, other: "Division") -> bool:
        """Say whether this lies in `other`."""
        return self.code.startswith(other.code)


@dataclass(frozen=True, slots=True)
class Named:
    """Divisions that may be meant at folded `[start, end)`; `exact` by characters."""

    candidates: tuple[Division, ...]
    start: int
    end: int
    exact: bool
    short: bool


@dataclass(frozen=True, slots=True)
class Located:
    """The division meant, as folded `[start, end)` says."""

    division: Division
    start: int
    end: int
    exact: bool


class Divisions:
    """Every division by name and sound; immutable, shared by threads."""

    def __init__(self, divisions: Iterable[Division]) -> None:
        self.by_code = {division.code: division for division in divisions}
        names: dict[str, list[tuple[Division, bool]]] = defaultdict(list)
        for division in self.by_code.values():
            for name, short in spoken_names(division):
                names[name].append((division, short))
        for name, division in self._former():
            if name not in names:
                names[name].append((division, True))
        self._texts = ahocorasick.Automaton(ahocorasick.STORE_ANY)
        self._sounds = ahocorasick.Automaton(ahocorasick.STORE_ANY, ahocorasick.KEY_SEQUENCE)
        by_sound: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for name, meant in sorted(names.items()):
            self._texts.add_word(name, (name, tuple(meant)))
            # A village only by its very name: with thousands of them, chance sounds alike.
            audible = len(name) >= 3 and all(one.level < 4 for one, _ in meant)
            if audible and (sounds := phrase(name)):
                by_sound[sounds].append(name)
        for sounds, alike in by_sound.items():
            entries = tuple((name, tuple(names[name])) for name in alike)
            self._sounds.add_word(sounds, entries)
        self._texts.make_automaton()
        self._sounds.make_automaton()

    def _former(self) -> Iterator[tuple[str, Division]]:
        """Yield towns that are no more, by the residents' committee that kept the name."""
        for village in self.by_code.values():
            town = self.by_code.get(village.code[:9])
            if village.level == 4 and town and village.name.endswith("居委会"):
                stem = village.name.removesuffix("居委会").removesuffix("社区")
                if len(stem) == 2:
                    yield from ((stem + tail, town) for tail in ("镇", "乡", "街"))

    def parents(self, division: Division) -> list[Division]:
        """Return the divisions around it, province first."""
        codes = (division.code[:size] for size in (2, 6, 9) if size < len(division.code))
        return [self.by_code[code] for code in codes if code in self.by_code]

    def find(self, folded: Folded) -> list[Named]:
        """Return names found, longest first where they overlap."""
        found: list[Named] = []
        for last, (name, meant) in self._texts.iter(folded.chars):
            found.append(_named(meant, last, len(name), exact=True))
        for last, entries in self._sounds.iter(heard(folded.chars)):
            for name, meant in entries:
                found.append(_named(meant, last, len(name), exact=False))
        found.sort(key=lambda n: (-(n.end - n.start), not n.exact, n.start))
        kept: list[Named] = []
        for one in found:
            if all(one.end <= other.start or one.start >= other.end for other in kept):
                kept.append(one)
        kept = [one for one in kept if not (one.short and _is_road(one, folded))]
        plain = [one for one in kept if not _elsewhere(one, folded)]
        return sorted(plain or kept, key=lambda n: n.start)

    def locate(self, names: Iterable[Named], area: str = "") -> Located | None:
        """Return the smallest division that is meant beyond doubt; `area` is the profile's code.

        Candidates must agree with the larger places named; what stays ambiguous gives no code.
        """
        best: Located | None = None
        for one in sorted(names, key=_trust):
            fitting = list(one.candidates)
            if best is not None:
                fitting = [d for d in fitting if d.within(best.division)]
            elif area and any(d.code.startswith(area) for d in fitting):
                fitting = [d for d in fitting if d.code.startswith(area)]
            # 静海 is a district and the town in it: the larger one is right either way.
            largest = min(fitting, key=lambda d: d.level, default=None)
            if largest and all(d.within(largest) for d in fitting):
                fitting = [largest]
            if len(fitting) == 1 and (best is None or fitting[0].level > best.division.level):
                best = Located(fitting[0], one.start, one.end, one.exact)
        return best


def load(path: Path | None = None) -> Divisions:
    """`read` them, ready to be found in texts."""
    return Divisions(read(path))


def read(path: Path | None = None) -> list[Division]:
    """Read the divisions (default: the shipped ones); ConfigError names file and line."""
    path = path or packaged("divisions.txt")
    divisions: list[Division] = []
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); name a file") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            continue
        code, _, name = line.partition(",")
        if not code.isdigit() or len(code) not in {2, 6, 9, 12} or not name:
            raise ConfigError(f"{path}:{number}: write `code,name`, code of 2, 6, 9 or 12 digits")
        divisions.append(Division(code, name))
    return divisions


def _named(
    meant: tuple[tuple[Division, bool], ...], last: int, length: int, *, exact: bool
) -> Named:
    candidates = tuple(dict.fromkeys(division for division, _ in meant))
    return Named(candidates, last + 1 - length, last + 1, exact, all(s for _, s in meant))


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


def spoken_names(division: Division) -> Iterable[tuple[str, bool]]:
    """Yield what people call it, and whether that is a short form."""
    name = division.name
    if division.level == 4:
        tail = next((t for t in _VILLAGE if name.endswith(t)), "")
        stem = name.removesuffix(tail).removesuffix("社区").removesuffix("村")
        if len(stem) >= 2:
            kinds = ("社区", "居委会") if "居" in tail else ("村", "村委会")
            yield from ((stem + kind, False) for kind in (*kinds, "村" if "居" in tail else "庄"))
        return
    yield name, False
    tail = next((t for t in _TAILS if name.endswith(t) and len(name) - len(t) >= 2), "")
    stem = name.removesuffix(tail)
    if not tail or stem == name:
        return
    if tail in {"街道", "镇", "乡"}:
        # Towns become sub-districts and people keep the old word.
        yield from ((stem + other, True) for other in ("街道", "街", "镇", "乡") if other != tail)
    elif tail == "区":
        yield from ((stem + other, True) for other in ("县",))
    if stem not in _COMMON:
        yield stem, True
