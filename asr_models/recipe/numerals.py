"""Arabic digits in written text, read out the way people say them."""

import random
import re

from asr_models.recipe.chatter import number

_NUMBER = re.compile(r"\d+(?:\.\d+)?%?")
_DIGITS = "零一二三四五六七八九"
_HOTLINES = ("110", "119", "120", "122", "12345")
_LONGEST_COUNT = 5
"""Longer strings of digits are numbers of telephones, cards and papers: read one by one."""


def read_out(text: str, chance: random.Random) -> str:
    """Return `text` with its numbers as Chinese words; `chance` picks among the ways to say one."""
    return _NUMBER.sub(lambda found: _read(found[0], text[found.end() :], chance), text)


def one_by_one(digits: str, chance: random.Random) -> str:
    """Return digits read singly, 1 as 幺 in about half of the strings that are long enough."""
    spelled = "".join(_DIGITS[int(digit)] for digit in digits)
    return spelled.replace("一", "幺") if len(digits) > 2 and chance.random() < 0.5 else spelled


def _read(found: str, rest: str, chance: random.Random) -> str:
    if found.endswith("%"):
        return "百分之" + _read(found[:-1], "", chance)
    whole, _, decimals = found.partition(".")
    if decimals:
        return number(int(whole[-8:])) + "点" + "".join(_DIGITS[int(digit)] for digit in decimals)
    if rest[:1] == "年" and len(whole) == 4:
        return "".join(_DIGITS[int(digit)] for digit in whole)
    if whole[0] == "0" or len(whole) > _LONGEST_COUNT or whole in _HOTLINES:
        return one_by_one(whole, chance)
    room = rest[:1] in ("室", "房", "路", "栋") and len(whole) >= 3
    if room and chance.random() < 0.6:
        return one_by_one(whole, chance)
    counted = number(int(whole))
    pair = whole == "2" and rest[:1] in tuple("个天次年户家条人块辆台")
    return "两" if pair else counted
