"""How a word sounds, coarsely: pinyin without tone, flat and curled initials as one.

Recognition of telephone speech confuses homophones first, then zh/z, ch/c, sh/s and final n/ng
after i and e. Each syllable becomes a small integer so that an automaton can match sequences.
"""

import re

from pypinyin import lazy_pinyin

SILENT = 0
"""A character without a reading; it matches nothing."""

_NUMBERS: dict[str, int] = {}


def _number(syllable: str) -> int:
    flat = re.sub(r"^([zcs])h", r"\1", syllable)
    flat = re.sub(r"(?<=[ie])ng$", "n", flat)
    return _NUMBERS.setdefault(flat, len(_NUMBERS) + 1)


def _char(char: str) -> int:
    read = lazy_pinyin(char)
    if len(read) == 1 and read[0] != char and read[0].isascii() and read[0].isalpha():
        return _number(read[0])
    return SILENT


class _ByChar(dict[str, int]):
    def __missing__(self, char: str) -> int:
        number = self[char] = _char(char)
        return number


_BY_CHAR = _ByChar()


def phrase(text: str) -> tuple[int, ...] | None:
    """Return the sounds of a cue, heteronyms read in context; None unless all are syllables."""
    read = lazy_pinyin(text)
    if len(read) != len(text) or SILENT in heard(text):
        return None
    return tuple(_number(syllable) for syllable in read)


def heard(text: str) -> tuple[int, ...]:
    """Return the sounds of a transcript, one a character, from each character's usual reading."""
    return tuple(map(_BY_CHAR.__getitem__, text))
