"""Where a call belongs, from the learned weights and the rules' points together.

The rules know few wordings and know them well; the model generalises. A rule's point raises its
class's score, so both speak in one probability.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.calls.facts import EvidenceSpan
from gateway.dispatch.extract import Reading
from gateway.dispatch.features import Features
from gateway.dispatch.model import Floats, Model, Tally, softmax
from gateway.dispatch.taxonomy import Platform, Taxonomy

MOST_POINTS = 9.0
"""More points of one class add nothing: rules that repeat each other are one voice."""
_SPANS = 3
_LONGEST_SPAN = 10
_WHY = "模型权重：这些字词多见于"


@dataclass(frozen=True, slots=True)
class Judged:
    """Chances by class and by platform, each summing to 1."""

    chances: Mapping[str, float]
    platforms: Mapping[Platform, float]
    nothing: float
    """Chance that what was said so far bears on nothing: greetings, names, asides."""
    urgent: float
    """Chance that police or a utility is needed today or now, 0..1."""

    def best(self, names: Iterable[str]) -> float:
        """Return the chance of the likeliest of `names`."""
        return max((self.chances.get(name, 0.0) for name in names), default=0.0)

    def ranked(self, names: Iterable[str]) -> list[str]:
        """Return `names` by chance, likeliest first."""
        return sorted(names, key=lambda name: (-self.chances.get(name, 0.0), name))


def platform_of(class_id: str, taxonomy: Taxonomy) -> Platform | None:
    """Return who accepts `class_id`; None for 'none', words that say nothing yet."""
    if item := taxonomy.item(class_id):
        return item.platform
    if taxonomy.guide(class_id):
        return "guide"
    return "119" if class_id == "L-119" else "120" if class_id == "L-120" else None


class Classifier:
    """Judges readings; immutable, shared by threads."""

    def __init__(self, model: Model, taxonomy: Taxonomy) -> None:
        self.model = model
        self._names = model.heads["target"]
        self._platforms = [platform_of(name, taxonomy) for name in self._names]
        self._nothing = self._names.index("none")
        self._risky = np.array([p in {"110", "120"} for p in self._platforms])
        self._columns = {name: model.column("target", name) for name in self._names}
        self._danger = model.column("urgency", "emergency")

    def judge(self, tally: Tally, points: Mapping[str, float]) -> Judged:
        """Return the chances after the words in `tally` and the rules' `points` by class."""
        scores = tally.scores()
        every = self._chances(self.model.of("target", scores), points)
        nothing = float(every[self._nothing])
        chances: dict[str, float] = {}
        platforms: dict[Platform, float] = defaultdict(float)
        for name, platform, chance in zip(self._names, self._platforms, every, strict=True):
            if platform is not None:
                chances[name] = float(chance) / max(1.0 - nothing, 1e-6)
                platforms[platform] += chances[name]
        urgency = softmax(self.model.of("urgency", scores))
        return Judged(chances, platforms, nothing, float(urgency[1:].sum()))

    def alarming(self, window: Sequence[Reading]) -> float:
        """Return the chance of an emergency in a few utterances by themselves, 0..1."""
        read = [reading.features for reading in window if reading.features is not None]
        if sum(len(features.folded.chars) for features in read) < _ENOUGH:
            named = self.model.vocabulary.danger
            if not any(named[features.present].any() for features in read):
                return 0.0
        said, present = Tally(self.model), Tally(self.model)
        for features in read:
            said.add(features.known)
            present.add(features.present)
        return self._emergency(said.scores(), present.scores())

    def lines(self, features: Features) -> set[str]:
        """Return the emergency lines that the concepts of an utterance call for."""
        return self.model.vocabulary.concepts.lines(features.folded.chars)

    def evidence(self, readings: Sequence[Reading], class_id: str, name: str) -> list[EvidenceSpan]:
        """Return the words that speak most for `class_id`, strongest first."""
        column = self._columns.get(class_id)
        return self._spans(readings, column, _WHY + name) if column is not None else []

    def danger_evidence(self, readings: Sequence[Reading]) -> list[EvidenceSpan]:
        """Return the words that speak most for an emergency, strongest first."""
        return self._spans(readings, self._danger, "模型权重：这些字词多见于紧急警情")

    def _emergency(self, said: Floats, present: Floats) -> float:
        urgency = softmax(self.model.of("urgency", present))
        target = softmax(self.model.of("target", said))
        # Both heads must see it: alarming words in a matter of rubbish are no emergency.
        return float(np.sqrt(urgency[-1] * target[self._risky].sum()))

    def _chances(self, row: Floats, points: Mapping[str, float]) -> Floats:
        weight = self.model.calibration.rule_weight
        added = [weight * min(points.get(name, 0.0), MOST_POINTS) for name in self._names]
        return softmax((row + np.array(added)) / self.model.calibration.temperature)

    def _spans(self, readings: Sequence[Reading], column: Floats, why: str) -> list[EvidenceSpan]:
        found: list[tuple[float, EvidenceSpan]] = []
        for reading, features in _heaviest(readings, column):
            shares = self.model.contribution(features, column)
            for start, end, share in _peaks(shares):
                at, to = features.folded.span(start, end)
                found.append(
                    (
                        share,
                        EvidenceSpan(
                            utterance_id=reading.utterance_id,
                            start=at,
                            end=to,
                            text=reading.text[at:to],
                            why=why,
                        ),
                    )
                )
        found.sort(key=lambda item: -item[0])
        return [span for _, span in found[:_SPANS]]


_ENOUGH = 10
"""Fewer characters raise an alarm only if they name a danger: 没有没有 is no cry."""
_UTTERANCES = 4


def _heaviest(readings: Sequence[Reading], column: Floats) -> list[tuple[Reading, Features]]:
    with_words = [(r, r.features) for r in readings if r.features and len(r.features.number)]
    if len(with_words) <= _UTTERANCES:
        return with_words
    with_words.sort(key=lambda pair: -float(column[pair[1].number].sum()))
    return with_words[:_UTTERANCES]


def _peaks(shares: Floats) -> Iterable[tuple[int, int, float]]:
    """Yield runs of characters that stand out, as folded `[start, end)` and their sum."""
    if not len(shares) or (top := float(shares.max())) <= 0:
        return
    start = None
    for at, share in enumerate([*shares, 0.0]):
        if share >= top * 0.4 and start is None:
            start = at
        elif share < top * 0.4 and start is not None:
            end = min(max(at, start + 2), start + _LONGEST_SPAN, len(shares))
            yield start, end, float(shares[start:end].sum())
            start = None
