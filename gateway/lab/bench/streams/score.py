"""What came back, held against what was said: characters, words' times, lags. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.lab.bench.streams.legs import Leg


@dataclass(frozen=True)
class Final:
    """One final result. Seconds of the leg's audio; `came_s`: when it came, on the same scale."""

    text: str
    start_s: float
    end_s: float
    came_s: float


@dataclass
class Score:
    """Sums over legs."""

    said: int = 0
    """Characters."""
    wrong: int = 0
    end_to_final_s: list[float] = field(default_factory=list)
    """From the end of each utterance that was heard to its last final."""
    starts_off_s: list[float] = field(default_factory=list)
    ends_off_s: list[float] = field(default_factory=list)
    unheard: int = 0
    by_leg: list[tuple[int, int]] = field(default_factory=list)
    """(characters wrong, characters said), in the order of adding."""

    @property
    def cer(self) -> float:
        """Character error rate, in percent."""
        return 100 * self.wrong / self.said if self.said else 0.0

    def add(self, leg: Leg, finals: Sequence[Final]) -> None:
        ordered = sorted(finals, key=lambda one: one.start_s)
        text = "".join(one.text for one in ordered)
        said = "".join(one.text for one in leg.spoken)
        self.by_leg.append((distance(said, text), len(said)))
        self.wrong += self.by_leg[-1][0]
        self.said += len(said)
        for spoken in leg.spoken:
            mine = [
                one
                for one in ordered
                if min(one.end_s, spoken.end_s) - max(one.start_s, spoken.start_s) > 0
            ]
            if not mine:
                self.unheard += 1
                continue
            self.end_to_final_s.append(max(one.came_s for one in mine) - spoken.end_s)
            self.starts_off_s.append(mine[0].start_s - spoken.start_s)
            self.ends_off_s.append(mine[-1].end_s - spoken.end_s)


def distance(said: str, heard: str) -> int:
    """Levenshtein distance in characters."""
    row = list(range(len(heard) + 1))
    for i, left in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, right in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (left != right))
    return row[-1]


def share_within(values: Sequence[float], limit: float) -> float:
    """Share of `values` whose size is at most `limit`; 0 for none."""
    return sum(abs(one) <= limit for one in values) / len(values) if values else 0.0
