"""A model's own `manifest.json`, where it has one: its files with bytes and sha256."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.speech.models.layout import Trouble

MANIFEST = "manifest.json"


def manifest_troubles(model_dir: Path) -> list[Trouble]:
    """Compare the files with the manifest; nothing to say where there is none.

    Understands ``{"files": {"am/final.mdl": {"sha256": ..., "bytes": ...}}}``, and a list of such
    entries that carry their `path`.
    """
    path = model_dir / MANIFEST
    if not path.is_file():
        return []
    try:
        entries = list(_entries(json.loads(path.read_text("utf-8"))))
    except (ValueError, TypeError, KeyError, AttributeError):
        return [Trouble(MANIFEST, "is no manifest: `files` with a sha256 each is what is needed")]
    return [trouble for name, entry in entries for trouble in _compare(model_dir, name, entry)]


def _entries(said: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    files = said["files"]
    if isinstance(files, dict):
        yield from ((name, _entry(value)) for name, value in files.items())
    else:
        yield from ((entry["path"], _entry(entry)) for entry in files)


def _entry(value: Any) -> dict[str, Any]:
    entry = {"sha256": value} if isinstance(value, str) else dict(value)
    entry["sha256"] = str(entry["sha256"]).lower()
    return entry


def _compare(model_dir: Path, name: str, entry: dict[str, Any]) -> Iterator[Trouble]:
    path = (model_dir / name).resolve()
    if not path.is_relative_to(model_dir.resolve()):
        yield Trouble(MANIFEST, f"names {name}, which is out of the model's folder")
    elif not path.is_file():
        yield Trouble(name, "is missing (named in manifest.json)")
    elif "bytes" in entry and path.stat().st_size != entry["bytes"]:
        yield Trouble(name, f"has {path.stat().st_size} bytes, manifest.json says {entry['bytes']}")
    else:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != entry["sha256"]:
            yield Trouble(name, "is not the file that manifest.json describes (sha256 differs)")
