"""What one utterance says that bears on dispatch: the unit that is read once and cached."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.calls.facts import EvidenceSpan, UtteranceHeard
from gateway.dispatch import advice, facts
from gateway.dispatch.context import LOOKS_BACK, Context, Surroundings
from gateway.dispatch.divisions import Divisions, Named
from gateway.dispatch.facts import Fact
from gateway.dispatch.features import Features, Vocabulary
from gateway.dispatch.fold import fold, fold_spoken
from gateway.dispatch.matcher import Hit, Matcher
from gateway.dispatch.rules import Mark, Rule, Rules
from gateway.dispatch.sense import Sense, Senses

_FACTORS: dict[Mark, float] = {
    "denied": 0.0,
    "asked": 0.3,
    "if": 0.4,
    "fear": 0.4,
    "quote": 0.2,
    "past": 0.9,
    "resolved": 0.5,
}


_AGENT_SHARE = 0.4
"""Operators repeat, ask and explain: their words count for less than the caller's."""
_FACTS_IN = 3_000
"""Characters of an utterance that are searched for facts; speech is far shorter."""
_PIECE = 1_000
_OVERLAP = 100
"""Texts longer than speech are read in pieces, so that the cost stays linear whatever they hold."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that spoke, where, and what the words around it do to it.

    `marks` are those that the rule does not keep: empty means plainly asserted.
    """

    rule: Rule
    utterance_id: str
    start: int
    end: int
    text: str
    quality: float
    marks: frozenset[Mark]
    matched: int
    share: float = 1.0

    @property
    def points(self) -> float:
        """What the finding adds to its class."""
        points = self.rule.weight * self.quality * self.share
        for mark in self.marks if self.rule.event else ():
            points *= _FACTORS[mark]
        return points

    def span(self, note: str = "") -> EvidenceSpan:
        """Return the evidence for this finding; `note` is added to the rule's reason."""
        heard = "" if self.quality == 1.0 else "（按读音相近判断，原字可能听错）"
        return EvidenceSpan(
            utterance_id=self.utterance_id,
            start=self.start,
            end=self.end,
            text=self.text,
            why=self.rule.why + note + heard,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """All findings of one utterance. `affirms`: it opens with a yes to what was asked before.

    `features` are what the classifier sees, None for words of an operator.
    """

    utterance_id: str
    leg_id: str
    text: str
    findings: tuple[Finding, ...]
    affirms: bool
    features: Features | None
    sense: Sense | None = None
    """What it means to the encoder, None for words of an operator."""
    facts: tuple[Fact, ...] = ()
    places: tuple[Named, ...] = ()
    meant: frozenset[str] = frozenset()
    """Concepts named (concepts.toml)."""
    clauses: tuple[str, ...] = ()
    told: str = ""
    """What a summary takes from it."""
    asked: bool = False
    """Weighed as an operator's."""


def by_agent(reading: Reading) -> Reading:
    """Weigh a reading as an operator's or officer's: what they say of dangers is a question."""
    if reading.asked:
        return reading
    asked = tuple(
        replace(
            finding,
            share=_AGENT_SHARE,
            marks=finding.marks | {"asked"} if finding.rule.event else finding.marks,
        )
        for finding in reading.findings
    )
    return replace(reading, findings=asked, affirms=False, features=None, sense=None, asked=True)


class Reader:
    """Reads utterances by both layers' rules; pure, shared by any number of calls."""

    def __init__(
        self, rules: Rules, vocabulary: Vocabulary, divisions: Divisions, senses: Senses
    ) -> None:
        self._vocabulary = vocabulary
        self._senses = senses
        self._divisions = divisions
        every: Sequence[Rule] = (*rules.cues.rules, *rules.danger.rules)
        self._matcher = Matcher(every, rules.context.own_words)
        self._context = Context(rules.context)

    def read(self, utterance: UtteranceHeard, *, by_caller: bool = True) -> Reading:
        """Return what `utterance` says; cost linear in its length."""
        folded = fold_spoken(utterance.text)
        best: dict[str, Finding] = {}
        for piece in folded.pieces(_PIECE, _OVERLAP):
            around = self._context.within(piece)
            cut = piece.at and piece.at[0] > folded.at[0]
            for hit in self._matcher.hits(piece):
                # Cut off from the words before it; the piece before has this hit whole.
                if cut and hit.start < LOOKS_BACK:
                    continue
                finding = _finding(utterance, around, hit)
                held = best.get(hit.rule.id)
                if held is None or _order(finding) > _order(held):
                    best[hit.rule.id] = finding
        found = tuple(sorted(best.values(), key=lambda f: (f.start, f.end, f.rule.id)))
        affirms = self._context.affirms(folded)
        said = next(folded.pieces(_FACTS_IN, 0))
        head = next(fold(utterance.text).pieces(_FACTS_IN, 0))
        return Reading(
            utterance.utterance_id,
            utterance.leg_id,
            utterance.text,
            found,
            affirms,
            self._vocabulary.read(folded) if by_caller else None,
            self._senses.read(folded) if by_caller else None,
            tuple(
                fact._replace(utterance_id=utterance.utterance_id)
                for fact in facts.read(head, self._vocabulary.concepts)
            ),
            tuple(self._divisions.find(head)),
            frozenset(m.name for m in self._vocabulary.concepts.find(said.chars)),
            advice.clauses(utterance.text),
            advice.told(utterance.text),
        )


def _finding(utterance: UtteranceHeard, around: Surroundings, hit: Hit) -> Finding:
    start, end = around.folded.span(hit.start, hit.end)
    marks = around.marks(hit) if hit.rule.event else frozenset()
    return Finding(
        rule=hit.rule,
        utterance_id=utterance.utterance_id,
        start=start,
        end=end,
        text=utterance.text[start:end],
        quality=hit.quality,
        marks=marks.difference(hit.rule.keeps),
        matched=hit.matched,
    )


def _order(finding: Finding) -> tuple[bool, float, int, int, int]:
    """Rank findings of one rule: plainly said, points, more words, tighter, earlier."""
    length = finding.end - finding.start
    return (not finding.marks, finding.points, finding.matched, -length, -finding.start)
