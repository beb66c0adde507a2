"""Propose where a call belongs, and say why; people decide.

The classifier weighs the caller's words together with the rules' points (classify.py); the safety
layer stands apart and can only raise urgency. With danger to life, property or public safety 110
dispatches first, whatever else was said (D05). None: nothing was said yet that bears on dispatch.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from gateway.calls.facts import EvidenceSpan, UtteranceHeard
from gateway.dispatch import advice, safety
from gateway.dispatch import concepts as concept_data
from gateway.dispatch import divisions as division_data
from gateway.dispatch import model as model_data
from gateway.dispatch import rules as rule_data
from gateway.dispatch import sense as sense_data
from gateway.dispatch.advice import ProfileId, RequestType
from gateway.dispatch.classify import Classifier, Heard, Judged, platform_of
from gateway.dispatch.context import Context
from gateway.dispatch.divisions import CODE_SYSTEM
from gateway.dispatch.extract import Finding, Reader, Reading, by_agent
from gateway.dispatch.facts import Fact
from gateway.dispatch.model import Model
from gateway.dispatch.sense import Senses
from gateway.dispatch.taxonomy import RANK, Platform, Taxonomy, Urgency

FLOOR = 1.5
"""Points from which the rules speak without the classifier."""
MAX_EVIDENCE = 12
MAX_FACTS = 40
WINDOW = 3
"""Utterances read together for danger: speech recognition cuts a sentence at every pause."""


@dataclass(frozen=True)
class District:
    """A division; a code never goes without its system. `path` is its full name."""

    code: str
    code_system: str
    name: str
    path: str


@dataclass(frozen=True)
class Proposal:
    """A suggestion. `item` is A1..A9, B1..B8 or None (guidance, 119, 120); `also` are lines to
    bring in.

    `runner_up` is a class id or a guidance id (``G-...``). Spans are code points of each
    utterance's text. `confidence` is 0..1 and too high on wording unlike the training's; `sure` is
    False below the model's threshold: then the class is a guess to look at.
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
    sure: bool = True
    danger: float = 0.0
    """The classifier's chance of an emergency, 0..1."""
    type: RequestType = "其他"
    units: tuple[str, ...] = ()
    """Lead and assisting units; () when the caller is guided elsewhere."""
    district: District | None = None
    place: str = ""
    facts: tuple[Fact, ...] = ()
    ask: tuple[str, ...] = ()
    deadline: str = ""
    title: str = ""
    summary: str = ""


Memo = dict[tuple[int, ...], tuple[tuple[Reading, ...], float]]


class Dispatcher:
    """One engine for live calls, REST and CLI; holds no call, so any thread may use it."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        rules: rule_data.Rules | None = None,
        model: Model | None = None,
        profile: ProfileId = "siyang",
        senses: Senses | None = None,
    ) -> None:
        self.register = advice.load()
        self._divisions = division_data.load()
        self._profile = profile
        self.taxonomy = taxonomy
        self.rules = rules or rule_data.load(taxonomy)
        self.model = model or model_data.load(concept_data.load(), Context(self.rules.context))
        self.senses = senses or sense_data.load()
        self.version = (
            f"taxonomy {taxonomy.version}; rules {self.rules.version};"
            f" model {self.model.version}.{self.senses.version}; units {self.register.version}"
        )
        self._reader = Reader(self.rules, self.model.vocabulary, self._divisions, self.senses)
        self.classifier = Classifier(self.model, self.senses, taxonomy)

    def renewed(self, taxonomy: Taxonomy) -> "Dispatcher":
        """Return an engine with other lists and the same model; ConfigError if they do not fit."""
        return Dispatcher(
            taxonomy, rule_data.load(taxonomy), self.model, self._profile, self.senses
        )

    def read(self, utterance: UtteranceHeard, *, by_caller: bool = True) -> Reading:
        """Return what one utterance says; an operator's is not read for what the caller means."""
        return self._reader.read(utterance, by_caller=by_caller)

    def dangers(self, utterance: UtteranceHeard) -> frozenset[str]:
        """Return the rules by which one utterance alone plainly tells of an emergency; cheap."""
        said = safety.alarms([self.read(utterance, by_caller=False)])
        return frozenset(alarm.rule.id for alarm in said if alarm.raises == "emergency")

    def suggest(
        self, utterances: Sequence[UtteranceHeard], agents: Collection[str] = ()
    ) -> Proposal | None:
        """Propose from the whole call so far; `agents` are leg ids of operators and officers."""
        return self.combine([self.read(utterance) for utterance in utterances], agents)

    def combine(
        self,
        readings: Sequence[Reading],
        agents: Collection[str] = (),
        words: Heard | None = None,
        memo: Memo | None = None,
    ) -> Proposal | None:
        """Propose from readings, in the order they were spoken.

        `words` already holds the caller's and `memo` earlier windows, where a call is live.
        """
        heard = [by_agent(r) if r.leg_id in agents else r for r in readings]
        by_caller = [r for r in heard if r.features is not None]
        windows: Memo = {} if memo is None else memo
        danger, window = self._danger(by_caller, windows)
        said = self._alarms(heard, by_caller, windows)
        strongest = _strongest(heard)
        points = _scores(strongest.values())
        words = words or self._heard(by_caller)
        judged = self.classifier.judge(words, points)
        alarmed = bool(said) and said[0].raises == "emergency"
        felt = self.classifier.felt(danger)
        spoken = sum(len(r.features.folded.chars) for r in by_caller if r.features)
        chosen = self._choose(judged, points, said, urgent=alarmed or felt, few=spoken < _FEW)
        if chosen is None or not (points or said or any(map(self.classifier.reads, by_caller))):
            return None
        felt_in = window if felt else ()
        evidence = self._evidence(chosen, strongest, said, by_caller, felt_in, words)
        if not evidence:
            return None
        confidence = self._confidence(chosen, judged) * min(1.0, spoken / _BRIEF)
        urgency = self._urgency(chosen, strongest, judged)
        urgency = safety.raise_urgency("emergency" if felt else urgency, said)
        return replace(
            self._details(chosen, urgency, by_caller or heard, evidence),
            platform=platform_of(chosen, self.taxonomy) or "12345",
            item=chosen if self.taxonomy.item(chosen) else None,
            item_name=self.taxonomy.name(chosen),
            runner_up=self._runner_up(chosen, judged),
            urgency=urgency,
            confidence=round(confidence, 3),
            evidence=evidence,
            version=self.version,
            also=self._lines(chosen, said, felt_in),
            sure=confidence >= self.model.calibration.unsure,
            danger=round(danger, 3),
        )

    def _details(
        self,
        chosen: str,
        urgency: Urgency,
        readings: Sequence[Reading],
        evidence: Sequence[EvidenceSpan],
    ) -> Proposal:
        """Return a proposal with what follows from the class and the caller's words."""
        item = chosen if self.taxonomy.item(chosen) else None
        texts = [reading.text for reading in readings]
        meant = frozenset().union(*(reading.meant for reading in readings))
        facts = tuple(fact for reading in readings for fact in reading.facts)[:MAX_FACTS]
        profile = self.register.of(self._profile)
        named = [name for reading in readings for name in reading.places]
        located = self._divisions.locate(named, profile.area)
        parents = self._divisions.parents(located.division) if located else []
        county = next((d for d in parents if d.level == 2), located.division if located else None)
        if county and county.code.startswith("12"):
            profile = self.register.of("tianjin")
        places = [fact.value for fact in facts if fact.kind == "place"]
        known = {str(fact.kind) for fact in facts} | ({"place"} if located else set())
        district = None
        if located:
            path = "".join(d.name for d in [*parents, located.division])
            division = located.division
            district = District(division.code, CODE_SYSTEM, division.name, path)
        return Proposal(
            platform="12345",
            item=None,
            item_name="",
            runner_up=None,
            urgency=urgency,
            confidence=0.0,
            evidence=(),
            version=self.version,
            type=advice.request_type("，".join(texts), item, urgency),
            units=self.register.units(item, meant, profile.id, county, "，".join(texts)),
            district=district,
            place=max(places, key=len, default=""),
            facts=facts,
            ask=self.register.questions(item, meant, known) if item else (),
            deadline=profile.deadlines[urgency],
            title=advice.title(
                [c for r in readings for c in r.clauses], [s.text for s in evidence]
            ),
            summary=advice.summary(reading.told for reading in readings),
        )

    def _alarms(
        self, heard: Sequence[Reading], by_caller: Sequence[Reading], windows: Memo
    ) -> list[safety.Alarm]:
        said = safety.alarms(heard)
        loud = {alarm.finding.utterance_id for alarm in said}
        told = [r for r in by_caller if r.utterance_id in loud]
        figures = {
            r.utterance_id for r in told if self.classifier.ordinary(r, windows[(id(r),)][1])
        }
        return safety.without_figures(said, figures)

    def _heard(self, readings: Sequence[Reading]) -> Heard:
        heard = Heard(self.classifier)
        for reading in readings:
            heard.add(reading)
        return heard

    def _danger(self, readings: Sequence[Reading], memo: Memo) -> tuple[float, tuple[Reading, ...]]:
        """Return the most alarming window and its chance: later talk cannot thin it out."""
        best: tuple[float, tuple[Reading, ...]] = (0.0, ())
        used: Memo = {}
        for end in range(1, len(readings) + 1):
            first = max(0, end - WINDOW)
            for start in {end - 1, first}:
                window = tuple(readings[start:end])
                key = tuple(id(reading) for reading in window)
                held = memo.get(key)
                chance = held[1] if held else self.classifier.alarming(window)
                used[key] = (window, chance)
                worse = chance > best[0]
                if worse and (start == first or self.classifier.tells_alone(readings[start])):
                    best = chance, window
        memo.clear()
        memo.update(used)
        return best

    def _choose(
        self,
        judged: Judged,
        points: dict[str, float],
        said: list[safety.Alarm],
        *,
        urgent: bool,
        few: bool,
    ) -> str | None:
        names = list(judged.chances)
        if urgent:
            risky = [n for n in names if platform_of(n, self.taxonomy) in {"110", "119", "120"}]
            if not said:
                return judged.ranked(risky)[0]
            police = [n for n in risky if points.get(n, 0.0) >= FLOOR or n == said[0].rule.item]
            if police and judged.best(risky) < _TRUSTED:
                return max(police, key=lambda n: (points.get(n, 0.0), judged.chances[n]))
            return judged.ranked(risky)[0]
        vague = judged.nothing >= _NOTHING or judged.best(names) < _GUESS
        if few and vague and max(points.values(), default=0.0) < FLOOR:
            return said[0].rule.item if said else None
        platform = max(judged.platforms, key=lambda p: judged.platforms[p])
        return judged.ranked([n for n in names if platform_of(n, self.taxonomy) == platform])[0]

    def _urgency(self, chosen: str, strongest: dict[str, Finding], judged: Judged) -> Urgency:
        item = self.taxonomy.item(chosen)
        urgency: Urgency = item.urgency if item else "normal"
        if chosen.startswith("L-"):
            return "urgent" if judged.urgent >= _ASKS_ONLY else "normal"
        if item and item.utility and judged.urgent >= _URGENT:
            urgency = "urgent"
        for finding in strongest.values():
            if finding.rule.item == chosen and finding.rule.urgency and finding.points >= FLOOR:
                urgency = max(urgency, finding.rule.urgency, key=RANK.__getitem__)
        return urgency

    def _confidence(self, chosen: str, judged: Judged) -> float:
        if platform_of(chosen, self.taxonomy) == "guide":
            return judged.platforms["guide"]
        return judged.chances[chosen]

    def _runner_up(self, chosen: str, judged: Judged) -> str | None:
        others = [n for n in judged.chances if n != chosen]
        best = judged.ranked(others)[0]
        return best if judged.chances[best] >= _WORTH_NAMING else None

    def _lines(
        self, chosen: str, said: list[safety.Alarm], window: Sequence[Reading]
    ) -> tuple[str, ...]:
        meant = {m for r in window if r.features for m in self.classifier.lines(r.features)}
        if window and chosen == "B3":
            meant.add("122")
        own = platform_of(chosen, self.taxonomy)
        return tuple(sorted({*safety.lines(said), *meant} - {str(own)}))

    def _evidence(
        self,
        chosen: str,
        strongest: dict[str, Finding],
        said: list[safety.Alarm],
        readings: Sequence[Reading],
        window: Sequence[Reading],
        words: Heard,
    ) -> tuple[EvidenceSpan, ...]:
        spans = [alarm.finding.span(safety.note(alarm, self.taxonomy)) for alarm in said]
        alarmed = {alarm.rule.id for alarm in said}
        spans += self.classifier.danger_evidence(window, words)
        speaking = [f for f in strongest.values() if f.rule.item == chosen and f.points > 0]
        speaking.sort(key=lambda finding: -finding.points)
        guide = self.taxonomy.guide(chosen)
        note = f"；{guide.script}" if guide else ""
        spans += [finding.span(note) for finding in speaking if finding.rule.id not in alarmed]
        name = self.taxonomy.name(chosen) + note
        spans += self.classifier.evidence(readings, chosen, name, words)
        return tuple(spans[:MAX_EVIDENCE])


_TRUSTED = 0.5
_NOTHING = 0.45
_FEW = 16
"""Characters below which the answer may be that nothing was said yet."""
_BRIEF = 6
"""Characters below which no answer is sure."""
_GUESS = 0.35
_URGENT = 0.75
_ASKS_ONLY = 0.3
"""Chance of urgency below which a caller about ambulances or rescue only asks."""
_WORTH_NAMING = 0.02


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
