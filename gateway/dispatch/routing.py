"""Routing measured on citizens' messages that were answered: does the unit that answered come up?

The label is silver: the unit that signs the official reply, or the first it names, read by the
words below. Messages are written and of another city; units are compared by trade (公安, 城管),
not by district.
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

SAMPLE, SEED = 100, 2023
_HEAD = 400
"""Characters of a reply in which its unit is sought: later ones name all who were asked."""
_QUOTED = re.compile(r"《[^》]*》|“[^”]*”|关于[^，。]{0,40}的(?:问题|通知|意见)")

UNITS: dict[str, str] = {
    "police": r"公安|交警|派出所|车管所|车辆管理所|民警",
    "urban": r"城管|城市管理|市容|环卫[局处所]",
    "housing": r"住建|住房和城乡建设|住房保障|住房城乡|房管局|房产局|房地产管理|质[安监]站"
    r"|公积金中心|公积金管理|(?<!城乡)建设局",
    "transport": r"交通运输|交通局|运管|运输管理|公交公司|公交集团|公共交通|轨道|公路管理|公路局",
    "market": r"市场监督|市场监管|工商(?:局|部门|所|行政)|食药监|食品药品监|质监局"
    r"|质量技术监督|物价[局所]",
    "labour": r"人社|人力资源|劳动监察|劳动保障|社保[局中]|就业局",
    "environment": r"环保(?:局|部门|执法|分局)|生态环境[局分部]|环境保护[局部]",
    "farming": r"农业[局农]|农委|林业局|畜牧|园林[局处]|园林绿化[局处]|农业农村局",
    "water": r"水利局|水务局|水利水电",
    "waterworks": r"自来水公司|供水公司|供水有限|水业",
    "power": r"供电|电力公司|电力局|国网",
    "gas": r"燃气公司|燃气集团|燃气有限",
    "health": r"卫健|卫生局|卫计|卫生和计划|卫生计生|卫生健康|[一二三四]医院|人民医院|中心医院",
    "education": r"教育局|教育体育|教体局|教委|教育部门|教育行政",
    "medicare": r"医保[局处中科]|医疗保障|合管办",
    "civil": r"(?<!人)民政",
    "fire": r"消防(?:救援|大队|支队|部门|队)",
    "emergency": r"应急管理|安监|安全生产监督",
    "commerce": r"商务局",
    "telecom": r"电信公司|移动公司|联通公司|通信管理",
    "street": r"街道办|我街道|街道(?=工作|高度|已|立即|\d{4}年)|[镇乡](?:党委|政府|人民政府)"
    r"|我[镇乡]|我?社区工作|我?社区(?=已|立即|组织)|居委会",
}
"""Unit of the register -> how replies name it, not what it has to do with."""
_NAMES = re.compile("|".join(f"(?P<{unit}>{words})" for unit, words in UNITS.items()))
_SIGNED = re.compile(
    r"[^。；;!！?？]{0,30}?\s*\d{4}\s*[年.\-/]\s*\d{1,2}\s*[月.\-/]\s*\d{1,2}\s*日?\s*$"
)
"""A reply's last words: who signs, and the date."""
_THANKED = re.compile(
    r"对(?:我[市县区局])?[^，。]{0,8}?(教育|公安|城管|民政|环保|交通运输|住建|人社)(?:事业|工作)"
)
_OF_TRADE = {
    "教育": "education", "公安": "police", "城管": "urban", "民政": "civil", "环保": "environment",
    "交通运输": "transport", "住建": "housing", "人社": "labour",
}  # fmt: skip


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
    """Return the unit that a reply is from, or that it names first, and the words that say so.

    Who signs comes first, then whose work the citizen is thanked for supporting, then who is named
    in the beginning; a street office answers for others, and counts where nobody else is named.
    """
    reply = " ".join(reply.split())
    if signed := _SIGNED.search(reply):
        named = _named(signed.group())
        if named:
            return named[-1][1], signed.group().strip()
    if thanked := _THANKED.search(reply):
        return _OF_TRADE[thanked.group(1)], thanked.group()
    head = _QUOTED.sub(lambda found: " " * len(found.group()), reply[:_HEAD])
    named = _named(head)
    at = next((one for one in named if one[1] != "street"), named[0] if named else None)
    if at is None:
        return None
    return at[1], reply[max(0, at[0] - 12) : at[0] + 16]


def _named(text: str) -> list[tuple[int, str]]:
    return [(found.start(), found.lastgroup or "") for found in _NAMES.finditer(text)]


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
