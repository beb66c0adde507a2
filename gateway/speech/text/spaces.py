"""Spaces of a recogniser's text."""

import re

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_BETWEEN_HAN = re.compile(f"(?<=[{_HAN}])\\s+(?=[{_HAN}])")


def plain(text_raw: str) -> str:
    """Return `text_raw` without the spaces an engine puts between Chinese words."""
    return _BETWEEN_HAN.sub("", text_raw.strip())
