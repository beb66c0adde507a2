"""What the people of a round do: drawn at random, the same for the same seed. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.lab.phones.incoming import IncomingPolicy

SEATS = {"12345": ("1001", "1002"), "110": ("2001", "2002")}
_TARGETS: dict[str, tuple[int, IncomingPolicy]] = {
    "answers": (5, IncomingPolicy.answer(0.3)),
    "answers late": (4, IncomingPolicy.answer(1.5)),
    "lets it ring": (2, IncomingPolicy.ring_forever()),
    "is busy": (1, IncomingPolicy.busy()),
    "declines": (1, IncomingPolicy.reject(603)),
}
_LEAVERS = {"": 7, "operator": 2, "citizen": 1}
_LAST_FAULT_S = 4.0
_LONGEST_FAULT_S = 4.0


@dataclass(frozen=True)
class Moment:
    """One fault: so many seconds after operator and caller have met, for so long."""

    kind: str
    after_s: float
    for_s: float

    def __str__(self) -> str:
        return f"{self.kind} at {self.after_s:.1f} s for {self.for_s:.1f} s"


@dataclass(frozen=True)
class Script:
    """One round: a call, a transfer, its faults."""

    number: str
    target: str
    keys: str
    talk_s: float
    then: str
    """What the operator presses once the target has answered; a consultation ends by it."""
    target_does: str
    leaves_while_ringing: str
    """Who hangs up while the target rings: operator, citizen or nobody."""
    first_to_hang_up: str
    """At the end: citizen, or the people who serve them."""
    faults: tuple[Moment, ...]

    @property
    def policy(self) -> IncomingPolicy:
        return _TARGETS[self.target_does][1]

    @property
    def operator(self) -> str:
        return SEATS[self.number][0]

    @property
    def officer(self) -> str:
        return SEATS[self.target][0]

    def __str__(self) -> str:
        leaves = f", {self.leaves_while_ringing} leaves" if self.leaves_while_ringing else ""
        faults = "; ".join(map(str, self.faults))
        who = f"{self.number} {self.keys} {self.then}".rstrip()
        return f"{who}, {self.target} {self.target_does}{leaves}; {faults}"


def draw(rng: random.Random, kinds: Sequence[str]) -> Script:
    """One round's script with a fault of each of `kinds`."""
    number = rng.choice(list(SEATS))
    target = next(one for one in SEATS if one != number)
    faults = [
        Moment(kind, rng.uniform(0, _LAST_FAULT_S), rng.uniform(0.3, _LONGEST_FAULT_S))
        for kind in kinds
    ]
    keys = rng.choice((f"*{target}", f"*{target}", "*3", f"*7{target}"))
    return Script(
        number,
        target,
        keys,
        rng.uniform(0, 2.5),
        rng.choice(("*3", "*9", "*0", "")) if keys.startswith("*7") else "",
        _weighted(rng, {name: weight for name, (weight, _) in _TARGETS.items()}),
        _weighted(rng, _LEAVERS),
        rng.choice(("citizen", "citizen", "people")),
        tuple(faults),
    )


def plan(rng: random.Random, kinds: Sequence[str], faults: int, at_once: int = 2) -> list[Script]:
    """Scripts with `faults` faults in all, every kind as often as the others, in random order."""
    rows: list[str] = []
    while len(rows) < faults:
        rows += rng.sample(kinds, len(kinds))
    rows = rows[:faults]
    return [draw(rng, rows[at : at + at_once]) for at in range(0, faults, at_once)]


def _weighted(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]
