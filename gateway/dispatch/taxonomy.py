"""The diversion lists between 110 and 12345 (plan annex 1), as versioned, validated data."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway.dispatch.datafile import packaged, read

Urgency = Literal["normal", "urgent", "emergency"]
Platform = Literal["110", "12345", "119", "120", "122", "guide"]
"""Who takes the matter; `guide`: outside both scopes (D06). Fires and accidents are on the list
12345->110 (B4, B3): they go to 110, which brings in 119 and 122; 120 and 119 by themselves are
for illness without a police matter and for rescue services."""

RANK: dict[Urgency, int] = {"normal": 0, "urgent": 1, "emergency": 2}
"""Urgency compares by rank: safety may only move it up."""

REQUIRED = tuple(f"A{n}" for n in range(1, 10)) + tuple(f"B{n}" for n in range(1, 9))


def _item_id(value: str) -> str:
    if value not in REQUIRED:
        raise ValueError(f"unknown class id {value!r}; use A1-A9 or B1-B8")
    return value


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write a text")
    return value


Filled = Annotated[str, AfterValidator(_filled)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Entry):
    """A class of one list. `platform` is who accepts it; `urgency` what it starts from."""

    id: Annotated[str, AfterValidator(_item_id)]
    name: Filled
    list: Literal["110->12345", "12345->110"]
    platform: Literal["110", "12345"]
    urgency: Literal["normal", "urgent"] = "normal"
    """Never `emergency`: only words of danger raise that far (safety.py)."""
    utility: bool = False
    """Water, power, gas or heat: a failure may need a utility today."""
    scope: Filled
    """What the class covers, in the plan's words; shown to operators."""

    @model_validator(mode="after")
    def _list_matches_platform(self) -> Self:
        if not self.list.endswith(self.platform):
            raise ValueError(f"list {self.list} does not lead to platform {self.platform}; fix one")
        if (self.id[0] == "A") != (self.platform == "12345"):
            raise ValueError("A classes go to 12345 and B classes to 110; fix platform")
        return self


class Guidance(_Entry):
    """A matter outside both scopes (D06): the caller is told whom to call."""

    id: Annotated[str, Field(pattern=r"^G-[a-z0-9-]+$")]
    name: Filled
    number: str = ""
    script: Filled


class Line(_Entry):
    """An emergency line that is asked to join (D12)."""

    number: Annotated[str, Field(pattern=r"^\d{3,5}$")]
    name: Filled


class Taxonomy(_Entry):
    """Both lists, the guidance entries and the emergency lines, under one version."""

    version: Filled
    source: Filled
    items: Annotated[tuple[Item, ...], Field(alias="item")]
    guidance: tuple[Guidance, ...] = ()
    lines: Annotated[tuple[Line, ...], Field(alias="line")] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        counts = Counter([item.id for item in self.items] + [entry.id for entry in self.guidance])
        if twice := [name for name, count in counts.items() if count > 1]:
            raise ValueError(f"{', '.join(twice)} defined more than once; keep one entry of each")
        if missing := [name for name in REQUIRED if name not in counts]:
            raise ValueError(f"no entry for {', '.join(missing)}; add an [[item]] for each")
        return self

    def item(self, item_id: str) -> Item | None:
        """Return the class `item_id`, or None."""
        return next((item for item in self.items if item.id == item_id), None)

    def guide(self, guidance_id: str) -> Guidance | None:
        """Return the guidance entry `guidance_id`, or None."""
        return next((entry for entry in self.guidance if entry.id == guidance_id), None)

    def line(self, number: str) -> Line | None:
        """Return the emergency line `number`, or None."""
        return next((line for line in self.lines if line.number == number), None)

    def name(self, class_id: str) -> str:
        """Return the name of a class, a guidance entry or a line (``L-120``); '' if unknown."""
        entry = self.item(class_id) or self.guide(class_id) or self.line(class_id[2:])
        return entry.name if entry else ""

    def knows(self, class_id: str) -> bool:
        """Say whether `class_id` is a class or a guidance entry."""
        return self.item(class_id) is not None or self.guide(class_id) is not None


def load(path: Path | None = None) -> Taxonomy:
    """Read the taxonomy (default: the shipped one); ConfigError names file, line and fix."""
    return read(path or packaged("taxonomy.toml"), Taxonomy)
