"""How the tests are shared out where they run in several processes (pytest -n)."""

from collections import defaultdict
from itertools import chain, zip_longest
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_WAIT, _WORK = ("e2e",), ("contract", "page")
"""Folders whose tests mostly wait for people on the phone; whose tests keep a processor busy."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share something dear come one after the other, in one process.

    That is a town for calls on the lab and the file for the rest. A group that waits and one that
    works come by turns, long ones first; the unit tests fill up what is left.
    """
    waiting, working = _groups(items, _WAIT), _groups(items, _WORK)
    by_turns = chain.from_iterable(zip_longest(waiting, working, fillvalue=()))
    shared = list(chain.from_iterable(by_turns))
    taken = set(shared)
    items[:] = [*shared, *(item for item in items if item not in taken)]


def _groups(items: list[pytest.Item], folders: tuple[str, ...]) -> list[list[pytest.Item]]:
    found: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.path.relative_to(_HERE).parts[0] in folders:
            found[_group(item)].append(item)
    for name, group in found.items():
        for item in group:
            item.add_marker(pytest.mark.xdist_group(name))
    return sorted(found.values(), key=len, reverse=True)


def _group(item: pytest.Item) -> str:
    """The town whose fixture the test asks for; its file, where it asks for none."""
    asked: list[str] = getattr(item, "fixturenames", [])
    return next((name for name in sorted(asked) if name.endswith("_town")), item.path.stem)
