"""The manifest names every file of a model, and tells which are not as it says."""

import json
from pathlib import Path

import pytest

from asr_models.recipe import manifest
from asr_models.recipe.paths import SHIPPED


def model(folder: Path) -> Path:
    (folder / "am").mkdir()
    (folder / "am" / "final.mdl").write_bytes(b"weights")
    (folder / "README.md").write_text("read me")
    manifest.write(folder, {"seed": 1}, {"hotline": 5.0})
    return folder


def test_a_model_is_as_its_manifest_says(tmp_path: Path) -> None:
    folder = model(tmp_path)
    assert manifest.differences(folder) == []
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert told["files"]["am/final.mdl"]["bytes"] == 7
    assert "README.md" not in told["files"]
    assert manifest.kept(folder) == {"hotline": 5.0}


def test_what_was_changed_added_or_lost_is_told(tmp_path: Path) -> None:
    folder = model(tmp_path)
    (folder / "am" / "final.mdl").write_bytes(b"others!")
    (folder / "more").write_text("x")
    assert manifest.differences(folder) == ["am/final.mdl", "more"]
    (folder / "am" / "final.mdl").unlink()
    assert manifest.differences(folder) == ["am/final.mdl", "more"]


@pytest.mark.skipif(not (SHIPPED / manifest.NAME).exists(), reason="no model is shipped")
def test_the_shipped_model_is_whole_and_small() -> None:
    assert manifest.differences(SHIPPED) == []
    sizes = [path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(sizes) <= 25e6
    assert (SHIPPED / "am" / "final.mdl").stat().st_size <= 8e6
