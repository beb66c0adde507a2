"""The safety layer: words of danger, apart from the classifier, that can only raise urgency."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.dispatch.extract import Finding, Reading
from gateway.dispatch.rules import DangerRule
from gateway.dispatch.taxonomy import RANK, Taxonomy, Urgency

_SURE = 0.5
"""Least quality of a match by sound that may raise an alarm."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A danger that was plainly said, or asked by one and affirmed by the other."""

    rule: DangerRule
    finding: Finding
    figure: bool = False
    """All else that was said is surely an ordinary matter: a figure of speech, a memory, a joke."""

    @property
    def raises(self) -> Urgency:
        return "urgent" if self.figure else self.rule.raises

    @property
    def rank(self) -> tuple[int, float]:
        return RANK[self.raises], self.finding.points


def alarms(readings: Sequence[Reading]) -> list[Alarm]:
    """Return every alarm in the call, worst first, at most one per rule."""
    found: dict[str, Alarm] = {}
    for position, reading in enumerate(readings):
        following = readings[position + 1] if position + 1 < len(readings) else None
        for alarm in _said(reading, following):
            held = found.get(alarm.rule.id)
            if held is None or alarm.rank > held.rank:
                found[alarm.rule.id] = alarm
    return sorted(found.values(), key=lambda alarm: alarm.rank, reverse=True)


def without_figures(said: Sequence[Alarm], figures: Collection[str]) -> list[Alarm]:
    """Lower the alarms of utterances (ids) that only use words of danger; they stay in sight.

    Never one of a rule that is `plain`. Suicide: who takes leave of life often speaks of nothing
    but ordinary things. A child: few words are said of it, and of the place, a bin or a yard.
    """
    told = [replace(a, figure=a.finding.utterance_id in figures and not a.rule.plain) for a in said]
    return sorted(told, key=lambda alarm: alarm.rank, reverse=True)


def _said(reading: Reading, following: Reading | None) -> Iterator[Alarm]:
    for finding in reading.findings:
        rule = finding.rule
        if not isinstance(rule, DangerRule) or finding.quality < _SURE:
            continue
        if not finding.marks:
            yield Alarm(rule, finding)
        elif finding.marks == {"asked"} and _answers(reading, following):
            yield Alarm(rule, replace(finding, marks=frozenset()))


def _answers(asked: Reading, following: Reading | None) -> bool:
    return following is not None and following.affirms and following.leg_id != asked.leg_id


def raise_urgency(urgency: Urgency, said: Sequence[Alarm]) -> Urgency:
    """Return `urgency` or what the alarms raise it to; never less."""
    return max([urgency, *(alarm.raises for alarm in said)], key=RANK.__getitem__)


def lines(said: Sequence[Alarm]) -> tuple[str, ...]:
    """Return the emergency lines to bring in, in numerical order."""
    return tuple(sorted({number for alarm in said for number in alarm.rule.lines}))


def note(alarm: Alarm, taxonomy: Taxonomy) -> str:
    """Return the words that name the lines to bring in for this alarm (D05, D12)."""
    known = [taxonomy.line(number) for number in alarm.rule.lines]
    names = "、".join(f"{line.number}{line.name}" for line in known if line)
    return f"；请联动{names}" if names else ""
