"""Chinese numerals in speech: how they are built, and how one is read.

A numeral that is not well formed (十七八, 三四百) is an estimate; GB/T 15835-2011 4.2.2 has
estimates in characters, so there is no pattern for them here.
"""

import re
from typing import Protocol

ALL = "零〇一二三四五六七八九十百千万亿两幺"
"""Every character of a numeral."""

_D = "[一二三四五六七八九]"
_L = "[一二三四五六七八九两]"
_TEN = f"(?:[二三四五六七八九]?十{_D}?)"
_HUNDRED = f"(?:{_L}百(?:零{_D}|{_D}十{_D}?|{_D})?)"
_THOUSAND = f"(?:{_L}千(?:零(?:{_D}?十{_D}?|{_D})|{_HUNDRED}|{_D})?)"
_SMALL = f"(?:{_THOUSAND}|{_HUNDRED}|{_TEN})"
_MYRIAD = f"(?:(?:{_SMALL}|{_L})万(?:零?(?:{_SMALL}|{_D}))?)"
_YI = f"(?:(?:{_SMALL}|{_L})亿(?:零?(?:{_MYRIAD}|{_SMALL}|{_D}))?)"

FREE = f"(?<![{ALL}几第\\d.])(?<![{ALL}\\d]点)(?<!数(?=十))"
"""Not the rest of a longer numeral or of an estimate."""
ENDS = f"(?![{ALL}几])"

CARDINAL = f"(?:(?:{_YI}|{_MYRIAD}|{_SMALL}){ENDS})"
"""Ten or more, with its units."""
SINGLE = f"(?:{_D}{ENDS})"
SINGLE_OR_TWO = f"(?:{_L}{ENDS})"
NUMBER = f"(?:{CARDINAL}|{SINGLE})"
SPELT = "[零〇一二三四五六七八九幺]"
"""A digit said by itself, as in telephone numbers."""
HOUR = f"(?:(?:二十[一二三四]?|十{_D}?|[零两]|{_D}){ENDS})"
MINUTE = f"(?:(?:[二三四五]?十{_D}?|零{_D}){ENDS})"
DECIMAL = f"(?:(?:{_SMALL}|{_L}|零)点{SPELT}+(?:[万亿](?!一))?{ENDS})"

_DIGIT = str.maketrans("零〇一二三四五六七八九幺两", "0012345678912")
_WRITTEN = re.compile(r"\d+(?:\.\d+)?(?:亿(?:\d+万)?|万)?%?")


class NumeralReader(Protocol):
    """Reads one numeral: 三百二 -> 320, 百分之五十 -> 50%. Thread-safe; may raise anything."""

    def __call__(self, numeral: str) -> str: ...


def digits(spelt: str) -> str:
    """Return what was said digit by digit: 幺三八零 -> 1380."""
    return spelt.translate(_DIGIT)


class Numerals:
    """Numerals to figures; what the reader cannot or does not read stays as it was said."""

    def __init__(self, reader: NumeralReader) -> None:
        self._reader = reader

    def figure(self, numeral: str) -> str:
        """Return `numeral` in figures: digits, a decimal, or with 万/亿 where it is round."""
        if not any(unit in numeral for unit in "十百千万亿点"):
            return digits(numeral)
        head, unit = numeral[:-1], numeral[-1]
        if unit in "万亿" and not any(big in head for big in "万亿"):
            # 十五万 is written 15万; only the coefficient is read.
            return self.figure(head) + unit
        return self._read(numeral)

    def percent(self, numeral: str) -> str:
        return self._read(f"百分之{numeral}")

    def _read(self, numeral: str) -> str:
        written = self._reader(numeral)
        return written if _WRITTEN.fullmatch(written) else numeral
