"""Words that mean about the same to a dispatcher, found in one pass."""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import ahocorasick
from pydantic import BaseModel, ConfigDict

from gateway.dispatch.datafile import packaged, read
from gateway.dispatch.fold import fold
from gateway.dispatch.taxonomy import Filled


class ConceptBook(BaseModel):
    """``concepts.toml``: each concept's words, apart by spaces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Filled
    lines: dict[str, Filled]
    """Emergency line -> concepts that call for it."""
    danger: dict[str, str]
    """Concepts of danger -> marks of context.py that do not take them back."""
    concepts: dict[str, Filled]


class Meant(NamedTuple):
    """A concept at folded `[start, end)`."""

    name: str
    start: int
    end: int


class Concepts:
    """Compiled concepts; immutable, shared by threads."""

    def __init__(self, book: ConceptBook) -> None:
        self.version = book.version
        self.danger = {name: frozenset(marks.split()) for name, marks in book.danger.items()}
        self._lines = {line: set(names.split()) for line, names in book.lines.items()}
        by_word: dict[str, list[str]] = defaultdict(list)
        for name, words in sorted(book.concepts.items()):
            for word in sorted({fold(word).chars for word in words.split()}):
                by_word[word].append(name)
        self._automaton = ahocorasick.Automaton(ahocorasick.STORE_ANY)
        for word, names in sorted(by_word.items()):
            self._automaton.add_word(word, (len(word), tuple(names)))
        self._automaton.make_automaton()

    def find(self, chars: str) -> list[Meant]:
        """Return every concept in folded characters, in the order of their ends."""
        return [
            Meant(name, last + 1 - length, last + 1)
            for last, (length, names) in self._automaton.iter(chars)
            for name in names
        ]

    def lines(self, chars: str) -> set[str]:
        """Return the emergency lines that the concepts in folded characters call for."""
        names = {meant.name for meant in self.find(chars)}
        return {line for line, wanted in self._lines.items() if names & wanted}


def load(path: Path | None = None) -> Concepts:
    """Read the concepts (default: the shipped ones); ConfigError names file, line and fix."""
    return Concepts(read(path or packaged("concepts.toml"), ConceptBook))
