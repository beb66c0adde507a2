"""What the words around a cue do to it: denied, asked, supposed, feared, quoted, past, resolved.

Speech recognition gives no punctuation, so windows of characters stand in for clauses.
"""

import re
from collections.abc import Iterable

from gateway.dispatch.fold import Folded
from gateway.dispatch.rules import ContextWords, Mark

_NEAR = 6
_CLAUSE = 14
_WIDE = 24
_DENY_SLACK = 3
"""Characters that may stand between a denying word and what it denies: 没有(什么人)受伤."""
_ANSWER = 4


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


class Context:
    """Compiled context words."""

    def __init__(self, words: ContextWords) -> None:
        self._deny = re.compile(f"(?:{_any(words.deny_never)})|({_any(words.deny)})")
        self._deny_after = re.compile(r"(?:倒是|倒|都|也|的话|这事|什么的)*(?:是)?没有?$")
        self._ask_before = re.compile(_any(words.ask_before))
        self._ask_after = re.compile(f"了?(?:{_any(words.ask_after)})")
        self._suppose = re.compile(_any(words.suppose))
        self._suppose_after = re.compile(_any(words.suppose_after))
        self._fear = re.compile(f"(?:{_any(words.fear_never)})|({_any(words.fear)})")
        self._quote = re.compile(_any(words.quote))
        self._past = re.compile(_any(words.past))
        self._present = re.compile(_any(words.present))
        self._resolved = re.compile(_any(words.resolved))
        self._affirm = re.compile(f"(?:嗯|啊|哦|呃)*(?:{_any(words.affirm)})(?!没)")

    def marks(self, folded: Folded, start: int, end: int) -> frozenset[Mark]:
        """Return what the words around folded `[start, end)` do to them."""
        clause, wide = folded.before(start, _CLAUSE), folded.before(start, _WIDE)
        after, rest = folded.after(end, _NEAR), folded.after(end, _CLAUSE)
        found: set[Mark] = set()
        if self._denied(folded.before(start, _NEAR)) or self._deny_after.match(after):
            found.add("denied")
        if self._asked(clause, after):
            found.add("asked")
        if self._suppose.search(clause) or self._suppose_after.search(after):
            found.add("if")
        if any(match.group(1) for match in self._fear.finditer(clause)):
            found.add("fear")
        if self._quote.search(wide) or self._quote.search(after):
            found.add("quote")
        if self._is_past(wide + folded.chars[start:end] + rest, len(wide)):
            found.add("past")
        if self._resolved.search(rest) or self._resolved.search(folded.chars[start:end]):
            found.add("resolved")
        return frozenset(found)

    def affirms(self, folded: Folded) -> bool:
        """Say whether the utterance opens by answering yes to what was just asked."""
        return self._affirm.match(folded.chars) is not None

    def _denied(self, before: str) -> bool:
        ends = [m.end() for m in self._deny.finditer(before) if m.group(1)]
        return bool(ends) and len(before) - ends[-1] <= _DENY_SLACK

    def _asked(self, before: str, after: str) -> bool:
        if self._ask_before.search(before[-_NEAR:]):
            return True
        return self._ask_after.match(after[:_ANSWER]) is not None

    def _is_past(self, clause: str, start: int) -> bool:
        past = [m for m in self._past.finditer(clause) if m.end() <= start]
        return bool(past) and not self._present.search(clause, past[-1].end())
