"""Words whose numerals are not numbers, hidden while numbers are written in figures."""

import re
from collections.abc import Iterable
from pathlib import Path

from gateway.speech.text.numerals import ALL

_HIDE = {ord(char): 0xF0000 + at for at, char in enumerate(ALL)}
_SHOW = {hidden: chr(char) for char, hidden in _HIDE.items()}
_HIDDEN = re.compile(f"[{chr(0xF0000)}-{chr(0xF0000 + len(ALL) - 1)}]")


class Kept:
    """The words of kept.txt and names that hold numerals (八里台镇); immutable."""

    def __init__(self, words: Iterable[str]) -> None:
        longest = sorted(set(words), key=lambda word: (-len(word), word))
        self._words = re.compile("|".join(map(_pattern, longest)) or r"(?!)")

    def hide(self, text: str) -> str:
        """Return `text` with the numerals of kept words put away; same length, total.

        A text that already holds the private characters used for it comes back untouched: see
        `safe`.
        """
        return self._words.sub(lambda found: found.group().translate(_HIDE), text)

    @staticmethod
    def show(text: str) -> str:
        """Undo `hide`."""
        return text.translate(_SHOW)

    @staticmethod
    def safe(text: str) -> bool:
        """Say whether `hide` and `show` lose nothing of `text`."""
        return not _HIDDEN.search(text)


def words() -> list[str]:
    """Return the entries of kept.txt."""
    lines = Path(__file__).with_name("kept.txt").read_text("utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def _pattern(entry: str) -> str:
    word, _, unless_before = entry.partition("!")
    before = f"(?<![{ALL}\\d点])" if word[0] in ALL else ""
    after = f"(?![{ALL}])" if word[-1] in ALL else ""
    unless = f"(?![{re.escape(unless_before)}])" if unless_before else ""
    return f"{before}{re.escape(word)}{after}{unless}"
