"""A manifest names the files that are not what they were."""

import hashlib
import json
from pathlib import Path

import pytest

from gateway.speech.models.manifest import manifest_troubles

FILE = b"some bytes"


def described(**changes: object) -> dict[str, object]:
    return {"sha256": hashlib.sha256(FILE).hexdigest(), "bytes": len(FILE)} | changes


def troubles(folder: Path, files: object) -> list[str]:
    (folder / "a.bin").write_bytes(FILE)
    (folder / "manifest.json").write_text(json.dumps({"files": files}))
    return [str(trouble) for trouble in manifest_troubles(folder)]


def test_without_a_manifest_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert manifest_troubles(tmp_path) == []


@pytest.mark.parametrize(
    "files",
    [
        {"a.bin": described()},
        {"a.bin": described()["sha256"]},
        [described(path="a.bin")],
        {"a.bin": described(sha256=str(described()["sha256"]).upper())},
    ],
)
def test_files_as_described_are_right(tmp_path: Path, files: object) -> None:
    assert troubles(tmp_path, files) == []


def test_each_wrong_file_is_named(tmp_path: Path) -> None:
    files = {"a.bin": described(bytes=3), "none.bin": described(), "../x": described()}
    assert troubles(tmp_path, files) == [
        "a.bin has 10 bytes, manifest.json says 3",
        "none.bin is missing (named in manifest.json)",
        "manifest.json names ../x, which is out of the model's folder",
    ]
    assert "sha256 differs" in troubles(tmp_path, {"a.bin": described(sha256="0" * 64)})[0]


@pytest.mark.parametrize("files", [None, 7, [{"name": "a.bin"}], {"a.bin": {}}, [3]])
def test_a_manifest_that_makes_no_sense_is_told(tmp_path: Path, files: object) -> None:
    assert "is no manifest" in troubles(tmp_path, files)[0]
