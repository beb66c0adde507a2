"""How a word sounds, coarsely: pinyin without tone, flat and curled initials as one.

Recognition of telephone speech confuses homophones first, then zh/z, ch/c, sh/s and final n/ng
after i and e. Each syllable becomes a small integer so that an automaton can match sequences.
"""

import re

from pypinyin import lazy_pinyin

SILENT = 0
"""A character without a reading; it matches nothing."""

_NUMBERS: dict[str, int] = {}
_LOOSE: dict[str, int] = {}


def _flat(syllable: str) -> str:
    flat = re.sub(r"^([zcs])h", r"\1", syllable)
    return re.sub(r"(?<=[ie])ng$", "n", flat)


def _number(syllable: str) -> int:
    return _NUMBERS.setdefault(_flat(syllable), len(_NUMBERS) + 1)


def _loose(syllable: str) -> int:
    """As one: n and l, h and f, an and ang too, which telephones and accents blur."""
    flat = re.sub("^l", "n", re.sub("^f", "h", _flat(syllable)))
    return _LOOSE.setdefault(re.sub("(?<=a)ng$", "n", flat), len(_LOOSE) + 1)


def _read(char: str) -> str:
    read = lazy_pinyin(char)
    if len(read) == 1 and read[0] != char and read[0].isascii() and read[0].isalpha():
        return read[0]
    return ""


def _char(char: str) -> int:
    read = _read(char)
    return _number(read) if read else SILENT


class _ByChar(dict[str, int]):
    def __missing__(self, char: str) -> int:
        number = self[char] = _char(char)
        return number


class _Syllables(dict[str, str]):
    def __missing__(self, char: str) -> str:
        syllable = self[char] = _flat(_read(char)) or char
        return syllable


class _LooseByChar(dict[str, int]):
    def __missing__(self, char: str) -> int:
        read = _read(char)
        number = self[char] = _loose(read) if read else SILENT
        return number


_BY_CHAR = _ByChar()
_LOOSE_BY_CHAR = _LooseByChar()
_SYLLABLES = _Syllables()


def phrase(text: str) -> tuple[int, ...] | None:
    """Return the sounds of a cue, heteronyms read in context; None unless all are syllables."""
    read = lazy_pinyin(text)
    if len(read) != len(text) or SILENT in heard(text):
        return None
    return tuple(_number(syllable) for syllable in read)


def heard(text: str) -> tuple[int, ...]:
    """Return the sounds of a transcript, one a character, from each character's usual reading."""
    return tuple(map(_BY_CHAR.__getitem__, text))


def loose_phrase(text: str) -> tuple[int, ...] | None:
    """As `phrase`, of the looser sounds that `loose` returns."""
    read = lazy_pinyin(text)
    if len(read) != len(text) or SILENT in loose(text):
        return None
    return tuple(map(_loose, read))


def loose(text: str) -> tuple[int, ...]:
    """As `heard`, with n/l, h/f and an/ang as one: for names that something else speaks for."""
    return tuple(map(_LOOSE_BY_CHAR.__getitem__, text))


def syllables(text: str) -> list[str]:
    """Return each character's flat syllable, or the character where it has none.

    Spelt, unlike `heard`: the same in every process, so a model can be kept in a file.
    """
    return [_SYLLABLES[char] for char in text]
