"""Where a call belongs, from the learned weights and the rules' points together.

The rules know few wordings and know them well; the model generalises. A rule's point raises its
class's score, so both speak in one probability.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.calls.facts import EvidenceSpan
from gateway.dispatch.extract import Reading
from gateway.dispatch.features import Features
from gateway.dispatch.model import Floats, Model, Tally, softmax
from gateway.dispatch.sense import Senses
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

    def __init__(self, model: Model, senses: Senses, taxonomy: Taxonomy) -> None:
        self.model = model
        self.senses = senses
        self._names = model.heads["target"]
        self._order = {
            head: [senses.heads[head].index(name) for name in names]
            for head, names in model.heads.items()
        }
        self._platforms = [platform_of(name, taxonomy) for name in self._names]
        self._nothing = self._names.index("none")
        self._risky = np.array([p in _RISKY for p in self._platforms])
        self._columns = {name: self._column("target", name) for name in self._names}
        self._danger = self._column("urgency", "emergency")

    def judge(self, heard: "Heard", points: Mapping[str, float]) -> Judged:
        """Return the chances after the words `heard` and the rules' `points` by class."""
        every = self._chances(heard.scores("target"), points)
        nothing = float(every[self._nothing])
        chances: dict[str, float] = {}
        platforms: dict[Platform, float] = defaultdict(float)
        for name, platform, chance in zip(self._names, self._platforms, every, strict=True):
            if platform is not None:
                chances[name] = float(chance) / max(1.0 - nothing, 1e-6)
                platforms[platform] += chances[name]
        urgency = softmax(heard.scores("urgency"))
        return Judged(chances, platforms, nothing, float(urgency[1:].sum()))

    def alarming(self, window: Sequence[Reading]) -> float:
        """Return the chance of an emergency in a few utterances by themselves, 0..1."""
        if self._says_little(window, _ENOUGH):
            return 0.0
        said, present = Heard(self), Heard(self, present=True)
        for reading in window:
            said.add(reading)
            present.add(reading)
        return self._emergency(said.scores("target"), present.scores("urgency"), window)

    def felt(self, danger: float) -> bool:
        """Say whether that chance of danger in a part of a call is an alarm."""
        return danger >= self.model.calibration.emergency

    def tells_alone(self, reading: Reading) -> bool:
        """Say whether an utterance means the same without the talk before it."""
        return not self._says_little([reading], _ALONE)

    def _taken_back(self, window: Sequence[Reading]) -> bool:
        """Say whether words of danger were said, and each denied, past or supposed."""
        danger = self.model.vocabulary.danger
        read = [reading.features for reading in window if reading.features is not None]
        said = any(danger[features.known].any() for features in read)
        return said and not any(danger[features.present].any() for features in read)

    def _says_little(self, window: Sequence[Reading], enough: int) -> bool:
        """Say whether there are fewer characters than `enough`, and no danger is named.

        Of figures those count that were said in words: of others the model only guesses.
        """
        read = [reading.features for reading in window if reading.features is not None]
        if sum(sum(map(_chinese, features.folded.text)) for features in read) >= enough:
            return False
        named = self.model.vocabulary.danger
        return not any(named[features.present].any() for features in read)

    def ordinary(self, reading: Reading, danger: float) -> bool:
        """Say whether an utterance with that chance of danger surely tells of none."""
        if reading.features is None or danger >= _NO_DANGER:
            return False
        if min(_written(reading.features), len(reading.features.known)) < _ENOUGH:
            return False
        if danger < _SURELY_NONE:
            return True
        said = Heard(self)
        said.add(reading)
        return float(softmax(said.scores("target"))[self._risky].sum()) < _NO_MATTER

    def reads(self, reading: Reading) -> bool:
        """Say whether an utterance holds a word of Chinese: of figures alone the model guesses."""
        return reading.features is not None and any(map(_chinese, reading.text))

    def lines(self, features: Features) -> set[str]:
        """Return the emergency lines that the concepts of an utterance call for."""
        return self.model.vocabulary.concepts.lines(features.folded.chars)

    def evidence(
        self, readings: Sequence[Reading], class_id: str, name: str, words: "Heard"
    ) -> list[EvidenceSpan]:
        """Return the words that speak most for `class_id`, strongest first.

        `words`: of the same call; keeps what was found, so that an update looks at new words only.
        """
        column = self._columns.get(class_id)
        return self._spans(readings, column, _WHY + name, words) if column is not None else []

    def danger_evidence(self, readings: Sequence[Reading], words: "Heard") -> list[EvidenceSpan]:
        """Return the words that speak most for an emergency, strongest first."""
        why = "模型权重：这些字词多见于紧急警情"
        return self._spans(readings, self._danger, why, words)

    def _emergency(self, said: Floats, present: Floats, window: Sequence[Reading]) -> float:
        urgency, target = softmax(present), softmax(said)
        matter = float(target[self._risky].sum())
        # Both heads must see it: alarming words in a matter of rubbish are no emergency.
        chance = float(np.sqrt(urgency[-1] * matter))
        weak = chance < _WEAK and (matter < _NO_MATTER or self._taken_back(window))
        return 0.0 if weak else chance

    def _chances(self, row: Floats, points: Mapping[str, float]) -> Floats:
        weight = self.model.calibration.rule_weight
        added = [weight * min(points.get(name, 0.0), MOST_POINTS) for name in self._names]
        return softmax((row + np.array(added)) / self.model.calibration.temperature)

    def _column(self, head: str, name: str) -> "Column":
        return Column(self.model.column(head, name), self.senses.column(head, name))

    def _shares(self, reading: Reading, column: "Column") -> Floats:
        """Return how much each folded character of `reading` speaks for `column`."""
        assert reading.features is not None
        shares = self.model.contribution(reading.features, column.words)
        if reading.sense is None:
            return shares
        sense = self.senses.contribution(reading.sense, column.sense, len(shares))
        return np.asarray(shares + self.model.calibration.sense * sense, dtype=np.float32)

    def _spans(
        self, readings: Sequence[Reading], column: "Column", why: str, words: "Heard"
    ) -> list[EvidenceSpan]:
        found: list[tuple[float, EvidenceSpan]] = []
        for reading in words.heaviest(readings, column):
            key = id(reading), why
            if key not in words.spans:
                words.spans[key] = reading, list(self._spans_in(reading, column, why))
            found += words.spans[key][1]
        found.sort(key=lambda item: -item[0])
        return [span for _, span in found[:_SPANS]]

    def _spans_in(
        self, reading: Reading, column: "Column", why: str
    ) -> Iterator[tuple[float, EvidenceSpan]]:
        assert reading.features is not None
        for start, end, share in _peaks(self._shares(reading, column)):
            at, to = reading.features.folded.span(start, end)
            yield (
                share,
                EvidenceSpan(
                    utterance_id=reading.utterance_id,
                    start=at,
                    end=to,
                    text=reading.text[at:to],
                    why=why,
                ),
            )


class Column(NamedTuple):
    """A name's weights against the others', for words and for what they mean."""

    words: Floats
    sense: Floats


class Heard:
    """What the caller said so far, as both parts of the classifier add it up.

    `present`: without words of danger that are denied, past or supposed.
    """

    def __init__(self, classifier: Classifier, *, present: bool = False) -> None:
        self._model, self._senses = classifier.model, classifier.senses
        self._order = classifier._order
        self._present = present
        self._tally = Tally(classifier.model)
        self._sum = np.zeros(classifier.senses.encoder.width, dtype=np.float64)
        self._pieces = 0
        self.spans: dict[tuple[int, str], tuple[Reading, list[tuple[float, EvidenceSpan]]]] = {}
        """Evidence found, by reading (kept, so that its id stays its own) and reason."""
        self._weights: dict[tuple[int, int], tuple[Reading, float]] = {}

    def add(self, reading: Reading) -> None:
        """Count an utterance in; an operator's counts nothing."""
        if reading.features is not None:
            self._tally.add(self._known(reading.features))
        self._count(reading, 1)

    def remove(self, reading: Reading) -> None:
        """Take an utterance out again: its text was corrected."""
        if reading.features is not None:
            self._tally.remove(self._known(reading.features))
        self._count(reading, -1)

    def scores(self, head: str) -> Floats:
        """Return a head's scores from words and meaning together."""
        words = self._model.of(head, self._tally.scores())
        if not self._pieces:
            return words
        total = self._sum.astype(np.float32)
        sense = self._senses.scores(head, total, self._pieces)[self._order[head]]
        return np.asarray(words + self._model.calibration.sense * sense, dtype=np.float32)

    def heaviest(self, readings: Sequence[Reading], column: Column) -> list[Reading]:
        """Return the few readings whose words speak most for `column`."""
        found = [r for r in readings if r.features and len(r.features.folded.chars) > 1]
        if len(found) > _UTTERANCES:
            found.sort(key=lambda reading: -self._weight(reading, column))
        return found[:_UTTERANCES]

    def _weight(self, reading: Reading, column: Column) -> float:
        key = id(reading), id(column)
        if key not in self._weights:
            assert reading.features is not None
            weight = float(column.words[reading.features.number].sum())
            self._weights[key] = reading, weight
        return self._weights[key][1]

    def _known(self, features: Features) -> NDArray[np.int32]:
        return features.present if self._present else features.known

    def _count(self, reading: Reading, sign: int) -> None:
        if reading.sense is not None:
            self._sum += sign * reading.sense.total
            self._pieces += sign * len(reading.sense.states)


_NO_DANGER, _NO_MATTER = 0.02, 0.1
"""Chances below which words of danger are a figure of speech: the least of any emergency in the
evaluation calls that a rule had heard were 0.023 and 0.147."""
_SURELY_NONE = 0.001
"""The same whatever the matter: what is over, taken back, a film. The least of the 181 emergencies
that a rule had heard of two hands left out was 0.09; one of an older set, with words trained anew,
was 0.003."""
_RISKY: tuple[Platform, ...] = ("110", "120")
_WEAK = 0.6
_ENOUGH = 10
"""Fewer characters raise an alarm only if they name a danger: 没有没有 is no cry."""
_ALONE = 20
"""The same for an answer by itself: 两个多月了墙皮都掉了 is about a wall that leaks."""
_UTTERANCES = 4


def _written(features: Features) -> int:
    """Return how many Chinese characters there are."""
    return sum(map(_chinese, features.folded.chars))


def _chinese(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


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
