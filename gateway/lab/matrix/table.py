"""What can be combined in a row of the call matrix, and what cannot. Data.

To add a verb: its `Verb` with the outcomes that it can have, its key in `play.KEYS` (or what else
`Play.ask` must do), and what must come of them in `expect.RULES`. To add an outcome: its name in a
list here, an act in `acts.ACTS`, and rules.
"""

from dataclasses import dataclass, fields
from itertools import product

RINGING = (
    "answered",
    "no answer",
    "busy 486",
    "not found 404",
    "unavailable 503",
    "declined 603",
    "trunk down",
    "early answer",
    "target leaves ringing",
    "target leaves briefing",
    "target leaves three-way",
    "operator leaves ringing",
    "operator leaves in vain",
    "operator leaves three-way",
    "caller leaves ringing",
    "caller leaves three-way",
    "two keys at once",
    "key twice",
    "both press",
)
"""What can come of a verb that rings a target."""
THIRD = "third hand-over"
"""The call has been handed over twice: the key asks for a designation, and rings nobody."""
_OPERATOR_LEAVES = {one for one in RINGING if one.startswith("operator leaves")}
_REFUSED = ("not found 404", "unavailable 503", "declined 603")
_KEYS = {"two keys at once", "key twice", "both press"}


@dataclass(frozen=True)
class Verb:
    """`hands_over`: nobody of the first centre stays once the target has answered."""

    name: str
    outcomes: tuple[str, ...]
    hands_over: bool = False


def _without(*names: str) -> tuple[str, ...]:
    return tuple(one for one in RINGING if one not in names)


VERBS = {
    verb.name: verb
    for verb in (
        Verb("transfer", (*RINGING, THIRD), hands_over=True),
        Verb("transfer REST", (*_without("both press"), THIRD), hands_over=True),
        Verb("three-way", RINGING),
        Verb("three-way REST", _without("both press", *_REFUSED)),
        Verb("REFER", _without(*_OPERATOR_LEAVES, *_KEYS), hands_over=True),
        Verb("attended REFER", ("answered", "caller leaves three-way"), hands_over=True),
        Verb("119", _without("early answer", "trunk down", "operator leaves in vain")),
        Verb("consult", RINGING),
        Verb("consult REST", ("answered",)),
        Verb("join", ("consulting",)),
        Verb("join REST", ("consulting",)),
        Verb("back", ("ringing", "three-way", "consulting", "key twice")),
        Verb("back REST", ("ringing", "three-way", "consulting")),
        Verb("release", ("three-way", "consulting", "two keys at once", "key twice", "both press")),
        Verb("release REST", ("three-way", "consulting", "key twice")),
        Verb("drop", ("three-way", "four-way", "key twice")),
        Verb("drop REST", ("three-way",)),
    )
}
MODES = ("answered", "talk", "at_once")
DIRECTIONS = ("12345->110", "110->12345")
TOPOLOGIES = ("one switch", "two switches")


@dataclass(frozen=True, order=True)
class Row:
    """One call to play. The order is that of the towns in which rows are played."""

    topology: str
    direction: str
    mode: str
    verb: str
    outcome: str

    @property
    def home(self) -> str:
        """The centre that takes the call and hands over."""
        return self.direction.partition("->")[0]

    @property
    def target(self) -> str:
        """The centre to which it is handed over."""
        return self.direction.partition("->")[2]

    @property
    def early(self) -> bool:
        """The target's PBX answers before its person does."""
        return self.outcome == "early answer"

    @property
    def at_once(self) -> bool:
        """The operator is free with the key."""
        return self.mode == "at_once" and self.verb.startswith("transfer")

    @property
    def either(self) -> bool:
        """Two requests at once: whichever comes first is done."""
        return self.outcome == "two keys at once" and self.verb.endswith(" REST")

    def __str__(self) -> str:
        return ", ".join(getattr(self, one.name) for one in fields(self))


def possible(row: Row) -> bool:
    """Can there be such a call?"""
    if row.outcome not in VERBS[row.verb].outcomes:
        return False
    if row.outcome == "trunk down" and row.topology != "two switches":
        return False
    if row.verb == "REFER" and row.early and row.topology == "one switch":
        return False  # the dialplan rings its own target, which does not answer early
    if row.verb == "attended REFER" and row.topology != "one switch":
        return False  # the operator's own call, before which there is no transfer of ours
    if row.outcome == THIRD and (row.topology != "one switch" or row.mode == "talk"):
        return False  # both centres' keys are the gateway's, and each hand-over lets go by itself
    gone = row.at_once or row.verb == "REFER"
    return not gone or row.outcome not in _OPERATOR_LEAVES | {"both press"}


def every_row() -> list[Row]:
    """Every row that can be, in order."""
    outcomes = sorted({outcome for verb in VERBS.values() for outcome in verb.outcomes})
    mixed = product(TOPOLOGIES, DIRECTIONS, MODES, VERBS, outcomes)
    return sorted(row for row in (Row(*values) for values in mixed) if possible(row))
