"""Figures of a period: connection rate, waits, and who was not served. Pure.

Plan clause D16; GB/T 33358 asks that a person answers within 15 s. A call counts where and when it
came in, once it has ended; what a transfer rings at another centre is a transfer, not a call.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, Field

from gateway.calls.leg_record import LegRecord, Outcome

MessageStatus = Literal["Actual", "Exercise", "Test"]
Per = Literal["range", "day", "hour"]


@dataclass(frozen=True)
class Scope:
    """Which calls: arrived in `[start, end)`, at `centre` ("": any), drills apart."""

    start: datetime
    end: datetime
    centre: str = ""
    message_status: MessageStatus = "Actual"


@dataclass(frozen=True)
class Limits:
    answer_within_s: float
    short_abandon_s: float


class Noted(StrEnum):
    """Calls that are looked at one by one."""

    ABANDONED = "abandoned"
    SHORT_ABANDONED = "short_abandoned"
    GAVE_UP = "gave_up"
    RETURNED = "returned"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class CallTimes:
    """What is counted of one call."""

    centre: str
    started_at: datetime
    answered: bool
    outcome: Outcome
    wait_ms: int
    talk_ms: int
    conference_ms: int
    returned: int
    gave_up: bool
    estimated: bool


class Spread(BaseModel):
    """Of the calls that were answered; null where there are none. Percentiles by nearest rank."""

    mean_ms: int | None = None
    p50_ms: int | None = None
    p95_ms: int | None = None


class Figures(BaseModel):
    start: datetime
    end: datetime
    centre: str = Field(description="Empty: all together.")
    offered: int = Field(description="Calls that came in and have ended.")
    answered: int = Field(description="By a person, who may have transferred them.")
    answered_in_time: int = Field(description="Within `answer_within_s` of their arrival.")
    connection_rate: float | None = Field(description="answered / offered (接通率).")
    in_time_rate: float | None = Field(description="answered_in_time / offered.")
    abandoned: int = Field(description="The caller hung up before anyone had answered.")
    short_abandoned: int = Field(description="Of these, sooner than `short_abandon_s`.")
    gave_up: int = Field(description="Answered, then held or queued again, and hung up there.")
    returned: int = Field(description="Calls of which a transfer came back.")
    lost: int = Field(
        description="Ended by the switch while neither the caller nor the last person on the call "
        "had hung up, answered or not."
    )
    estimated: int = Field(description="Calls of which facts are missing; counted as far as known.")
    wait: Spread
    talk: Spread
    conference: Spread


class TransferCount(BaseModel):
    source: str
    target: str
    outcome: str = Field(description="The transfer's last state.")
    reason: str
    count: int


class Returned(BaseModel):
    """A transfer that came back."""

    source: str
    target: str
    outcome: str
    reason: str
    at: datetime | None


class NotedCall(BaseModel):
    id: str
    centre: str
    caller_number: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    outcome: Outcome
    end_reason: str
    wait_ms: int
    rewait_ms: int
    gave_up: bool
    estimated: bool
    transfers_returned: list[Returned]


class LegEntry(LegRecord):
    wrap_up_ms: int | None = Field(
        default=None,
        description="Agents: from the end of this leg to the next call they answered, "
        "`wrap_up_cap_s` at most. It holds the writing up and the waiting for a call alike: the "
        "switch does not say when one became the other. Null until there is a next call.",
    )


@dataclass
class _Tally:
    calls: list[CallTimes] = field(default_factory=list)

    def figures(self, start: datetime, end: datetime, centre: str, limits: Limits) -> Figures:
        answered = [call for call in self.calls if call.answered]
        left = [call for call in self.calls if call.outcome == "abandoned"]
        in_time = sum(call.wait_ms <= limits.answer_within_s * 1000 for call in answered)
        return Figures(
            start=start,
            end=end,
            centre=centre,
            offered=len(self.calls),
            answered=len(answered),
            answered_in_time=in_time,
            connection_rate=_rate(len(answered), len(self.calls)),
            in_time_rate=_rate(in_time, len(self.calls)),
            abandoned=len(left),
            short_abandoned=sum(call.wait_ms < limits.short_abandon_s * 1000 for call in left),
            gave_up=sum(call.gave_up for call in self.calls),
            returned=sum(call.returned > 0 for call in self.calls),
            lost=sum(call.outcome == "lost" for call in self.calls),
            estimated=sum(call.estimated for call in self.calls),
            wait=spread(call.wait_ms for call in answered),
            talk=spread(call.talk_ms for call in answered),
            conference=spread(call.conference_ms for call in answered),
        )


class Count:
    """Counts calls by centre and period, as clocks in `zone` show it."""

    def __init__(self, scope: Scope, per: Per, zone: tzinfo, limits: Limits) -> None:
        self._scope, self._per, self._zone, self._limits = scope, per, zone, limits
        self._tallies: dict[tuple[datetime, str], _Tally] = {}

    def add(self, call: CallTimes) -> None:
        start = self._start(call.started_at)
        # Without a centre asked for, each alone and all together.
        for centre in {call.centre, self._scope.centre}:
            self._tallies.setdefault((start, centre), _Tally()).calls.append(call)

    def figures(self) -> list[Figures]:
        """By period, then centre; those without a call are left out, but for a whole range."""
        if self._per == "range":
            self._tallies.setdefault((self._scope.start, self._scope.centre), _Tally())
        return [
            tally.figures(start, self._end(start), centre, self._limits)
            for (start, centre), tally in sorted(
                self._tallies.items(), key=lambda item: (item[0][0], item[0][1] == "", item[0][1])
            )
        ]

    def _start(self, at: datetime) -> datetime:
        if self._per == "range":
            return self._scope.start
        local = at.astimezone(self._zone).replace(minute=0, second=0, microsecond=0)
        return local if self._per == "hour" else local.replace(hour=0)

    def _end(self, start: datetime) -> datetime:
        if self._per == "range":
            return self._scope.end
        return start + (timedelta(hours=1) if self._per == "hour" else timedelta(days=1))


def spread(values: Iterable[int]) -> Spread:
    """Return mean, median and 95th percentile of milliseconds."""
    ordered = sorted(values)
    if not ordered:
        return Spread()
    return Spread(
        mean_ms=round(sum(ordered) / len(ordered)),
        p50_ms=_percentile(ordered, 50),
        p95_ms=_percentile(ordered, 95),
    )


def _percentile(ordered: list[int], percent: int) -> int:
    return ordered[math.ceil(percent * len(ordered) / 100) - 1]


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def scope_of(
    start: datetime | None,
    end: datetime | None,
    *,
    zone: tzinfo,
    now: datetime,
    centre: str = "",
    message_status: MessageStatus = "Actual",
) -> Scope:
    """Return the scope asked for; times without an offset are of `zone`.

    Default: from midnight today to the next. Raises ValueError where it is empty.
    """
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = _aware(start, zone) or midnight
    ends = _aware(end, zone) or midnight + timedelta(days=1)
    if ends <= begins:
        raise ValueError("`to` must be later than `from` (and `to` itself is left out)")
    return Scope(begins, ends, centre, message_status)


def _aware(moment: datetime | None, zone: tzinfo) -> datetime | None:
    return moment.replace(tzinfo=zone) if moment and moment.tzinfo is None else moment
