"""Masking of personal data for screens and exports (plan clause D44)."""

import re

_NUMBER = re.compile(r"(?<!\d)\d{7,18}(?!\d)")
_SPOKEN = re.compile(r"(?:[零〇一二三四五六七八九幺] ?){6,17}[零〇一二三四五六七八九幺]")
"""A number as recognition writes it, digit by digit; amounts (一万二千) and years are shorter."""


def mask_number(number: str) -> str:
    """Return `number` with its middle digits starred: 13812341234 -> 138****1234.

    Short codes (up to six digits: 110, 12345) are not personal and stay as they are.
    """
    digits = number.strip()
    if len(digits) <= 6:
        return digits
    head, tail = digits[:3], digits[-4:] if len(digits) >= 11 else digits[-2:]
    return f"{head}{'*' * (len(digits) - len(head) - len(tail))}{tail}"


def mask_text(text: str) -> str:
    """Return `text` with every run of 7 to 18 digits masked, in figures or spoken one by one.

    Its length stays the same, so that spans into it still fit.
    """
    text = _NUMBER.sub(lambda found: mask_number(found.group()), text)
    return _SPOKEN.sub(lambda found: _mask_spoken(found.group()), text)


def _mask_spoken(run: str) -> str:
    places = [at for at, character in enumerate(run) if character != " "]
    kept = mask_number("0" * len(places))
    masked = list(run)
    for place, shown in zip(places, kept, strict=True):
        if shown == "*":
            masked[place] = "*"
    return "".join(masked)
