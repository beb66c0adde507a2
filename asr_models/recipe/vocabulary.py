"""Which words the recogniser knows, and cutting text into them."""

import io
import re
import tarfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import jieba

from asr_models.recipe import phones
from asr_models.recipe.ngrams import BITS
from asr_models.recipe.paths import Paths
from gateway.dispatch.datafile import packaged

START_WORD, END_WORD, UNKNOWN = "<s>", "</s>", "[unk]"
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HAN = re.compile(r"[㐀-鿿]+")
_PIECE = re.compile(r"[㐀-鿿]+|[A-Z]")
_LONGEST = 6
_OTHER_SPELLINGS = re.compile(
    "好象|帐[号单户篇目款]|惟一|想像|做为|那末|甚么|倒底|[叁肆柒捌玖佰仟贰壹]$|[叁肆柒捌玖佰仟贰壹]号"
)
"""Words of careless or formal writing that sound like the common spelling."""
_SUFFIX = re.compile(r"(?:社区)?(?:居民委员会|村民委员会|居委会|村委会)$|社区$")
_RARE = 3e-7
"""Share given to words of registers, which texts seldom name."""


def places() -> set[str]:
    """Return the names of the registered divisions, with and without what they are."""
    found: set[str] = set()
    for row in packaged("divisions.txt").read_text("utf-8").splitlines():
        if not row[:1].isdigit():
            continue
        name = _SUFFIX.sub("", row.split(",")[1])
        if not _HAN.fullmatch(name) or not 2 <= len(name) <= _LONGEST:
            continue
        found.add(name)
        bare = re.sub(r"(?:街道|镇|乡|村|区|县)$", "", name)
        if len(bare) >= 2:
            found.add(bare)
    return found


def units() -> set[str]:
    """Return the names of the units in the register, and their parts as words."""
    with packaged("units.toml").open("rb") as file:
        rows = tomllib.load(file)["unit"]
    names = (re.sub(r"\{.*?\}", "", row[key]) for row in rows for key in ("siyang", "tianjin"))
    return {part for name in names for part in _HAN.findall(name) if len(part) <= _LONGEST}


def recorded(paths: Paths) -> set[str]:
    """Return the words that the recordings speak."""
    with tarfile.open(paths.datum("audio-cmn", "words-24k.tgz")) as archive:
        stems = (Path(name).stem.removeprefix("cmn-") for name in archive.getnames())
        return {stem for stem in stems if _HAN.fullmatch(stem) and len(stem) <= _LONGEST}


def common_characters() -> set[str]:
    """Return the 3,755 characters of the first level of GB 2312."""
    return set(_gb2312(0xB0, 0xD8))


def always(paths: Paths) -> set[str]:
    """Return the words that are in the vocabulary however rare."""
    wanted = places() | units() | recorded(paths) | common_characters()
    return {word for word in wanted if speakable(word)}


class Cutter:
    """Cuts text into words, the likeliest way by the words' shares (jieba's maximum path)."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        self._jieba = jieba.Tokenizer()
        lines = "".join(f"{word} {max(1, round(share * 1e9))}\n" for word, share in shares.items())
        self._jieba.FREQ, self._jieba.total = self._jieba.gen_pfdict(io.BytesIO(lines.encode()))
        self._jieba.initialized = True

    def cut(self, text: str) -> list[str]:
        """Return the words of `text`; unknown characters stand alone, other signs are dropped."""
        out: list[str] = []
        for piece in _PIECE.findall(text):
            out += self._jieba.lcut(piece, HMM=False) if len(piece) > 1 else [piece]
        return out


def candidates(paths: Paths, background: Mapping[str, float]) -> dict[str, float]:
    """Return every word that may enter the vocabulary, with its share of general text."""
    jieba.initialize()
    total = float(jieba.dt.total)
    found = {word: uses / total * 0.5 for word, uses in jieba.dt.FREQ.items() if uses >= 3}
    for word, share in background.items():
        found[word] = max(found.get(word, 0.0), share)
    for word in always(paths):
        found[word] = max(found.get(word, 0.0), _RARE)
    return {word: share for word, share in found.items() if speakable(word)}


def choose(
    shares: Mapping[str, float],
    texts: Sequence[tuple[float, Iterable[str]]],
    always: Iterable[str],
    size: int,
) -> dict[str, float]:
    """Return about `size` words by their mixed share in `texts` (weight, texts) and in general.

    Words of `always` and every usable character of the texts are in, whatever their share.
    """
    cutter = Cutter(shares)
    mixed = {word: 0.25 * share for word, share in shares.items()}
    letters: set[str] = set()
    for weight, lines in texts:
        counts = Counter(word for line in lines for word in cutter.cut(line))
        total = sum(counts.values()) or 1
        for word, times in counts.items():
            if speakable(word):
                mixed[word] = mixed.get(word, 0.0) + weight * times / total
            letters.update(word)
    commonest = sorted(mixed, key=lambda word: (-mixed[word], word))
    kept = {word: mixed[word] for word in commonest[:size]}
    for word in {*always, *(char for char in letters if speakable(char))}:
        kept[word] = max(mixed.get(word, 0.0), 1e-8)
    return kept


def number(words: Iterable[str]) -> dict[str, int]:
    """Return ids for the language model: sentence start 0 and end 1, `[unk]`, then the words."""
    ordered = [START_WORD, END_WORD, UNKNOWN, *LETTERS, *sorted(set(words))]
    if len(ordered) >= 1 << BITS:
        raise ValueError(f"{len(ordered)} words do not fit in {BITS} bits")
    return {word: position for position, word in enumerate(ordered)}


def encode(words: Iterable[str], ids: Mapping[str, int]) -> list[int]:
    """Return the ids of `words`, `[unk]` for those not in the vocabulary."""
    return [ids.get(word, ids[UNKNOWN]) for word in words]


def speakable(word: str) -> bool:
    """Whether the front end knows how to say `word`, and it is not too long."""
    return (
        bool(_HAN.fullmatch(word))
        and len(word) <= _LONGEST
        and _simplified(word)
        and not _OTHER_SPELLINGS.match(word)
        and phones.word_phones(word) is not None
    )


def _simplified(word: str) -> bool:
    """Whether all characters are in GB 2312 (which has no traditional ones) or in a place name."""
    return all(char in _characters() for char in word)


@cache
def _characters() -> frozenset[str]:
    return (
        frozenset(_gb2312(0xB0, 0xF8))
        | frozenset("".join(places()))
        | frozenset("嗞瘆啰拃囧喆镕珺玥")
    )


def _gb2312(first: int, end: int) -> str:
    cells = (bytes((row, cell)) for row in range(first, end) for cell in range(0xA1, 0xFF))
    return b"".join(cells).decode("gb2312", "ignore")
