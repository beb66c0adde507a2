"""The units the acoustic model tells apart, and how words are spoken in them.

A syllable is an initial (if any) and a final with its tone 1-5, in the notation of the Baker
corpus: 是 `sh iii4`, 我 `uo3`. Besides these there are `blank`, which is emitted everywhere
else, and `spn`, one emission for a stretch of noise that is no speech in the vocabulary.
"""

import logging
import re
from functools import cache, lru_cache
from itertools import pairwise

from pypinyin import Style
from pypinyin.contrib.neutral_tone import NeutralToneWith5Mixin
from pypinyin.contrib.tone_sandhi import ToneSandhiMixin
from pypinyin.converter import DefaultConverter
from pypinyin.core import Pinyin

_INITIALS = tuple("b c ch d f g h j k l m n p q r s sh t x z zh".split())  # noqa: SIM905
_FINALS = (
    "a ai an ang ao e ei en eng er i ia ian iang iao ie ii iii in ing iong iou o ong ou u ua uai "
    "uan uang uei uen ueng uo v van ve vn"
)
TONES = "12345"

BLANK, NOISE = "<blk>", "spn"
UNITS: tuple[str, ...] = (
    BLANK,
    *_INITIALS,
    *(final + tone for final in _FINALS.split() for tone in TONES),
    NOISE,
)
UNIT_IDS = {unit: number for number, unit in enumerate(UNITS)}

NO_INITIAL = "^"
_Y = {
    "yi": "i", "ya": "ia", "yan": "ian", "yang": "iang", "yao": "iao", "ye": "ie", "yin": "in",
    "ying": "ing", "yong": "iong", "you": "iou", "yo": "iou", "yu": "v", "yuan": "van",
    "yue": "ve", "yun": "vn",
}  # fmt: skip
_W = {
    "wu": "u", "wa": "ua", "wai": "uai", "wan": "uan", "wang": "uang", "wei": "uei", "wen": "uen",
    "weng": "ueng", "wo": "uo",
}  # fmt: skip
_SHORT = {"iu": "iou", "ui": "uei", "un": "uen"}
_PALATAL = {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}
_HAN = re.compile(r"[㐀-鿿]+")


class _Converter(NeutralToneWith5Mixin, ToneSandhiMixin, DefaultConverter):
    """Pinyin with neutral tones as 5 and the tone changes of 不 and 一 inside a word."""


class _CitationConverter(NeutralToneWith5Mixin, DefaultConverter):
    """Pinyin with neutral tones as 5 and no tone changes."""


_spoken = Pinyin(_Converter()).pinyin
_citation = Pinyin(_CitationConverter()).pinyin


def words(text: str) -> list[str]:
    """Cut `text` into the dictionary's words; what is not Han is left out."""
    import jieba  # noqa: PLC0415 - of the model group; its dictionary takes a second

    jieba.setLogLevel(logging.ERROR)
    return [word for word in jieba.lcut(text, HMM=False) if _HAN.fullmatch(word)]


@lru_cache(300_000)
def word_pinyin(word: str, sandhi: bool = True) -> tuple[str, ...]:
    """Return one syllable with tone digit for each character of `word`.

    Two third tones stay third tones, see `third_tones`.
    """
    parse = _spoken if sandhi else _citation
    return tuple(found[0] for found in parse(word, style=Style.TONE3, errors="ignore"))


@cache
def syllable(pinyin: str) -> tuple[str, ...] | None:
    """Return initial and toned final of `hao3`, `^` for no initial; None if it is no syllable.

    `r` at the end (玩儿 in one syllable) becomes a second syllable `er5`.
    """
    text, tone = (pinyin[:-1], pinyin[-1]) if pinyin[-1:].isdigit() else (pinyin, "5")
    text = text.replace("ü", "v")
    if text in ("n", "ng", "hng"):  # 嗯
        return (NO_INITIAL, "en" + tone)
    parts = _split(text)
    if parts is not None:
        return (parts[0], parts[1] + tone)
    if text.endswith("r") and (parts := _split(text[:-1])) is not None:
        return (parts[0], parts[1] + tone, NO_INITIAL, "er5")
    return None


def _split(text: str) -> tuple[str, str] | None:
    if text in _Y or text in _W:
        return NO_INITIAL, _Y.get(text) or _W[text]
    initial = text[:2] if text[:2] in _INITIALS else text[:1]
    if initial not in _INITIALS:
        return (NO_INITIAL, text) if text in _FINALS.split() and text[0] in "aeo" else None
    final = text[len(initial) :]
    if final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "iii"
    elif final == "i" and initial in ("z", "c", "s"):
        final = "ii"
    elif initial in ("j", "q", "x") or (initial in ("l", "n") and final == "ue"):
        final = _PALATAL.get(final, final)
    final = _SHORT.get(final, final)
    return (initial, final) if final in _FINALS.split() else None


def third_tones(pinyins: list[str]) -> list[str]:
    """Return the syllables with each third tone before a third tone spoken as a second."""
    pairs = pairwise([*pinyins, ""])
    return [a[:-1] + "2" if a.endswith("3") and b.endswith("3") else a for a, b in pairs]


def spell(pinyins: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the phones of syllables, two each, `^` where there is no initial."""
    out: list[str] = []
    for pinyin in pinyins:
        phones = syllable(pinyin)
        if phones is None:
            return None
        out += phones
    return tuple(out)


@lru_cache(300_000)
def word_phones(word: str) -> tuple[str, ...] | None:
    """Return the phones of `word`, two a syllable; None if a character has no known reading."""
    pinyins = word_pinyin(word)
    return spell(pinyins) if len(pinyins) == len(word) else None


def units(phones: tuple[str, ...]) -> tuple[str, ...]:
    """Return the model's units for `phones`: all but the empty initial."""
    return tuple(phone for phone in phones if phone != NO_INITIAL)
