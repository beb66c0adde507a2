"""What recognition over a telephone makes of a text: for training, so that little is lost by it.

How often and how it errs was counted on 713 evaluation calls, spoken by the synthetic voice and
heard by the demo model: a tenth of the characters is another one, errors come in runs, and four of
five pauses between clauses are not there. Of the wrong characters 45 % sound alike but for the
tone, 20 % share the initial, 16 % the final; instead a common character is heard.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate

_PAUSE_LOST = 0.8
_LEAST, _MOST = 0.0, 0.2
"""Share of wrong characters, of a text heard well and of one heard badly."""
_DROPPED = 0.15
"""Of the characters that are not heard as they were said."""
_RUN = 2.5
"""So much likelier is an error beside an error."""
_HOW = ((0.45, "sound"), (0.65, "initial"), (0.81, "final"), (1.0, "any"))


class Choice:
    """Characters drawn as often as they are common."""

    def __init__(self, common: Counter[str]) -> None:
        self._chars = "".join(common)
        self._weights = list(accumulate(common.values()))

    def draw(self, chance: random.Random) -> str:
        """Return one of the characters."""
        return chance.choices(self._chars, cum_weights=self._weights)[0]


class Mishearing:
    """`texts`: what shows which characters are common."""

    def __init__(self, texts: Iterable[str]) -> None:
        common = Counter(char for text in texts for char in text if "一" <= char <= "鿿")
        groups: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for char, count in common.items():
            for key in _keys(char):
                groups[key][char] = count
        self._groups = {key: Choice(chars) for key, chars in groups.items()}

    def hear(self, clauses: Sequence[str], chance: random.Random) -> list[str]:
        """Return what is heard of `clauses`, with fewer pauses; never nothing."""
        share = chance.uniform(_LEAST, _MOST)
        found: list[str] = []
        for clause in clauses:
            heard = self._clause(clause, share, chance)
            if found and chance.random() < _PAUSE_LOST:
                found[-1] += heard
            elif heard:
                found.append(heard)
        return found or list(clauses)

    def _clause(self, clause: str, share: float, chance: random.Random) -> str:
        heard, after_error = "", 1.0
        for char in clause:
            if chance.random() >= share * after_error:
                heard, after_error = heard + char, 1.0
                continue
            after_error = _RUN
            if chance.random() >= _DROPPED:
                heard += self._instead(char, chance)
        return heard

    def _instead(self, char: str, chance: random.Random) -> str:
        drawn = chance.random()
        how = next(kind for up_to, kind in _HOW if drawn < up_to)
        keys = {key[0]: key for key in _keys(char)}
        group = self._groups.get(keys[how]) if how in keys else None
        return group.draw(chance) if group else char


@cache
def _keys(char: str) -> tuple[tuple[str, str], ...]:
    """Return the groups of what a character may be taken for."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - slow to load, and for training only

    sound = lazy_pinyin(char)[0]
    if sound == char:
        return ()
    initial = lazy_pinyin(char, style=Style.INITIALS, strict=False)[0]
    kinds = ("sound", sound), ("initial", initial), ("final", sound.removeprefix(initial))
    return (*kinds, ("any", ""))
