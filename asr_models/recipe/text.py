"""The texts that the language model learns from, as clauses of Chinese characters.

Spoken text comes line by line from people who wrote down what callers and operators say; written
text is what citizens sent to message boards, its place holders (A3区) filled with place names.
"""

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asr_models.recipe.chatter import chatter, places
from asr_models.recipe.numerals import read_out
from asr_models.recipe.paths import Paths
from gateway.dispatch import corpus

TURNS = Path(__file__).parent / "text"
DEV_SHARE = 20
"""One spoken line of so many is held out, with all its alternatives."""
_CHOICE = re.compile(r"\{([^{}]*)\}")
_CLAUSE_END = re.compile(r"[，。！？；：、,.!?;:（）()“”\"《》\s]+")
_SENTENCE_END = re.compile(r"[。！？!?\n]+")
_HAN_OR_LETTER = re.compile(r"[㐀-鿿]+|[A-Z]")
_CITY, _DISTRICT = re.compile(r"[A-Z]\d*市|西地省"), re.compile(r"[A-Z]\d*[区县]")
_CITIES = ("天津市", "宿迁市", "淮安市", "徐州市", "南京市", "长沙市", "苏州市", "我市", "市里")
_GREETING = re.compile(r"^.*?(?:回复如下|答复如下|如下)[：:，,]?|\d{4}年\d+月\d+日$")


@dataclass(frozen=True)
class Said:
    """One utterance: its clauses without spaces, and who wrote it."""

    clauses: tuple[str, ...]
    writer: str


def held_out(line: str) -> bool:
    """Whether a spoken line belongs to the development set, by the hash of its text."""
    digest = hashlib.sha256(line.encode()).digest()
    return int.from_bytes(digest[:4]) % DEV_SHARE == 0


def spoken_lines() -> Iterator[tuple[str, str]]:
    """Yield writer and raw line (alternatives as ``{a|b}``) of all text written as speech."""
    for line in corpus.lines():
        yield line.source, line.text
    for path in sorted(TURNS.glob("*.txt")):
        for raw in path.read_text("utf-8").splitlines():
            if raw.strip() and not raw.startswith("#"):
                yield path.stem, raw.strip()


def expand(line: str, copies: int, chance: random.Random) -> list[str]:
    """Return up to `copies` different sentences of a line with alternatives."""
    room = 1
    for choice in _CHOICE.findall(line):
        room *= choice.count("|") + 1
    found = {
        _CHOICE.sub(lambda one: chance.choice(one[1].split("|")), line)
        for _ in range(min(copies, 2 * room))
    }
    return sorted(found)


def clauses(text: str, chance: random.Random) -> tuple[str, ...]:
    """Return the clauses of `text`, numbers read out; letters stand alone, other signs split."""
    parts: list[str] = []
    for part in _CLAUSE_END.split(read_out(text, chance)):
        pieces = _HAN_OR_LETTER.findall(part)
        if pieces:
            parts.append("".join(pieces) if _spelled(part, pieces) else pieces[0])
    return tuple(parts)


def _spelled(part: str, pieces: list[str]) -> bool:
    return sum(map(len, pieces)) == len(part)


def spoken(copies: int, seed: int, *, dev: bool = False) -> list[Said]:
    """Return the spoken utterances of the training text, or of what is held out from it."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, no secret
    return [
        Said(parts, writer)
        for writer, line in spoken_lines()
        if held_out(line) == dev
        for sentence in expand(line, 1 if dev else copies, chance)
        if (parts := clauses(sentence, chance))
    ]


def citizens(paths: Paths, seed: int) -> list[Said]:
    """Return the sentences of citizens' messages (`message`) and of the replies (`reply`)."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, no secret
    found: list[Said] = []
    for name in ("citizen-messages.jsonl.gz", "citizen-answered.jsonl.gz"):
        with gzip.open(paths.datum(name), "rt", encoding="utf-8") as rows:
            for raw in rows:
                row = json.loads(raw)
                found += _sentences([row["title"], row["text"]], "message", chance)
                reply = _GREETING.sub("", row.get("reply", ""))
                found += _sentences([reply], "reply", chance)
    return list(dict.fromkeys(found))


def made(count: int, seed: int) -> list[Said]:
    """Return `count` generated utterances about numbers, names, places and times."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, no secret
    return [Said(clauses(chatter(chance), chance), "made") for _ in range(count)]


def _sentences(texts: Iterable[str], writer: str, chance: random.Random) -> Iterator[Said]:
    for text in texts:
        for sentence in _SENTENCE_END.split(_fill(text, chance)):
            parts = clauses(sentence, chance)
            if sum(map(len, parts)) > 1:
                yield Said(parts, writer)


def _fill(text: str, chance: random.Random) -> str:
    with_city = _CITY.sub(lambda _: chance.choice(_CITIES), text)
    return _DISTRICT.sub(lambda _: chance.choice(places()), with_city)
