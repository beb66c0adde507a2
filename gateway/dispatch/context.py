"""What the words around a cue do to it: denied, asked, supposed, feared, quoted, past, resolved.

Speech recognition gives no punctuation, so windows of characters stand in for clauses.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.dispatch.fold import Folded
from gateway.dispatch.rules import ContextWords, Mark

_NEAR = 6
_CLAUSE = 14
_WIDE = LOOKS_BACK = 24
_ANSWER = 4
_WITHIN = re.compile("要是|如果|万一|假如")
"""Words that suppose, in the gap of a cue: 煤气要是漏了."""
_DRILL = re.compile("演习|演练|彩排|水枪|玩具")
"""The same for what is played."""


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


class Spot(Protocol):
    """Words found: where each part of them starts, and where the last ends."""

    @property
    def starts(self) -> tuple[int, ...]: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


Test = Callable[[Folded, Spot], bool]


class Context:
    """Compiled context words; read an utterance's surroundings with `within`."""

    def __init__(self, words: ContextWords) -> None:
        self._deny = re.compile(f"(?:{_any(words.deny_never)})|({_any(words.deny)})")
        self._deny_through = re.compile(f"(?:{_any(words.deny_through)})*$")
        self._deny_after = re.compile(r"(?:倒是|倒|都|也|的话|这事|什么的)*(?:是)?没有?$")
        self._ask_before = re.compile(_any(words.ask_before))
        self._ask_after = re.compile(f"了?(?:{_any(words.ask_after)})")
        self._suppose = re.compile(_any(words.suppose))
        self._suppose_after = re.compile(_any(words.suppose_after))
        self._fear = re.compile(f"(?:{_any(words.fear_never)})|({_any(words.fear)})")
        self._quote = re.compile(_any(words.quote))
        self._past = re.compile(_any(words.past))
        self._past_after = re.compile(
            f"[了的过]?(?:(?:{_any(words.past_after)})|是(?:{_any(words.past)}))"
        )
        self._present = re.compile(_any(words.present))
        self._resolved = re.compile(_any(words.resolved))
        self._affirm = re.compile(f"(?:嗯|啊|哦|呃)*(?:{_any(words.affirm)})(?!没)")
        self._tests: list[tuple[Mark, re.Pattern[str], Test]] = [
            ("denied", re.compile(_any(words.deny)), self._denied),
            ("asked", re.compile(_any((*words.ask_before, *words.ask_after))), self._asked),
            ("if", re.compile(_any((*words.suppose, *words.suppose_after))), self._supposed),
            ("fear", re.compile(_any(words.fear)), self._feared),
            ("quote", self._quote, self._quoted),
            ("past", re.compile(_any((*words.past, *words.past_after))), self._is_past),
            ("resolved", self._resolved, self._is_resolved),
        ]

    def within(self, folded: Folded) -> "Surroundings":
        """Return what can be asked of `folded`: only marks whose words occur are ever tested."""
        return Surroundings(
            folded,
            [(mark, test) for mark, words, test in self._tests if words.search(folded.chars)],
        )

    def affirms(self, folded: Folded) -> bool:
        """Say whether the utterance opens by answering yes to what was just asked."""
        return self._affirm.match(folded.chars) is not None

    def _denied(self, folded: Folded, hit: Spot) -> bool:
        if any(self._denied_at(folded, start) for start in hit.starts):
            return True
        return self._deny_after.match(folded.after(hit.end, _NEAR)) is not None

    def _denied_at(self, folded: Folded, start: int) -> bool:
        before = folded.before(start, _NEAR)
        ends = [m.end() for m in self._deny.finditer(before) if m.group(1)]
        return bool(ends) and self._deny_through.match(before, ends[-1]) is not None

    def _asked(self, folded: Folded, hit: Spot) -> bool:
        if self._ask_before.search(folded.before(hit.start, _NEAR)):
            return True
        return self._ask_after.match(folded.after(hit.end, _ANSWER)) is not None

    def _supposed(self, folded: Folded, hit: Spot) -> bool:
        if self._suppose.search(folded.before(hit.start, _CLAUSE)):
            return True
        if _WITHIN.search(folded.chars, hit.start, hit.end):
            return True
        return self._suppose_after.search(folded.after(hit.end, _NEAR)) is not None

    def _feared(self, folded: Folded, hit: Spot) -> bool:
        return any(m.group(1) for m in self._fear.finditer(folded.before(hit.start, _CLAUSE)))

    def _quoted(self, folded: Folded, hit: Spot) -> bool:
        if self._quote.search(folded.before(hit.start, _WIDE)):
            return True
        if _DRILL.search(folded.chars, hit.start, hit.end):
            return True
        return self._quote.search(folded.after(hit.end, _NEAR)) is not None

    def _is_past(self, folded: Folded, hit: Spot) -> bool:
        before = folded.before(hit.start, _WIDE)
        past = list(self._past.finditer(before))
        after = folded.after(hit.end, _CLAUSE)
        if self._past_after.match(after):
            return not self._present.search(after)
        clause = before + folded.chars[hit.start : hit.end] + after
        return bool(past) and not self._present.search(clause, past[-1].end())

    def _is_resolved(self, folded: Folded, hit: Spot) -> bool:
        said = folded.chars[hit.start : hit.end] + folded.after(hit.end, _CLAUSE)
        return self._resolved.search(said) is not None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The context of one utterance."""

    folded: Folded
    tests: list[tuple[Mark, Test]]

    def marks(self, hit: Spot) -> frozenset[Mark]:
        """Return what the words around `hit` do to it."""
        return frozenset(mark for mark, test in self.tests if test(self.folded, hit))
