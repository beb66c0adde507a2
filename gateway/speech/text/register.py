"""The names that may be put right: places and units of the gateway's area, and an admin's own."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.dispatch import advice
from gateway.dispatch.division_names import Division, called
from gateway.errors import ConfigError

_COUNTY = ("区", "县")
_TOWN = ("街道办事处", "街道办", "办事处", "街道", "开发区", "镇", "乡", "街")
_VILLAGE = ("社区居委会", "村民委员会", "社区", "居委会", "村委会", "村")
_UNIT = ("支队", "大队", "公司", "中心", "委员会", "局", "委", "办")
_ALONE = 3
"""Characters from which a name is plain enough without its tail."""


class Name(NamedTuple):
    """A name as `stem`, with one of `tails` behind it or, where `bare`, without."""

    stem: str
    tails: tuple[str, ...]
    bare: bool
    village: bool = False


def of_areas(areas: Sequence[str], register: Iterable[Division]) -> list[Name]:
    """Return the names of the divisions in `areas` (codes; none: everywhere) and around them.

    Villages only of whole counties: of thousands, some sound like anything.
    """
    whole_counties = [area for area in areas if len(area) >= 6]
    names: list[Name] = []
    for division in register:
        if division.level == 4:
            if any(division.code.startswith(area) for area in whole_counties):
                names += _village(division)
        elif not areas or any(_touches(division.code, area) for area in areas):
            names.append(_larger(division))
    return names


def merged(names: Iterable[Name]) -> list[Name]:
    """Return one name for each stem: 静海 is a district and a town in it."""
    found: dict[str, Name] = {}
    for name in names:
        held = found.get(name.stem, name)
        found[name.stem] = Name(
            name.stem,
            tuple(dict.fromkeys((*held.tails, *name.tails))),
            held.bare or name.bare,
            held.village and name.village,
        )
    return list(found.values())


def of_units(profile: advice.ProfileId) -> list[Name]:
    """Return the names of the units that a profile's centre works with (units.toml)."""
    names = (unit.name(profile, "") for unit in advice.load().unit)
    # Each with its own tail only: 市发委 is not 司法局.
    return [
        _split(name, tuple(tail for tail in _UNIT if name.endswith(tail)))
        for name in names
        if name.isalpha() and len(name) >= 3
    ]


def of_file(path: Path, tails: tuple[str, ...]) -> list[Name]:
    """Return an administrator's names, which may end in `tails`.

    Raises ConfigError naming the file and the line.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"[speech] names_file {path}: cannot be read ({type(error).__name__}); "
            "name a UTF-8 file with one name a line"
        ) from error
    return list(_lines(path, lines, tails))


def _lines(path: Path, lines: list[str], tails: tuple[str, ...]) -> Iterator[Name]:
    for number, line in enumerate(lines, start=1):
        name = line.partition("#")[0].strip()
        if not name:
            continue
        if len(name) < 2 or not all("\u3400" <= char <= "\u9fff" for char in name):
            raise ConfigError(
                f"{path}:{number}: not a name of two or more Chinese characters; "
                "write one name a line, `#` before a comment"
            )
        yield _split(name, tails)


def _touches(code: str, area: str) -> bool:
    return code.startswith(area) or area.startswith(code)


def _larger(division: Division) -> Name:
    name = _split(division.name, {1: ("市",), 2: _COUNTY}.get(division.level, _TOWN))
    # 和平 and 河西 are words of their own, and names only with 区.
    return name._replace(
        bare=any(one.name == name.stem and not one.weak for one in called(division))
    )


def _village(division: Division) -> set[Name]:
    said = (one.name for one in called(division) if not one.weak)
    return {
        _split(name, _VILLAGE)._replace(bare=False, village=True)
        for name in said
        if name.endswith(_VILLAGE)
    }


def _split(name: str, tails: tuple[str, ...]) -> Name:
    tail = next((t for t in tails if name.endswith(t) and len(name) - len(t) >= 2), "")
    stem = name.removesuffix(tail) if tail else name
    return Name(stem, tails if tail else (), bare=len(stem) >= _ALONE)
