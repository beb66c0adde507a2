"""What follows from a class: unit, deadline, type of request, what to ask next."""

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from gateway.dispatch.datafile import packaged, read
from gateway.dispatch.division_names import Division
from gateway.dispatch.taxonomy import REQUIRED, Filled, Urgency

ProfileId = Literal["siyang", "tianjin", "custom"]
RequestType = Literal["咨询", "求助", "投诉", "举报", "建议", "表扬", "其他"]
MOST_QUESTIONS = 3
_REST = "A9"
"""The class of what no other names: the words alone say whose it is."""
_STRONG = 2
"""Words of a trade from which its unit assists on a matter of another class."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Profile(_Entry):
    """A place's rules. `area` is a division code; `on_scene_minutes` binds level-1 units (D23)."""

    id: ProfileId
    name: Filled
    area: str
    on_scene_minutes: int | None = None
    deadlines: dict[Urgency, Filled]


class Unit(_Entry):
    """An entry of the register; names by profile, ``{district}`` is filled in."""

    id: Filled
    level: Literal[1, 2]
    siyang: Filled
    tianjin: Filled

    def name(self, profile: ProfileId, district: str) -> str:
        """Return the unit's name in a profile and district ('' if unknown)."""
        return (self.tianjin if profile == "tianjin" else self.siyang).format(district=district)


class Route(_Entry):
    """The unit that leads on a class, where one of the concepts `when` was said (none: always)."""

    item: Literal[REQUIRED]  # type: ignore[valid-type]
    when: tuple[str, ...] = ()
    words: tuple[Filled, ...] = ()
    """Plain words that fit as well as `when`."""
    lead: str
    assist: tuple[str, ...] = ()

    def fits(self, meant: Collection[str], text: str) -> bool:
        """Say whether what was said is what the route is for."""
        if not self.when and not self.words:
            return True
        return bool(set(self.when) & set(meant)) or any(word in text for word in self.words)


class Trade(_Entry):
    """What a unit deals with, by the words for it."""

    unit: Filled
    words: tuple[Filled, ...]


class Ask(_Entry):
    """A question worth asking while the fact `missing` is."""

    text: Filled
    items: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    missing: str = ""


class Register(_Entry):
    """``units.toml``."""

    version: Filled
    source: Filled
    profile: tuple[Profile, ...]
    unit: tuple[Unit, ...]
    route: tuple[Route, ...]
    trade: tuple[Trade, ...] = ()
    ask: tuple[Ask, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        ids = [unit.id for unit in self.unit]
        if twice := {one for one in ids if ids.count(one) > 1}:
            raise ValueError(f"unit {', '.join(sorted(twice))} is there twice; keep one")
        for route in self.route:
            if unknown := {route.lead, *route.assist} - set(ids):
                raise ValueError(f"route {route.item}: no unit {', '.join(sorted(unknown))}")
        if unknown := {trade.unit for trade in self.trade} - set(ids):
            raise ValueError(f"trade: no unit {', '.join(sorted(unknown))}; add it or correct it")
        if missing := set(REQUIRED) - {
            route.item for route in self.route if not route.when and not route.words
        }:
            raise ValueError(
                f"no route without `when` and `words` for {', '.join(sorted(missing))}; add one"
            )
        return self

    def of(self, profile: ProfileId) -> Profile:
        """Return a profile."""
        return next(one for one in self.profile if one.id == profile)

    def units(
        self,
        item: str | None,
        meant: Collection[str],
        profile: ProfileId,
        place: Division | None,
        text: str = "",
    ) -> tuple[str, ...]:
        """Return lead and assisting units by name; () where no unit of ours has to act."""
        route = next(
            (one for one in self.route if one.item == item and one.fits(meant, text)), None
        )
        if route is None:
            return ()
        ids = (route.lead, *route.assist)
        if item and item.startswith("A"):
            ids = self._by_trade(item, ids, text, plain=not route.when and not route.words)
        district = place.name if place and place.level == 2 else ""
        by_id = {unit.id: unit for unit in self.unit}
        return tuple(by_id[one].name(profile, district) for one in ids)

    def _by_trade(
        self, item: str, ids: tuple[str, ...], text: str, *, plain: bool
    ) -> tuple[str, ...]:
        """Put units first whose trade the words are about, as far as the class leaves it open."""
        said = {one.unit: sum(word in text for word in one.words) for one in self.trade}
        # Equally often said: the earlier one in the file.
        most = sorted((unit for unit in said if said[unit]), key=lambda unit: -said[unit])
        if item == _REST and plain and most:
            return tuple(dict.fromkeys((*most[:2], *ids[1:])))[: max(2, len(ids))]
        strong = [unit for unit in most if said[unit] >= _STRONG and unit != ids[0]]
        return tuple(dict.fromkeys((ids[0], *strong[:1], *ids[1:])))

    def questions(
        self, item: str | None, meant: Collection[str], known: Collection[str]
    ) -> tuple[str, ...]:
        """Return what is worth asking next, at most three."""
        asked = (
            ask.text
            for ask in self.ask
            if (not ask.items or item in ask.items)
            and (not ask.when or set(ask.when) & set(meant))
            and ask.missing not in known
        )
        return tuple(asked)[:MOST_QUESTIONS]


def load(path: Path | None = None) -> Register:
    """Read the register (default: the shipped one); ConfigError names file, line and fix."""
    return read(path or packaged("units.toml"), Register)


_TYPES: tuple[tuple[RequestType, re.Pattern[str]], ...] = (
    ("表扬", re.compile("表扬|锦旗|点赞|点个赞|感谢你们|谢谢你们上次|夸")),
    ("举报", re.compile("举报|偷排|赌博|吸毒|卖淫|传销|无证|无照|黑作坊|偷税|假货|假酒|假药")),
    ("投诉", re.compile("投诉|太差|不作为|态度|不给退|不退|乱收费|没人管|不管|讨个说法|宰客")),
    ("咨询", re.compile("咨询|请问|想问|问一下|问下|打听|怎么办理|在哪办|什么手续|需要什么|几点|"
                       "怎么申请|能不能报|怎么报|政策")),
    ("建议", re.compile("建议|希望能|能不能装|能不能建|能不能加|最好能|应该")),
)  # fmt: skip


def request_type(text: str, item: str | None, urgency: Urgency) -> RequestType:
    """Return the type of request from the caller's words and the class."""
    if item == "B7":
        return "投诉"
    if urgency != "emergency":
        for name, words in _TYPES:
            if words.search(text):
                return name
    if item is None and urgency == "normal":
        return "咨询"
    return "投诉" if item in {"A2", "A4", "A5", "A6"} else "求助"


_FILLERS = re.compile(
    r"^(?:喂|你好|您好|那个|就是说|就是|嗯|啊|呃|哎呀|哎|同志|师傅|请问一下|请问|我想问一下|我想问下|"
    r"我要反映一下|我要反映|我跟你说|我跟你讲|麻烦|我要报警|我要报案|我报警|[，,。\s])+"
)
_STOPS, _SPACES = re.compile(r"[\s，。！？,.!?；;]+"), re.compile(r"\s+")
TITLE = 24
SUMMARY = 160


def clauses(text: str) -> tuple[str, ...]:
    """Return what stands between spaces and stops."""
    return tuple(filter(None, _STOPS.split(text)))


def told(text: str) -> str:
    """Return what a summary takes from an utterance, '' where it says nothing."""
    said = _FILLERS.sub("", text.strip())
    return _SPACES.sub("，", said) if len(said) > 1 else ""


def title(clauses: Sequence[str], spans: Iterable[str]) -> str:
    """Return the caller's own words around the first evidence, at most `TITLE` characters."""
    wanted = [span for span in spans if span]
    for span in wanted:
        for clause in clauses:
            if span in clause and len(clause) >= 4:
                return _FILLERS.sub("", clause)[:TITLE] or clause[:TITLE]
    return _FILLERS.sub("", "".join(clauses))[:TITLE]


def summary(parts: Iterable[str]) -> str:
    """Return what was `told` as one paragraph, shortened in the middle."""
    whole = "，".join(filter(None, parts))
    if len(whole) <= SUMMARY:
        return whole
    half = SUMMARY // 2
    return f"{whole[:half]}……{whole[-half:]}"
