"""How the tests are shared out where they run in several processes (pytest -n)."""

from pathlib import Path

import pytest

_E2E = Path(__file__).parent / "e2e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Calls on the lab come town by town, each town's in one process: it starts only once."""
    calls = sorted((item for item in items if item.path.is_relative_to(_E2E)), key=_town)
    for item in calls:
        item.add_marker(pytest.mark.xdist_group(_town(item)))
    items[:] = [*calls, *(item for item in items if not item.path.is_relative_to(_E2E))]


def _town(item: pytest.Item) -> str:
    """The town whose fixture the test asks for; its file, where it has one of its own."""
    asked: list[str] = getattr(item, "fixturenames", [])
    return next((name for name in sorted(asked) if name.endswith("_town")), item.path.stem)
