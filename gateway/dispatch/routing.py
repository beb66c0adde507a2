"""Routing measured on citizens' messages that were answered: does the unit that answered come up?

The label is silver: the first unit named in the official reply, read by the words below. Messages
are written and of another city; units are compared by trade (公安, 城管), not by district.
"""

import csv
import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.dispatch.advice import Register
from gateway.dispatch.evaluate import Share, said
from gateway.dispatch.suggest import Dispatcher
from gateway.errors import ConfigError

SAMPLE, SEED = 100, 2022
_HEAD = 400
"""Characters of a reply in which its unit is sought: later ones name all who were asked."""
_QUOTED = re.compile(r"《[^》]*》|“[^”]*”|关于[^，。]{0,40}的(?:问题|通知|意见)")

UNITS: dict[str, str] = {
    "police": r"公安|交警|派出所|车管所|民警",
    "urban": r"城管|城市管理|行政执法局|市容|环卫",
    "housing": r"住建|住房和城乡建设|住房保障|住房城乡|房管|房产局|房地产管理|质安|公积金|建设局",
    "transport": r"交通运输|交通局|运管|公交公司|公交集团|轨道|公路管理|公路局",
    "market": r"市场监督|市场监管|工商|食药监|食品药品|质监|质量技术|物价|发改",
    "labour": r"人社|人力资源|劳动监察|社保|就业",
    "environment": r"环保|生态环境|环境保护",
    "farming": r"农业|林业|畜牧|园林|绿化",
    "water": r"水利|水务局",
    "waterworks": r"自来水|供水公司|水业",
    "power": r"供电|电力公司|国网",
    "gas": r"燃气公司|燃气集团",
    "health": r"卫健|卫生局|卫计|卫生和计划|卫生计生|医院",
    "education": r"教育局|教育体育|教体|教委|学校",
    "medicare": r"医保|医疗保障",
    "civil": r"民政",
    "fire": r"消防",
    "emergency": r"应急管理|安监|安全生产监督",
    "commerce": r"商务局",
    "telecom": r"电信公司|移动公司|联通公司|通信管理",
    "street": r"街道|[镇乡](?:党委|政府|人民政府)|我[镇乡]|社区|居委会",
}
"""Unit of the register -> how replies name it."""
_NAMES = re.compile("|".join(f"(?P<{unit}>{words})" for unit, words in UNITS.items()))


@dataclass(frozen=True)
class Answered:
    """A message and the unit that its reply names; `words` show where the label was read."""

    id: str
    text: str
    unit: str
    words: str


@dataclass(frozen=True)
class Routed:
    """An answered message and the units proposed for it, best first."""

    message: Answered
    proposed: tuple[str, ...]
    item: str

    @property
    def right(self) -> bool:
        """Say whether the unit is among the first two proposed."""
        return self.message.unit in self.proposed[:2]


def label(reply: str) -> tuple[str, str] | None:
    """Return the unit that a reply names first, and the words around its name."""
    head = _QUOTED.sub(lambda found: " " * len(found.group()), reply[:_HEAD])
    named = [(found.start(), found.lastgroup or "") for found in _NAMES.finditer(head)]
    # A street office answers for others: it is the unit only when nobody else is named.
    at = next((one for one in named if one[1] != "street"), named[0] if named else None)
    if at is None:
        return None
    start = max(0, at[0] - 12)
    return at[1], " ".join(reply[start : at[0] + 16].split())


def read(path: Path) -> tuple[list[Answered], int]:
    """Read messages with replies (JSON lines, gzip), and count the replies that name no unit.

    Raises ConfigError naming file and line.
    """
    found: list[Answered] = []
    unnamed = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                row = _row(path, number, line)
                if unit := label(row["reply"]):
                    found.append(Answered(row["id"], f"{row['title']}。{row['text']}", *unit))
                else:
                    unnamed += 1
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error}); name a .jsonl.gz file") from error
    return found, unnamed


def route(
    dispatcher: Dispatcher,
    messages: Sequence[Answered],
    progress: Callable[[Iterable[Answered]], Iterable[Answered]] = iter,
    keep: Path | None = None,
) -> list[Routed]:
    """Propose units for every message.

    `keep` is a file of ids and units, no texts: what this version of the engine has proposed before
    is taken from it, what is new is added, so that a run that was cut off goes on.
    """
    held = _kept(keep, dispatcher.version) if keep else {}
    found: list[Routed] = []
    for message in progress(messages):
        if message.id not in held:
            held[message.id] = _propose(dispatcher, message)
            if keep:
                _append(keep, {"id": message.id, **held[message.id]})
        units, item = held[message.id]["units"], held[message.id]["item"]
        found.append(Routed(message, tuple(units), str(item)))
    return found


def _propose(dispatcher: Dispatcher, message: Answered) -> dict[str, Any]:
    got = dispatcher.suggest([said(message.text)])
    return {
        "version": dispatcher.version,
        "units": [unit_id(name, dispatcher.register) for name in got.units] if got else [],
        "item": (got.item or got.platform) if got else "-",
    }


def _append(keep: Path, row: dict[str, Any]) -> None:
    with keep.open("a+b") as out:
        cut = out.tell() and out.seek(-1, 2) >= 0 and out.read(1) != b"\n"
        out.write((b"\n" if cut else b"") + json.dumps(row).encode() + b"\n")


def _kept(keep: Path, version: str) -> dict[str, dict[str, Any]]:
    """Return what `version` proposed, by id; a line that was cut off is proposed again."""
    held: dict[str, dict[str, Any]] = {}
    for line in keep.read_text("utf-8").splitlines() if keep.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row.get("version") == version:
            held[row.pop("id")] = row
    return held


def tables(routed: Sequence[Routed]) -> Iterator[str]:
    """Yield the report's lines: the whole, then by unit."""
    whole = Share(sum(one.right for one in routed), len(routed))
    first = Share(sum(one.message.unit in one.proposed[:1] for one in routed), len(routed))
    yield f"unit of the reply proposed first   {first}"
    yield f"unit among the first two           {whole}"
    for unit, count in Counter(one.message.unit for one in routed).most_common():
        held = [one for one in routed if one.message.unit == unit]
        others = Counter(one.proposed[0] if one.proposed else "-" for one in held if not one.right)
        instead = "、".join(f"{name} {n}" for name, n in others.most_common(3))
        share = Share(sum(one.right for one in held), count)
        yield f"{unit:>12} {share}   instead: {instead}"


def sample(routed: Sequence[Routed], path: Path) -> None:
    """Write rows drawn by a fixed seed for checking by hand: fill in the last two columns."""
    chance = random.Random(SEED)  # noqa: S311 - the same sample every time
    drawn = chance.sample(list(routed), min(SAMPLE, len(routed)))
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        sheet = csv.writer(out)
        sheet.writerow(
            ["id", "text", "words of the reply", "label", "proposed", "label right?", "unit right?"]
        )
        for one in drawn:
            words = one.message.text[:80].replace("\n", " ")
            proposed = " ".join(one.proposed[:2])
            sheet.writerow([one.message.id, words, one.message.words, one.message.unit, proposed])


def _row(path: Path, number: int, line: str) -> dict[str, str]:
    try:
        row = json.loads(line)
        return {name: str(row[name]) for name in ("id", "title", "text", "reply")}
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}:{number}: needs id, title, text and reply ({error}); correct the line"
        ) from error


def unit_id(name: str, register: Register) -> str:
    """Return the register's id of a unit named as any profile and district names it."""
    for unit in register.unit:
        for pattern in (unit.siyang, unit.tianjin):
            before, _, after = pattern.partition("{district}")
            district = "{district}" in pattern and name.startswith(before)
            if name == pattern or (district and name.endswith(after)):
                return unit.id
    return name
