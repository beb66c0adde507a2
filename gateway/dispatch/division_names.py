"""What people call a division: with its tail, with an older one, or by the bare name."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.dispatch.datafile import packaged
from gateway.errors import ConfigError

_TAILS = ("街道", "镇", "乡", "县", "区", "市")
_VILLAGE = ("社区居委会", "村委会", "居委会", "村民委员会", "居民委员会")
_NUMBERED = re.compile("第[一二三四五六七八九十]$")
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


class Called(NamedTuple):
    """A name in use. `short`: not the official one; `weak`: too common by itself, so that it counts
    only beside a place around it; `written`: known by its characters only, not by its sound."""

    name: str
    short: bool = False
    weak: bool = False
    written: bool = False


def called(division: Division) -> Iterator[Called]:
    """Yield what people call a division."""
    if division.level == 4:
        yield from _village(division.name)
        return
    name = division.name
    yield Called(name)
    tail = next((t for t in _TAILS if name.endswith(t) and len(name) - len(t) >= 2), "")
    stem = name.removesuffix(tail)
    if not tail or stem == name:
        return
    if tail in {"街道", "镇", "乡"}:
        # Towns become sub-districts and people keep the old word.
        for other in ("街道", "街", "镇", "乡"):
            if other != tail:
                yield Called(stem + other, short=True)
    elif tail == "区":
        yield Called(stem + "县", short=True)
    yield Called(stem, short=True, weak=stem in _COMMON)


def _village(name: str) -> Iterator[Called]:
    tail = next((t for t in _VILLAGE if name.endswith(t)), "")
    whole = name.removesuffix(tail).removesuffix("社区")
    stem = whole.removesuffix("村") if len(whole) > 2 else whole
    if len(stem) < 2:
        return
    kinds = ("社区", "居委会", "村") if "居" in tail else ("村", "村委会")
    yield from (Called(stem + kind, written=True) for kind in kinds)
    if "居" not in tail and not stem.endswith("庄"):
        yield Called(stem + "庄", short=True, weak=True, written=True)
    yield Called(stem, short=True, weak=True, written=True)
    if (several := _NUMBERED.sub("", stem)) != stem and len(several) >= 2:
        yield Called(several, short=True, weak=True, written=True)


def former(by_code: dict[str, Division]) -> Iterator[tuple[Called, Division]]:
    """Yield towns that are no more, by the residents' committee that kept the name."""
    for village in by_code.values():
        town = by_code.get(village.code[:9])
        if village.level == 4 and town and village.name.endswith("居委会"):
            # A 社区 is an estate; a committee that has only its name was often a town's.
            stem = village.name.removesuffix("居委会")
            if len(stem) == 2:
                for tail in ("镇", "乡", "街"):
                    yield Called(stem + tail, short=True, written=True), town


def read(path: Path | None = None) -> list[Division]:
    """Read divisions (default: the shipped ones); ConfigError names file and line."""
    path = path or packaged("divisions.txt")
    divisions: list[Division] = []
    for number, line in _lines(path):
        code, _, name = line.partition(",")
        if not code.isdigit() or len(code) not in {2, 6, 9, 12} or not name:
            raise ConfigError(f"{path}:{number}: write `code,name`, code of 2, 6, 9 or 12 digits")
        divisions.append(Division(code, name))
    return divisions


def landmarks() -> list[Division]:
    """Read the shipped landmarks, each as if it were a name of the division it lies in."""
    return read(packaged("landmarks.txt"))


def everyday() -> frozenset[str]:
    """Read the words that are not taken for a place by themselves."""
    return frozenset(word for _, line in _lines(packaged("everyday.txt")) for word in line.split())


def _lines(path: Path) -> Iterable[tuple[int, str]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); name a file") from error
    return (
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if not line.startswith("#")
    )
