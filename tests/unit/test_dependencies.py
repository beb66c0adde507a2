"""What we lean on is named, explained, and under a licence that lets it run beside our own."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public License")
FAMILIES = ("MIT", "BSD", "Apache", "MPL", "PSF", "ISC")


def declared() -> dict[str, set[str]]:
    """Names in pyproject, by table of docs/dependencies.md."""
    project = PROJECT["project"]
    groups = PROJECT["dependency-groups"]
    lists = {
        "Runtime": [*project["dependencies"], *project["optional-dependencies"]["postgres"]],
        "Tests and checks": [*groups["test"], *groups["check"]],
    }
    return {table: {_name(one) for one in lines} for table, lines in lists.items()}


def documented() -> dict[str, dict[str, str]]:
    """Package -> licence, by heading."""
    text = (ROOT / "docs/dependencies.md").read_text("utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    row = re.compile(r"^\| ([\w.-]+) \| ([^|]+) \| [^|]+\|$", re.MULTILINE)
    return {
        section.splitlines()[0]: {
            canonicalize_name(name): licence.strip()
            for name, licence in row.findall(section)
            if name != "package"
        }
        for section in sections
    }


def runtime_closure() -> dict[str, metadata.Distribution]:
    """Everything that an installation of the product brings along, `postgres` included."""
    project = PROJECT["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    todo = [Requirement(line) for line in lines]
    seen: set[tuple[str, frozenset[str]]] = set()
    found: dict[str, metadata.Distribution] = {}
    while todo:
        wanted = todo.pop()
        name, extras = canonicalize_name(wanted.name), frozenset({"", *wanted.extras})
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = metadata.distribution(name)
        for needed in map(Requirement, found[name].requires or []):
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(needed)
    return found


def licence_of(distribution: metadata.Distribution) -> str:
    """The licence as the package states it: expression, classifiers, or the field's first line."""
    about = distribution.metadata
    said = [about.get("License-Expression") or ""]
    said += [one for one in about.get_all("Classifier", []) if one.startswith("License ::")]
    said += (about.get("License") or "").strip().splitlines()[:1]
    return "; ".join(part for part in said if part and part != "UNKNOWN")


def _name(line: object) -> str:
    return canonicalize_name(Requirement(str(line)).name)


def test_tables_name_exactly_what_pyproject_declares() -> None:
    runtime, checks = declared()["Runtime"], declared()["Tests and checks"]
    assert set(documented()["Runtime"]) == runtime
    assert set(documented()["Tests and checks"]) == checks - runtime


@pytest.mark.parametrize("table", ["Runtime", "Tests and checks"])
def test_licence_in_the_table_is_the_packages_own(table: str) -> None:
    for name, licence in documented()[table].items():
        stated = licence_of(metadata.distribution(name))
        families = [family for family in FAMILIES if family in licence]
        assert families, f"{name}: no known licence in {licence!r}"
        assert any(family in stated for family in families), (
            f"{name}: {licence!r} is not {stated!r}"
        )


def test_nothing_the_product_runs_on_is_under_a_gpl() -> None:
    closure = runtime_closure()
    assert {"vosk", "asyncpg", "starlette", "certifi"} <= set(closure)  # it was walked
    for name, distribution in closure.items():
        stated = licence_of(distribution)
        assert stated, f"{name} states no licence"
        assert not COPYLEFT.search(stated), f"{name}: {stated}"


@pytest.mark.parametrize(
    "stated",
    [
        "GPL-3.0-or-later",
        "License :: OSI Approved :: GNU Lesser General Public License v3",
        "AGPL-3",
    ],
)
def test_a_gpl_would_be_noticed(stated: str) -> None:
    assert COPYLEFT.search(stated)


def test_exact_versions_are_held_for_everything_declared() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    held = {_name(line) for line in lines if line and not line.startswith("#")}
    assert set().union(*declared().values()) <= held
