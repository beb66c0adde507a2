"""What of an utterance that is still being spoken is worth reading before it is over.

Who is afraid draws no breath: an utterance may last for half a minute, and its words of danger are
to be on the page within a second or so. A rule counts once it has been heard for some characters
more, and no longer once it has been gone for as many: the last words of a recogniser's guess change
often, and what follows takes back much ("已经灭了").
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from gateway.calls.facts import UtteranceHeard

_STANDS = 3
"""Characters for which a rule of danger is to stand: three quarters of a second of speech. Of 1,746
calls of the evaluation without an emergency, written and fed by two characters, never revised as a
recogniser revises, 15 are raised in passing; of 671 emergencies 174 are told before their end."""
_MUCH = 40
"""New characters after which all is read again: about ten seconds of speech."""


@dataclass
class _Utterance:
    text: str = ""
    """At the last look."""
    read: int = 0
    """Characters when it was read last."""
    since: dict[str, int] = field(default_factory=dict)
    """Rules that have changed, found or gone, and how many characters there were then."""
    told: frozenset[str] = frozenset()
    """Rules of danger that stand."""
    words: UtteranceHeard | None = None
    """What was read last."""


class Unfinished:
    """The utterances of one call that have not become finals.

    One that never does, since its recogniser died, stays: nobody has taken its words back.
    """

    def __init__(self) -> None:
        self.shown = False
        """The suggestion on the page rests on unfinished words."""
        self._said: dict[str, _Utterance] = {}

    def due(
        self, spoken: UtteranceHeard, dangers: Callable[[UtteranceHeard], frozenset[str]]
    ) -> bool:
        """Take an utterance so far; say whether to read the call anew, with `words`.

        `dangers` returns the rules of danger that it plainly tells. No text: it is taken back.
        """
        if not spoken.text:
            held = self._said.pop(spoken.utterance_id, None)
            return held is not None and held.words is not None
        said = self._said.setdefault(spoken.utterance_id, _Utterance())
        found, before = dangers(spoken), said.text
        said.text = spoken.text
        if self._turned(said, found):
            said.read, said.words = len(spoken.text), spoken
            return True
        more = len(before) - said.read >= _MUCH
        if more and found == said.told and spoken.text.startswith(before):
            said.read, said.words = len(before), spoken.model_copy(update={"text": before})
            return True
        return False

    def words(self, finals: Collection[str]) -> list[UtteranceHeard]:
        """Return what was read of utterances that are not among `finals` (ids) yet."""
        for name in finals & self._said.keys():
            del self._said[name]
        return [said.words for said in self._said.values() if said.words is not None]

    @property
    def alarming(self) -> bool:
        """Words of danger stand in an utterance that has not become a final."""
        return any(said.told for said in self._said.values())

    def _turned(self, said: _Utterance, found: frozenset[str]) -> bool:
        """Take the rules of a look; say whether others stand now."""
        size = len(said.text)
        changed = found ^ said.told
        said.since = {rule: said.since.get(rule, size) for rule in changed}
        turned = {rule for rule in changed if size - said.since[rule] >= _STANDS}
        said.told ^= turned
        return bool(turned)
