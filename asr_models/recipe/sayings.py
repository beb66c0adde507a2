"""What the synthetic voice is made to say, and how: the same list for the same seed.

Sources: the dispatch sentences of this project, spoken turns in `recipe/text/`, clauses of
citizens' messages, generated numbers and names, and random words that cover every syllable.
"""

import gzip
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asr_models.recipe import phones
from asr_models.recipe.chatter import chatter
from asr_models.recipe.paths import Paths
from asr_models.recipe.voice import Style
from gateway.dispatch import corpus

TURNS = Path(__file__).parent / "text"
WHOLE_TURNS = ("h", "i")
"""Dispatch sentences that are whole turns of a caller, long and without alternatives."""
PIECE = 18
DEV_SHARE = 25
"""One sentence of so many is held out, by the hash of its text."""
_CHOICE = re.compile(r"\{([^{}]*)\}")
_NOT_HAN = re.compile(r"[^㐀-鿿]+")
_SPOKEN = re.compile(r"[㐀-鿿]+(?: [㐀-鿿]+)*")
_PITCHES = (0.7, 0.8, 0.9, 1.0, 1.0, 1.1, 1.2)
NATURAL_SHARE = 0.38


@dataclass(frozen=True)
class Saying:
    """One sentence to synthesise; clauses are apart by spaces."""

    text: str
    phones: tuple[str, ...]
    """As the voice takes them: `sil`, two phones a syllable, `#0` between, `sil`."""
    style: Style


def held_out(text: str) -> bool:
    """Whether the sentence belongs to the development set, never to training."""
    digest = hashlib.sha256(text.replace(" ", "").encode()).digest()
    return int.from_bytes(digest[:4]) % DEV_SHARE == 0


def dispatch_texts(chance: random.Random, copies: int) -> Iterator[str]:
    """Yield the dispatch sentences, alternatives chosen at random `copies` times each."""
    for line in corpus.lines():
        if line.source not in WHOLE_TURNS:
            for _ in range(copies):
                text = _CHOICE.sub(lambda found: chance.choice(found[1].split("|")), line.text)
                yield " ".join(text.split())


def turn_texts(chance: random.Random, characters: int) -> Iterator[str]:
    """Yield pieces of whole spoken turns, together about so many `characters`."""
    lines = [line.text for line in corpus.lines() if line.source in WHOLE_TURNS]
    for path in sorted(TURNS.glob("*.txt")):
        lines += [line for line in path.read_text("utf-8").splitlines() if line[:1] != "#"]
    every = [piece for line in dict.fromkeys(lines) for piece in pieces(line.split())]
    chance.shuffle(every)
    for text in every:
        if characters <= 0:
            return
        characters -= len(text)
        yield text


def pieces(clauses: list[str]) -> list[str]:
    """Return neighbouring clauses together up to PIECE characters; longer ones by themselves."""
    out: list[str] = []
    for clause in clauses:
        if out and len(out[-1]) + len(clause) <= PIECE:
            out[-1] += " " + clause
        else:
            out.append(clause)
    return out


def message_texts(paths: Paths, chance: random.Random, count: int) -> Iterator[str]:
    """Yield `count` clauses of 4-22 characters out of citizens' messages."""
    found: set[str] = set()
    for name in ("citizen-messages.jsonl.gz", "citizen-answered.jsonl.gz"):
        with gzip.open(paths.datum(name), "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                for clause in re.split(r"[，。！？；：、\s]+", row["title"] + "。" + row["text"]):
                    if 4 <= len(clause) <= 22 and not _NOT_HAN.search(clause):
                        found.add(clause)
    yield from chance.sample(sorted(found), min(count, len(found)))


def word_texts(chance: random.Random, count: int) -> Iterator[str]:
    """Yield strings of random dictionary words, rare syllables before common ones."""
    import jieba  # noqa: PLC0415 - its dictionary takes a second

    jieba.initialize()
    known = [word for word, uses in jieba.dt.FREQ.items() if uses >= 3 and 1 <= len(word) <= 4]
    usable = [word for word in known if not _NOT_HAN.search(word)]
    chance.shuffle(usable)
    seen: dict[str, int] = {}
    chosen: list[str] = []
    for word in usable:
        syllables = phones.word_pinyin(word)
        if phones.word_phones(word) and min(seen.get(one, 0) for one in syllables) < 12:
            chosen.append(word)
            for one in syllables:
                seen[one] = seen.get(one, 0) + 1
    chance.shuffle(chosen)
    start = 0
    for _ in range(count):
        size = chance.randint(2, 6)
        yield "".join(chosen[(start + i) % len(chosen)] for i in range(size))
        start += size


def pronounce(text: str, chance: random.Random) -> tuple[str, ...] | None:
    """Return what the voice is given for `text`, None if a character has no reading.

    Six of ten are read word by word with sandhi inside words, the others as whole clauses (as the
    voice's own front end does), or with third-tone sandhi across words as well.
    """
    manner = chance.choices(("words", "clause", "flowing"), (6, 2, 2))[0]
    out = ["sil"]
    for clause in text.split():
        pinyins: list[str] = []
        if manner == "clause":
            pinyins += phones.word_pinyin(clause, sandhi=False)
        else:
            for word in phones.words(clause):
                pinyins += phones.word_pinyin(word)
        if len(pinyins) != len(clause):
            return None
        if manner == "flowing":
            pinyins = phones.third_tones(pinyins)
        spelled = phones.spell(tuple(pinyins))
        if spelled is None:
            return None
        for first, second in zip(spelled[::2], spelled[1::2], strict=True):
            out += [first, second, "#3" if chance.random() < 0.02 else "#0"]
        out[-1] = "#3"
    out[-1] = "sil"
    return tuple(out) if len(out) > 3 else None


def style(chance: random.Random) -> Style:
    """Draw how a sentence is spoken: the voice as it is, at another pace, or another speaker."""
    draw = chance.random()
    if draw < NATURAL_SHARE:
        return Style()
    tempo = chance.uniform(0.85, 1.3)
    if draw < NATURAL_SHARE + 0.12:
        return Style(tempo=tempo, pitch=chance.choice(_PITCHES))
    return Style(chance.uniform(0.78, 1.2), tempo, chance.choice(_PITCHES))


def sayings(paths: Paths, seed: int, sources: str) -> list[Saying]:
    """Return the sayings of `sources` (a key of SOURCES), shuffled."""
    chance = random.Random(f"{seed} {sources}")  # noqa: S311 - reproducible, no secret
    texts = dict.fromkeys(SOURCES[sources](paths, chance))
    found: list[Saying] = []
    for text in texts:
        if _SPOKEN.fullmatch(text) and (spelled := pronounce(text, chance)):
            found.append(Saying(text, spelled, style(chance)))
    chance.shuffle(found)
    return found


def _base(paths: Paths, chance: random.Random) -> Iterator[str]:
    yield from dispatch_texts(chance, 2)
    yield from message_texts(paths, chance, 4200)
    yield from word_texts(chance, 1500)
    yield from (chatter(chance) for _ in range(1800))


SOURCES: dict[str, Callable[[Paths, random.Random], Iterator[str]]] = {
    "base": _base,
    "turns": lambda _paths, chance: turn_texts(chance, 48_000),
}
