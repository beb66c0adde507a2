"""How each word may sound: the readings of the synthesiser's front end, and what speakers do.

A pronunciation is a tuple of the acoustic model's units (`phones.UNITS`). The first one of a word
is the front end's own; the others are changes that depend on the words around it (tone sandhi)
or on the speaker.
"""

from collections.abc import Iterable, Mapping
from itertools import product

from pypinyin import Style, pinyin

from asr_models.recipe import phones

Pronunciation = tuple[str, ...]

_LETTERS = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4",
    "H": "ei2 chi5", "I": "ai4", "J": "zhei4", "K": "kei4", "L": "ai2 lou5", "M": "ai2 mu5",
    "N": "en4", "O": "ou1", "P": "pi4", "Q": "kiu1", "R": "a4", "S": "ai2 si5", "T": "ti4",
    "U": "you4", "V": "wei1", "W": "da2 bu5 liu5", "X": "ai2 ke5 si5", "Y": "wai4", "Z": "zei4",
}  # fmt: skip
_ALSO: dict[str, tuple[str, ...]] = {
    "一": ("yi1", "yi2", "yi4"),
    "不": ("bu4", "bu2"),
    "那": ("na4", "nei4"),
    "哪": ("na3", "nei3", "na2"),
    "这": ("zhe4", "zhei4"),
    "谁": ("shei2", "shui2"),
    "血": ("xue4", "xie3", "xue3"),
    "幺": ("yao1",),
    "得": ("de5", "dei3", "de2"),
    "地": ("di4", "de5"),
    "了": ("le5", "liao3"),
    "着": ("zhe5", "zhao2", "zhuo2"),
    "还": ("hai2", "huan2"),
    "都": ("dou1", "du1"),
    "没": ("mei2", "mo4"),
    "嗯": ("en4", "en5", "en2", "en1"),
    "呃": ("e4", "e5", "e2"),
    "啊": ("a5", "a1", "a2", "a4"),
    "哎": ("ai1", "ai4", "ai5"),
    "喂": ("wei4", "wei2"),
    "吧": ("ba5", "ba1"),
    "呢": ("ne5", "ni2"),
    "嘛": ("ma5", "ma2"),
    "吗": ("ma5", "ma1"),
    "个": ("ge4", "ge5"),
    "说": ("shuo1", "shui4"),
    "给": ("gei3", "ji3"),
    "露": ("lu4", "lou4"),
    "熟": ("shu2", "shou2"),
}
"""Characters with readings that change with the neighbours or the speaker, when a word alone."""


def pronunciations(word: str) -> list[Pronunciation]:
    """Return how `word` may sound, the likeliest first; empty if a character has no reading."""
    if word in _LETTERS:
        return [_units(tuple(_LETTERS[word].split()))]
    spoken = phones.word_pinyin(word)
    if len(spoken) != len(word):
        return []
    readings: list[tuple[str, ...]] = [spoken]
    if len(word) == 1:
        readings += [(one,) for one in _single(word)]
    else:
        readings += _inside(word, spoken)
    readings += [tuple(phones.third_tones(list(one))) for one in tuple(readings)]
    readings += [third for one in tuple(readings) if (third := _before_third(one))]
    found = (_units(one) for one in dict.fromkeys(readings))
    return list(dict.fromkeys(one for one in found if one))


def lexicon(words: Iterable[str]) -> dict[str, list[Pronunciation]]:
    """Return the pronunciations of every word that has one."""
    return {word: found for word in words if (found := pronunciations(word))}


def _single(char: str) -> Iterable[str]:
    if char in _ALSO:
        return _ALSO[char]
    heard = pinyin(char, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True)[0]
    # Rare readings of common characters would only be in the way.
    return heard[:2]


def _inside(word: str, spoken: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the reading without sandhi, by the front end's own words, and with habits."""
    pieces = tuple(one for part in phones.words(word) for one in phones.word_pinyin(part))
    found = [phones.word_pinyin(word, sandhi=False)]
    if len(pieces) == len(word):
        found.insert(0, pieces)
    choices = [_habits(char, one) for char, one in zip(word, spoken, strict=True)]
    if 1 < len(tuple(product(*choices))) <= 6:
        found += list(product(*choices))[1:]
    return found


_HABITS: Mapping[str, Mapping[str, str]] = {
    "那": {"na4": "nei4"},
    "哪": {"na3": "nei3"},
    "这": {"zhe4": "zhei4"},
    "谁": {"shei2": "shui2"},
    "血": {"xue4": "xie3"},
}


def _habits(char: str, spoken: str) -> tuple[str, ...]:
    other = _HABITS.get(char, {}).get(spoken)
    return (spoken, other) if other else (spoken,)


def _before_third(reading: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the reading before a word that begins with a third tone: its own last one rises."""
    if not reading[-1].endswith("3"):
        return None
    return (*reading[:-1], reading[-1][:-1] + "2")


def _units(reading: tuple[str, ...]) -> Pronunciation:
    spelled = phones.spell(reading)
    return phones.units(spelled) if spelled else ()
