"""Masking of personal data for screens and exports (plan clause D44)."""

import re

_NUMBER = re.compile(r"(?<!\d)\d{7,18}(?!\d)")


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
    """Return `text` with every run of 7 to 18 digits masked."""
    return _NUMBER.sub(lambda found: mask_number(found.group()), text)
