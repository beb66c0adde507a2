"""Labelled texts: the training sentences (`data/said/*.txt`) and evaluation rows (JSON lines).

A training file has headers ``#B5 e`` (class, urgency n/u/e) and one sentence a line, clauses
apart by spaces, ``{a|b}`` for another way to say it; choices may hold choices.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.dispatch.datafile import packaged
from gateway.dispatch.mishear import Mishearing
from gateway.dispatch.taxonomy import Urgency
from gateway.errors import ConfigError

_URGENCY: dict[str, Urgency] = {"n": "normal", "u": "urgent", "e": "emergency"}
_CHOICE = re.compile(r"\{([^{}]*)\}")
_RICH = 3
_MISHEARD = 0.4
"""Share of the copies that are as recognition would have heard them."""
_OPENINGS = (
    "喂", "你好", "同志", "那个", "我跟你说", "是12345吗", "哎呀", "我们这边", "在人民路",
    "我在小区", "师傅", "麻烦问下", "我要反映", "我这里是", "就是说", "我打电话是", "快", "嗯",
    "我跟你们讲", "在我们村",
)  # fmt: skip

_REPORTED = (
    "有人", "有人反映", "我看见有人", "有群众说", "我妈说", "孩子说", "老人说", "我们这有人",
    "看到有个人", "急死人了", "气死我了", "快点来人管管", "求求你们", "救救我们小区", "吓死人",
    "出人命了才管吗",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A training sentence before its alternatives are chosen."""

    text: str
    target: str
    urgency: Urgency
    source: str


@dataclass(frozen=True)
class Said:
    """One text to learn from; `parts` are its utterances."""

    parts: tuple[str, ...]
    target: str
    urgency: Urgency
    line: int
    """Number of the line it was made from: alternatives of one line stay together."""


class Row(BaseModel):
    """An evaluation text; `platform` None: nothing to dispatch, only the urgency counts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    text: str
    platform: str | None
    item: str | None
    urgency: Urgency
    source: str
    note: str = ""


def lines(directory: Path | None = None) -> list[Line]:
    """Read every training sentence; ConfigError names file and line."""
    found: list[Line] = []
    for path in sorted((directory or packaged("said")).glob("*.txt")):
        target, urgency = "", "n"
        for number, raw in enumerate(path.read_text("utf-8").splitlines(), start=1):
            text = raw.strip()
            if text.startswith("#"):
                target, _, urgency = text[1:].partition(" ")
                if urgency not in _URGENCY:
                    raise ConfigError(f"{path}:{number}: write `#CLASS n`, `u` or `e`")
            elif text:
                found.append(Line(text, target, _URGENCY[urgency], path.stem))
    if not found:
        raise ConfigError(f"{directory}: no training sentences (*.txt); name their folder")
    return found


def said(every: list[Line], copies: int, seed: int) -> list[Said]:
    """Choose alternatives, openings, clause order and mishearings; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - reproducible training, no secret
    ear = Mishearing(line.text for line in every)
    return [
        Said(parts, line.target, line.urgency, number)
        for number, line in enumerate(every)
        for parts in _copies(
            line.text,
            copies,
            chance,
            ear,
            calm=line.urgency == "normal",
            alarming=line.urgency == "emergency",
        )
    ]


def rows(directory: Path) -> list[Row]:
    """Read evaluation rows (`*.jsonl`); ConfigError names file and line."""
    found: list[Row] = []
    for path in sorted(directory.glob("*.jsonl")):
        for number, raw in enumerate(path.read_text("utf-8").splitlines(), start=1):
            try:
                found.append(Row.model_validate(json.loads(raw)))
            except (ValueError, ValidationError) as error:
                raise ConfigError(f"{path}:{number}: not an evaluation row: {error}") from error
    return found


def _copies(
    text: str,
    copies: int,
    chance: random.Random,
    ear: Mishearing,
    *,
    calm: bool,
    alarming: bool,
) -> Iterator[tuple[str, ...]]:
    room = 1
    for choice in _CHOICE.findall(text):
        room *= choice.count("|") + 1
    # A sentence without alternatives still comes several times, opened and misheard differently;
    # one with many stands for many sentences.
    for _ in range(max(3, min(copies, room), min(_RICH * copies, room // 8))):
        clauses = [clause for clause in chosen(text, chance).split(" ") if clause]
        if len(clauses) > 1 and chance.random() < 0.25:
            chance.shuffle(clauses)
        if calm and chance.random() < 0.15:
            # Half a sentence about an ordinary matter is still no alarm.
            clauses = [chance.choice(clauses)]
        if chance.random() < 0.3:
            clauses.insert(0, chance.choice(_OPENINGS))
        if not alarming and chance.random() < 0.15:
            clauses.insert(0, chance.choice(_REPORTED))
        if chance.random() < _MISHEARD:
            clauses = ear.hear(clauses, chance)
        yield tuple(clauses) if chance.random() < 0.3 else (" ".join(clauses),)


def chosen(text: str, chance: random.Random) -> str:
    """Return `text` with one of each `{a|b}` taken."""
    while (one := _CHOICE.sub(lambda m: chance.choice(m.group(1).split("|")), text)) != text:
        text = one
    return text
