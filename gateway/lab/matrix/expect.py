"""What must come of a row: data, apart from how it is played.

Parties by letter: C citizen, O operator, T person at the target, N next operator, F fire brigade;
`C|OT`: O and T hear each other, and C, apart from them, hears something else.
The first rule of an outcome that fits a row counts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.lab.matrix.table import THIRD, Row


@dataclass(frozen=True)
class Expected:
    """`ends`: how the transfer may end, as (state, reason, who is left talking)."""

    ends: frozenset[tuple[str, str, str]]

    def of(self, state: str, reason: str) -> set[str]:
        """Who may be left talking after this end; empty: it must not end so."""
        return {left for one, why, left in self.ends if one == state and why == reason}


@dataclass(frozen=True)
class Rule:
    when: Callable[[Row], bool]
    ends: tuple[tuple[str, str, str], ...]


def _always(_row: Row) -> bool:
    return True


def _third(row: Row) -> bool:
    return row.verb == "119"


def _consults(row: Row) -> bool:
    return row.verb.startswith("consult")


def _alone(row: Row) -> bool:
    """The operator has gone with the key: the caller waits for the target alone."""
    return row.at_once or row.verb == "REFER"


def _by_phone(row: Row) -> bool:
    """The operator's own call to the other centre: no transfer of ours."""
    return row.verb == "attended REFER"


def _takes_back(row: Row) -> bool:
    return row.verb.startswith(("back", "drop"))


def _lets_go(row: Row) -> bool:
    return row.verb.startswith("release")


def _stays(row: Row) -> bool:
    """The operator is on the call until hanging up."""
    return row.verb.startswith("three-way") or row.mode == "talk"


def _asks_a_remote_queue(row: Row) -> bool:
    """One that says only that it found nobody (480), whatever its phones have said."""
    return row.topology == "two switches" and not _third(row)


def _only(when: Callable[[Row], bool], rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(replace(rule, when=_both(when, rule.when)) for rule in rules)


def _both(one: Callable[[Row], bool], other: Callable[[Row], bool]) -> Callable[[Row], bool]:
    return lambda row: one(row) and other(row)


def _failed(reason: str) -> tuple[Rule, ...]:
    """Nobody at the target: the operator keeps the caller, or the queue takes them back."""
    return (
        Rule(_third, (("returned_to_agent", reason, "COT"),)),
        # The dialplan that rings by itself does not tell why it was in vain.
        Rule(lambda row: row.verb == "REFER", (("returned_to_queue", "no_answer", "CN"),)),
        Rule(_alone, (("returned_to_queue", reason, "CN"),)),
        Rule(_always, (("returned_to_agent", reason, "CO"),)),
    )


_ANSWERED = (
    Rule(_by_phone, (("", "", "CT"),)),
    Rule(_consults, (("consulting", "", "C|OT"),)),
    Rule(_third, (("three_way", "", "CFOT"),)),
    Rule(_alone, (("completed", "", "CT"),)),
    Rule(_stays, (("three_way", "", "COT"),)),
    Rule(_always, (("completed", "", "CT"),)),
)
_TARGET_LEFT = (
    Rule(_third, (("returned_to_agent", "target_left", "COT"),)),
    # The caller was handed over, talked, and the person hung up: that call is over.
    Rule(_alone, (("completed", "", ""),)),
    Rule(_always, (("returned_to_agent", "target_left", "CO"),)),
)
_TARGET_LEFT_AT_ONCE = (
    _TARGET_LEFT[0],
    # So soon that the two may not have met in the room yet, or the leg not have come there.
    Rule(
        lambda row: row.verb == "REFER",
        (
            ("completed", "", ""),
            ("completed", "", "CN"),
            ("returned_to_queue", "target_left", "CN"),
            ("returned_to_queue", "no_answer", "CN"),
        ),
    ),
    Rule(_alone, (("completed", "", ""), ("returned_to_queue", "target_left", "CN"))),
    *_TARGET_LEFT[1:],
)
_OPERATOR_LEFT = (
    Rule(_third, (("completed", "", "CFT"),)),
    Rule(_always, (("completed", "", "CT"),)),
)
_RACE = (("completed", "", "CT"), ("cancelled", "", "CO"))
"""One lets go while the other takes back: either may win, the caller has somebody."""

RULES: dict[str, tuple[Rule, ...]] = {
    "answered": _ANSWERED,
    "early answer": _ANSWERED,
    "no answer": _failed("no_answer"),
    "busy 486": _failed("busy"),
    "not found 404": _failed("unreachable"),
    "unavailable 503": _failed("unreachable"),
    "declined 603": _failed("rejected"),
    "trunk down": _failed("unreachable"),
    "target leaves ringing": (
        *_only(_asks_a_remote_queue, _failed("no_answer")),
        *_failed("rejected"),
    ),
    "target leaves briefing": _TARGET_LEFT_AT_ONCE,
    "target leaves three-way": _TARGET_LEFT,
    "operator leaves ringing": _OPERATOR_LEFT,
    "operator leaves in vain": (Rule(_always, (("returned_to_queue", "no_answer", "CN"),)),),
    "operator leaves three-way": _OPERATOR_LEFT,
    "caller leaves ringing": (
        Rule(_third, (("caller_gone", "", "OT"),)),
        Rule(_always, (("caller_gone", "", ""),)),
    ),
    "caller leaves three-way": (
        Rule(_by_phone, (("", "", ""),)),
        Rule(_third, (("caller_gone", "", "FOT"),)),
        Rule(_alone, (("completed", "", ""),)),
        Rule(_always, (("caller_gone", "", "OT"),)),
    ),
    "two keys at once": (
        Rule(lambda row: row.verb == "release", _RACE),
        Rule(lambda row: row.either, (("completed", "", "CT"), ("three_way", "", "COT"))),
        *_ANSWERED,
    ),
    "key twice": (
        Rule(_takes_back, (("cancelled", "", "CO"),)),
        Rule(_lets_go, (("completed", "", "CT"),)),
        *_ANSWERED,
    ),
    "both press": (Rule(_third, (("three_way", "", "CFOT"),)), Rule(_always, _RACE)),
    "ringing": (Rule(_always, (("cancelled", "", "CO"),)),),
    "three-way": (
        Rule(_takes_back, (("cancelled", "", "CO"),)),
        Rule(_always, (("completed", "", "CT"),)),
    ),
    "consulting": (
        Rule(_takes_back, (("cancelled", "", "CO"),)),
        Rule(_lets_go, (("completed", "", "CT"),)),
        Rule(_always, (("three_way", "", "COT"),)),
    ),
    THIRD: (Rule(_always, (("completed", "", "CN"),)),),
    "four-way": (Rule(_always, (("cancelled", "", "COT"),)),),
}


def calls_back(row: Row) -> bool:
    """Whether the citizen went while a target only rang, or on hold: a task is opened."""
    on_hold = _consults(row) and row.outcome == "caller leaves three-way"
    return row.outcome == "caller leaves ringing" or on_hold


def expected(row: Row) -> Expected:
    """What must come of `row`."""
    rule = next(rule for rule in RULES[row.outcome] if rule.when(row))
    return Expected(frozenset(rule.ends))
