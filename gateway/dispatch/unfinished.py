"""What of an utterance that is still being spoken is worth reading before it is over.

Who is afraid draws no breath: an utterance may last for half a minute, and its words of danger are
to be on the page within a second. They count once they have been heard twice, with more words
after them: the last words of a recogniser's guess change often, and take back much ("已经灭了").
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from gateway.calls.facts import UtteranceHeard

_MORE = 4
"""New characters that are worth another look for danger: a second of speech. Of 1,746 calls of the
evaluation without an emergency 7 are raised in passing, of 671 emergencies 145 before their end."""
_MUCH = 40
"""New characters after which all is read again: about ten seconds of speech."""


@dataclass
class _Leg:
    utterance_id: str
    looked: int = 0
    """Characters when it was looked at last."""
    read: int = 0
    """Characters when all of it was read last."""
    dangers: frozenset[str] = frozenset()
    """Rules that the last look has found, and in `told` those for which all was read."""
    told: set[str] = field(default_factory=set)
    words: UtteranceHeard | None = None
    """What was read last."""


class Unfinished:
    """The unfinished utterances of one call, at most one for each leg."""

    def __init__(self) -> None:
        self._legs: dict[str, _Leg] = {}

    def due(
        self, spoken: UtteranceHeard, dangers: Callable[[UtteranceHeard], frozenset[str]]
    ) -> bool:
        """Take an utterance so far; say whether to read all of it now, as one of `words`.

        `dangers` returns the rules of danger that it plainly tells.
        """
        leg = self._legs.get(spoken.leg_id)
        if leg is None or leg.utterance_id != spoken.utterance_id:
            leg = self._legs[spoken.leg_id] = _Leg(spoken.utterance_id)
        size = len(spoken.text)
        if size - leg.read >= _MUCH or self._alarming(leg, spoken, dangers):
            leg.read, leg.words = size, spoken
            return True
        return False

    def words(self, finals: Collection[str]) -> list[UtteranceHeard]:
        """Return what was read of utterances that are not among `finals` (ids) yet."""
        told = (leg.words for leg in self._legs.values())
        return [one for one in told if one and one.utterance_id not in finals]

    def closed(self, leg_id: str) -> None:
        """What this leg was saying is over, whether or not it has become a final."""
        self._legs.pop(leg_id, None)

    def _alarming(
        self,
        leg: _Leg,
        spoken: UtteranceHeard,
        dangers: Callable[[UtteranceHeard], frozenset[str]],
    ) -> bool:
        if abs(len(spoken.text) - leg.looked) < _MORE:
            return False
        found = dangers(spoken)
        again = (found & leg.dangers) - leg.told
        leg.looked, leg.dangers = len(spoken.text), found
        leg.told |= again
        return bool(again)
