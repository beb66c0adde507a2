"""Masking of personal data for screens and exports (plan clause D44)."""

import re
from collections.abc import Sequence

_FIGURES = r"[\d零〇○一二两三四五六七八九幺壹贰叁肆伍陆柒捌玖拐勾洞]"
_PAUSES = r"[\s\-‐‑–—－_.·。,，、;；:：/()（）]"
_FILLERS = r"那个|这个|就是|然后|完了|[嗯啊呃额哦噢唉哎诶欸呀呢吧哈那杠]"
"""What people say between the groups of a number while they read it out."""

_NUMBER = re.compile(rf"{_FIGURES}(?:(?:{_PAUSES}|{_FILLERS})*+{_FIGURES}){{6,}}")
_FIGURE = re.compile(_FIGURES)


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
    """Return `text` with every number of 7 digits or more masked, in figures or spoken.

    Pauses and fillers may part its digits (138 1234-1234, 一三八嗯一二三四). That masks a date in
    figures too, and short codes said in a row: rather too much than too little. Amounts
    (一万二千) stay. The length stays the same, so that spans into it still fit.
    """
    return _NUMBER.sub(lambda found: _mask_run(found.group()), text)


def mask_texts(texts: Sequence[str]) -> list[str]:
    """Mask what one speaker said in a row, numbers that go on in the next text included."""
    whole = mask_text("\n".join(texts))
    masked, at = [], 0
    for text in texts:
        masked.append(whole[at : at + len(text)])
        at += len(text) + 1
    return masked


def _mask_run(run: str) -> str:
    places = [found.start() for found in _FIGURE.finditer(run)]
    kept = mask_number("0" * len(places))
    masked = list(run)
    for place, shown in zip(places, kept, strict=True):
        if shown == "*":
            masked[place] = "*"
    return "".join(masked)
