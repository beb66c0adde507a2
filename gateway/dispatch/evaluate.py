"""How good the advice is: accuracy with Wilson intervals, confusions, recall of danger."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.calls.facts import UtteranceHeard
from gateway.dispatch.corpus import Row
from gateway.dispatch.suggest import Dispatcher, Proposal

_Z = 1.959964


@dataclass(frozen=True)
class Share:
    """`right` of `of`, with its 95 % Wilson score interval (Wilson 1927)."""

    right: int
    of: int

    @property
    def value(self) -> float:
        """The share, 0..1; 1 of nothing."""
        return self.right / self.of if self.of else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound, 0..1."""
        if not self.of:
            return 0.0, 1.0
        n, p = self.of, self.value
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        share = f"{100 * self.value:5.1f} %"
        return f"{share}  ({self.right}/{self.of}; 95 % {100 * low:.1f}-{100 * high:.1f})"


@dataclass
class Outcome:
    """What was advised for each row."""

    rows: list[tuple[Row, Proposal | None]] = field(default_factory=list)

    def share(self, right: Callable[[Row, Proposal | None], bool], *urgencies: str) -> Share:
        """Count rows (of `urgencies` only, when given) for which `right` holds."""
        held = [pair for pair in self.rows if not urgencies or pair[0].urgency in urgencies]
        return Share(sum(right(*pair) for pair in held), len(held))

    @property
    def shares(self) -> dict[str, Share]:
        """Every measure by name."""
        return {
            "platform": self.share(_platform),
            "class": self.share(_class),
            "class in first two": self.share(_in_two),
            "urgency": self.share(lambda row, got: row.urgency == _urgency(got)),
            "emergency recall": self.share(_raised, "emergency"),
            "normal raised": self.share(_raised, "normal"),
            "urgent raised": self.share(_raised, "urgent"),
        }

    def confusion(self, of: Callable[[Row], str], got: Callable[[Proposal | None], str]) -> str:
        """Return a table: what it is (rows), what was advised (columns)."""
        counts = Counter((of(row), got(proposal)) for row, proposal in self.rows)
        names = sorted({name for pair in counts for name in pair})
        width = max(map(len, names)) + 1
        lines = ["".join(name.rjust(width) for name in ("", *names))]
        for one in names:
            cells = (str(counts[one, other] or ".").rjust(width) for other in names)
            lines.append(one.rjust(width) + "".join(cells))
        return "\n".join(lines)

    def calibration(self) -> Iterator[tuple[str, float, Share]]:
        """Yield confidence band, mean confidence in it, share of right classes."""
        bands = [(0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)]
        for low, high in bands:
            held = [p for p in self.rows if p[1] and low <= p[1].confidence < high]
            mean = sum(p[1].confidence for p in held if p[1]) / len(held) if held else 0.0
            yield (
                f"{low:.1f}-{min(high, 1.0):.1f}",
                mean,
                Share(sum(_class(*p) for p in held), len(held)),
            )


def run(dispatcher: Dispatcher, rows: Sequence[Row]) -> Outcome:
    """Ask for advice on every row."""
    return Outcome([(row, dispatcher.suggest([said(row.text)])) for row in rows])


def said(text: str, number: int = 1) -> UtteranceHeard:
    """Return `text` as one utterance of a caller."""
    return UtteranceHeard(
        call_id="text", utterance_id=str(number), leg_id="text",
        start_ms=0, end_ms=0, text=text, text_raw=text, model="text",
    )  # fmt: skip


def by_source(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each source."""
    return {s: [r for r in rows if r.source == s] for s in sorted({r.source for r in rows})}


def class_name(platform: str | None, item: str | None) -> str:
    """Return the name of a class in tables: its id, else the platform, else '-'."""
    return item or platform or "-"


def _platform(row: Row, got: Proposal | None) -> bool:
    return row.platform == (got.platform if got else None)


def _class(row: Row, got: Proposal | None) -> bool:
    return _platform(row, got) and row.item == (got.item if got else None)


def _in_two(row: Row, got: Proposal | None) -> bool:
    wanted = {"120": "L-120", "119": "L-119"}.get(row.platform or "", row.item)
    return _class(row, got) or (got is not None and got.runner_up == wanted)


def _raised(_: Row, got: Proposal | None) -> bool:
    return _urgency(got) == "emergency"


def _urgency(got: Proposal | None) -> str:
    return got.urgency if got else "normal"
