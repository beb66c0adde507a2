"""Propose where a call belongs, and say why; people decide.

The classifier adds up the points of the cues heard; the safety layer stands apart and can only
raise urgency. With danger to life, property or public safety 110 dispatches first, whatever else
was said (D05). Below `FLOOR` points the answer is None: nothing was said that bears on it.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.calls.facts import EvidenceSpan, UtteranceHeard
from gateway.dispatch import rules as rule_data
from gateway.dispatch import safety
from gateway.dispatch.extract import Finding, Reader, Reading, by_agent
from gateway.dispatch.taxonomy import RANK, Platform, Taxonomy, Urgency

FLOOR = 1.5
MAX_EVIDENCE = 12
_HALF_SURE = 3.0
"""Points at which one lone class reaches 63 % confidence."""


@dataclass(frozen=True)
class Proposal:
    """A suggestion. `item` is A1..A9, B1..B8 or None (guidance); `also` are lines to bring in.

    `runner_up` is a class id or a guidance id (``G-...``). Spans are code points of each
    utterance's text. `confidence` is 0..1 and not yet calibrated.
    """

    platform: Platform
    item: str | None
    item_name: str
    runner_up: str | None
    urgency: Urgency
    confidence: float
    evidence: tuple[EvidenceSpan, ...]
    version: str
    also: tuple[str, ...] = ()


class Dispatcher:
    """One engine for live calls, REST and CLI; holds no call, so any thread may use it."""

    def __init__(self, taxonomy: Taxonomy, rules: rule_data.Rules | None = None) -> None:
        self.taxonomy = taxonomy
        self.rules = rules or rule_data.load(taxonomy)
        self.version = f"taxonomy {taxonomy.version}; rules {self.rules.version}"
        self._reader = Reader(self.rules)

    def read(self, utterance: UtteranceHeard) -> Reading:
        """Return what one utterance says."""
        return self._reader.read(utterance)

    def suggest(
        self, utterances: Sequence[UtteranceHeard], agents: Collection[str] = ()
    ) -> Proposal | None:
        """Propose from the whole call so far; `agents` are leg ids of operators and officers."""
        return self.combine([self.read(utterance) for utterance in utterances], agents)

    def combine(self, readings: Sequence[Reading], agents: Collection[str] = ()) -> Proposal | None:
        """Propose from readings, in the order they were spoken."""
        heard = [by_agent(r) if r.leg_id in agents else r for r in readings]
        said = safety.alarms(heard)
        strongest = _strongest(heard)
        scores = _scores(strongest.values())
        ranked = sorted(scores, key=lambda class_id: (-scores[class_id], class_id))
        chosen = self._choose(ranked, scores, said)
        if chosen is None:
            return None
        others = [class_id for class_id in ranked if class_id != chosen and scores[class_id] > 0]
        return self._propose(chosen, others[0] if others else None, scores, strongest, said)

    def _choose(
        self, ranked: list[str], scores: dict[str, float], said: list[safety.Alarm]
    ) -> str | None:
        best = ranked[0] if ranked and scores[ranked[0]] >= FLOOR else None
        if not said or said[0].rule.raises != "emergency":
            return best or (said[0].rule.item if said else None)
        for class_id in ranked:
            if scores[class_id] >= FLOOR and self._platform(class_id) == "110":
                return class_id
        return said[0].rule.item

    def _propose(
        self,
        chosen: str,
        runner_up: str | None,
        scores: dict[str, float],
        strongest: dict[str, Finding],
        said: list[safety.Alarm],
    ) -> Proposal:
        item, guide = self.taxonomy.item(chosen), self.taxonomy.guide(chosen)
        urgency: Urgency = item.urgency if item else "normal"
        for finding in strongest.values():
            if finding.rule.item == chosen and finding.rule.urgency and finding.points >= FLOOR:
                urgency = max(urgency, finding.rule.urgency, key=RANK.__getitem__)
        return Proposal(
            platform=self._platform(chosen),
            item=item.id if item else None,
            item_name=item.name if item else guide.name if guide else "",
            runner_up=runner_up,
            urgency=safety.raise_urgency(urgency, said),
            confidence=_confidence(scores.get(chosen, 0.0), scores.get(runner_up or "", 0.0)),
            evidence=self._evidence(chosen, strongest, said),
            version=self.version,
            also=safety.lines(said),
        )

    def _platform(self, class_id: str) -> Platform:
        item = self.taxonomy.item(class_id)
        return item.platform if item else "guide"

    def _evidence(
        self, chosen: str, strongest: dict[str, Finding], said: list[safety.Alarm]
    ) -> tuple[EvidenceSpan, ...]:
        spans = [alarm.finding.span(safety.note(alarm, self.taxonomy)) for alarm in said]
        alarmed = {alarm.rule.id for alarm in said}
        speaking = [f for f in strongest.values() if f.rule.item == chosen and f.points > 0]
        speaking.sort(key=lambda finding: -finding.points)
        spans += [finding.span() for finding in speaking if finding.rule.id not in alarmed]
        return tuple(spans[:MAX_EVIDENCE])


class Incremental:
    """One live call: reads each utterance once, so an update costs its new words only."""

    def __init__(self, dispatcher: Dispatcher, agents: Collection[str] = ()) -> None:
        self._dispatcher = dispatcher
        self._agents = set(agents)
        self._readings: dict[str, tuple[str, Reading]] = {}

    def agent(self, leg_id: str) -> None:
        """Tell that `leg_id` is an operator's or an officer's."""
        self._agents.add(leg_id)

    def suggest(self, utterances: Sequence[UtteranceHeard]) -> Proposal | None:
        """Propose from the growing list; an utterance whose text changed is read again."""
        return self._dispatcher.combine([self._read(u) for u in utterances], self._agents)

    def _read(self, utterance: UtteranceHeard) -> Reading:
        held = self._readings.get(utterance.utterance_id)
        if held is None or held[0] != utterance.text or held[1].leg_id != utterance.leg_id:
            held = (utterance.text, self._dispatcher.read(utterance))
            self._readings[utterance.utterance_id] = held
        return held[1]


def _strongest(readings: Sequence[Reading]) -> dict[str, Finding]:
    """Return each rule's strongest finding in the call: repeating a word adds nothing."""
    best: dict[str, Finding] = {}
    for reading in readings:
        for finding in reading.findings:
            held = best.get(finding.rule.id)
            if held is None or finding.points > held.points:
                best[finding.rule.id] = finding
    return best


def _scores(findings: Collection[Finding]) -> dict[str, float]:
    scores: dict[str, float] = defaultdict(float)
    for finding in findings:
        scores[finding.rule.item] += finding.points
    for finding in findings:
        for class_id in finding.rule.lowers:
            if class_id in scores:
                scores[class_id] = max(0.0, scores[class_id] - finding.points)
    return dict(scores)


def _confidence(chosen: float, other: float) -> float:
    if chosen <= 0:
        return 0.3
    return round((1 - math.exp(-chosen / _HALF_SURE)) * chosen / (chosen + other), 3)
