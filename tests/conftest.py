"""How the tests are shared out where they run in several processes (pytest -n)."""

from pathlib import Path

import pytest

_E2E = Path(__file__).parent / "e2e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Calls on the lab stay in one process: they share its switches, and start each only once."""
    for item in items:
        if item.path.is_relative_to(_E2E):
            item.add_marker(pytest.mark.xdist_group("lab"))
