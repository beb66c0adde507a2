"""Figures as people say them: 100 is 一百, 2026年 is 二零二六年, 110 stays the line it names."""

import re

FIGURES = re.compile(r"(?<![A-Za-z0-9.])([0-9]+)(?:\.([0-9]+))?(%?)(?![A-Za-z0-9])")
"""A number by itself: not the 4 of 4S, nor a plate."""

_LINES = {"110", "114", "119", "120", "122", "12306", "12315", "12345"}
"""Cues name them in figures."""
_DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千", "万")
_ORDER = re.compile(r"[号楼月日路层门组队栋单室年]")
"""After these two is 二, else 两."""


def spoken(found: re.Match[str]) -> str:
    """Return what is said for a match of FIGURES."""
    whole, decimals, percent = found.groups()
    if whole in _LINES and not decimals:
        return whole
    year = len(whole) == 4 and found.string.startswith("年", found.end())
    if len(whole) > 5 or whole[0] == "0" != whole or year:
        said = _one_by_one(whole)
    elif whole == "2" and not decimals and not _ORDER.match(found.string, found.end()):
        said = "两"
    else:
        said = _cardinal(int(whole))
    return ("百分之" if percent else "") + said + (f"点{_one_by_one(decimals)}" if decimals else "")


def _one_by_one(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)


def _cardinal(number: int) -> str:
    """Return a number below 100,000 in characters."""
    said, gap = "", False
    for at, digit in enumerate(reversed(str(number))):
        if digit != "0":
            two = digit == "2" and at >= 3
            head = "两" if two else _DIGITS[int(digit)]
            said = head + _UNITS[at] + ("零" if gap and said else "") + said
            gap = False
        else:
            gap = True
    said = said or "零"
    return said.removeprefix("一") if 10 <= number < 20 else said
