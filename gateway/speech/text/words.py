"""Everyday words, so that a word that is meant is not taken for a name that was misheard."""

from functools import cache
from pathlib import Path
from typing import NamedTuple


class Words(NamedTuple):
    common: frozenset[str]
    places: frozenset[str]
    """Names of places all over the country."""

    def known(self, word: str) -> bool:
        return word in self.common or word in self.places


@cache
def load() -> Words:
    """Read words.txt once."""
    text = Path(__file__).with_name("words.txt").read_text("utf-8")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    common, _, places = body.partition("\n@\n")
    return Words(frozenset(common.split()), frozenset(places.split()))
