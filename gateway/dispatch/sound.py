"""How a word sounds, coarsely: pinyin without tone, flat and curled initials as one.

Recognition of telephone speech confuses homophones first, then zh/z, ch/c, sh/s and final n/ng
after i and e. Each syllable becomes a small integer so that an automaton can match sequences.

Readings come from a table that pypinyin made (sound_table.py): to load pypinyin itself takes longer
than all else at start-up, and is left to words that are not in the table.
"""

import re
from typing import NamedTuple

from gateway.dispatch.datafile import packaged

SILENT = 0
"""A character without a reading; it matches nothing."""
TABLE = "sounds.txt"

_NUMBERS: dict[str, int] = {}
_LOOSE: dict[str, int] = {}


class Table(NamedTuple):
    """`chars` have their usual flat syllable; `words` theirs, () where all are the usual ones."""

    chars: dict[str, str]
    words: dict[str, tuple[str, ...]]


def flat(syllable: str) -> str:
    """Return what a syllable (pinyin without tone) cannot be told from."""
    plain = re.sub(r"^([zcs])h", r"\1", syllable)
    return re.sub(r"(?<=[ie])ng$", "n", plain)


def in_context(text: str) -> tuple[str, ...]:
    """Return the flat syllables of `text`, heteronyms read in context, by pypinyin."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - its dictionary takes half a second

    return tuple(map(flat, lazy_pinyin(text)))


def read() -> Table:
    """Read the table: syllables with their characters, an empty line, words."""
    head, _, tail = packaged(TABLE).read_text("utf-8").partition("\n\n")
    chars: dict[str, str] = {}
    for line in head.splitlines():
        syllable, _, alike = line.partition(" ")
        chars.update(dict.fromkeys(alike, syllable))
    words: dict[str, tuple[str, ...]] = {}
    for line in tail.splitlines():
        word, *syllables = line.split(" ")
        words[word] = tuple(syllables)
    return Table(chars, words)


def phrase(text: str) -> tuple[int, ...] | None:
    """Return the sounds of a cue, heteronyms read in context; None unless all are syllables."""
    usual = heard(text)
    if SILENT in usual:
        return None
    read = _read(text)
    return tuple(map(_number, read)) if read else usual


def loose_phrase(text: str) -> tuple[int, ...] | None:
    """As `phrase`, of the looser sounds that `loose` returns."""
    usual = loose(text)
    if SILENT in usual:
        return None
    read = _read(text)
    return tuple(map(_loose, read)) if read else usual


def heard(text: str) -> tuple[int, ...]:
    """Return the sounds of a transcript, one a character, from each character's usual reading."""
    return tuple(map(_BY_CHAR.__getitem__, text))


def loose(text: str) -> tuple[int, ...]:
    """As `heard`, with n/l, h/f and an/ang as one: for names that something else speaks for."""
    return tuple(map(_LOOSE_BY_CHAR.__getitem__, text))


def syllables(text: str) -> list[str]:
    """Return each character's flat syllable, or the character where it has none.

    Spelt, unlike `heard`: the same in every process, so a model can be kept in a file.
    """
    return [_CHARS.get(char, char) for char in text]


def _number(syllable: str) -> int:
    return _NUMBERS.setdefault(syllable, len(_NUMBERS) + 1)


def _loose(syllable: str) -> int:
    """As one: n and l, h and f, an and ang too, which telephones and accents blur."""
    plain = re.sub("^l", "n", re.sub("^f", "h", syllable))
    return _LOOSE.setdefault(re.sub("(?<=a)ng$", "n", plain), len(_LOOSE) + 1)


def _read(text: str) -> tuple[str, ...]:
    """Return the flat syllables of `text` in context, () where all are the usual ones."""
    return _WORDS[text] if text in _WORDS else in_context(text)


class _ByChar(dict[str, int]):
    def __missing__(self, char: str) -> int:
        syllable = _CHARS.get(char)
        number = self[char] = _number(syllable) if syllable else SILENT
        return number


class _LooseByChar(dict[str, int]):
    def __missing__(self, char: str) -> int:
        syllable = _CHARS.get(char)
        number = self[char] = _loose(syllable) if syllable else SILENT
        return number


_CHARS, _WORDS = read()
_BY_CHAR = _ByChar()
_LOOSE_BY_CHAR = _LooseByChar()
