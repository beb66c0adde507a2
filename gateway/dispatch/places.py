"""How good places are read: does a sentence get the code of the division that is meant?

Sentences lie in files of three columns apart by tabs: the text, the full name of the division as
the statistics bureau writes it (empty: none is meant), and `as said` or `misheard`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.dispatch.divisions import Divisions, Located
from gateway.dispatch.evaluate import Share
from gateway.dispatch.fold import fold
from gateway.errors import ConfigError

TOWN = 9
"""Digits of a code down to street or town; further ones name a village."""


@dataclass(frozen=True)
class Sentence:
    """`code` is '' where no division is meant."""

    text: str
    code: str
    heard: str


@dataclass(frozen=True)
class Placed:
    """A sentence and the code that was read from it, '' for none."""

    sentence: Sentence
    code: str

    @property
    def right(self) -> bool:
        """Say whether street or town is the one meant; where only a larger one is, no other."""
        return self.code[:TOWN] == self.sentence.code[:TOWN]

    @property
    def astray(self) -> bool:
        """Say whether the code is of another place than the one meant or those around it."""
        meant = self.sentence.code
        return bool(self.code) and not (meant and _along(self.code, meant))


def read(path: Path, known: Divisions) -> list[Sentence]:
    """Read sentences; ConfigError names file and line."""
    codes = {known.path(one): one.code for one in reversed(known.by_code.values())}
    found: list[Sentence] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); name a file of sentences") from error
    for number, line in enumerate(lines, start=1):
        text, _, rest = line.partition("\t")
        name, _, heard = rest.partition("\t")
        if name and name not in codes:
            raise ConfigError(f"{path}:{number}: no division {name!r}; write its full name")
        found.append(Sentence(text, codes[name] if name else "", heard or "as said"))
    return found


def run(sentences: Sequence[Sentence], known: Divisions, area: str) -> list[Placed]:
    """Read the place of each sentence as the engine does; `area` is the profile's."""
    placed: list[Placed] = []
    for one in sentences:
        found: Located | None = known.locate(known.find(fold(one.text)), area)
        placed.append(Placed(one, found.division.code if found else ""))
    return placed


def shares(placed: Sequence[Placed]) -> dict[str, Share]:
    """Return the figures by name: how sentences were heard, all, and codes of another place."""

    def of(right: Callable[[Placed], bool], held: Sequence[Placed]) -> Share:
        return Share(sum(right(one) for one in held), len(held))

    kinds = Counter(one.sentence.heard for one in placed)
    by_kind = {
        kind: of(lambda one: one.right, [one for one in placed if one.sentence.heard == kind])
        for kind in kinds
    }
    whole = {"all": of(lambda one: one.right, placed)}
    return by_kind | whole | {"another place": of(lambda one: one.astray, placed)}


def _along(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
