"""What `liandong transcribe` hears of files, kept so that a run that was stopped goes on.

The product's own command hears them: its ear, its end-pointing, its normaliser.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from asr_models.recipe.errors import RecipeError
from asr_models.recipe.paths import REPOSITORY
from asr_models.recipe.progress import bar
from asr_models.recipe.utterances import write

_AT_ONCE = 60
"""Files for one run of the command: what is heard is kept when a run ends."""


class Utterance(NamedTuple):
    """What was heard without a pause: as it is read, and as the recogniser gave it."""

    text: str
    text_raw: str
    start_ms: int
    end_ms: int


def hear(files: Sequence[Path], model: Path, out: Path, jobs: int) -> list[list[Utterance]]:
    """Return what is heard of each file; kept in `out` by file name and model.

    Raises RecipeError where the command fails.
    """
    kept = out / mark(model)
    kept.mkdir(parents=True, exist_ok=True)
    todo = [path for path in dict.fromkeys(files) if not _note(kept, path).exists()]
    with bar("transcribe: calls", len(todo)) as tick:
        for at in range(0, len(todo), _AT_ONCE):
            part = todo[at : at + _AT_ONCE]
            heard: dict[str, list[Utterance]] = {str(path): [] for path in part}
            for file, said in _transcribed(part, model, jobs):
                heard[file].append(said)
            for path in part:
                write(_note(kept, path), json.dumps(heard[str(path)], ensure_ascii=False).encode())
                tick()
    return [
        [Utterance(*one) for one in json.loads(_note(kept, path).read_text("utf-8"))]
        for path in files
    ]


def mark(model: Path) -> str:
    """Return a short name of the model's exact files."""
    return hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()[:12]


def _note(kept: Path, path: Path) -> Path:
    return kept / f"{path.stem}.json"


def _transcribed(files: list[Path], model: Path, jobs: int) -> Iterator[tuple[str, Utterance]]:
    command = [sys.executable, "-m", "gateway", "transcribe", "--jsonl", "--jobs", str(jobs)]
    command += ["--model", str(model), *map(str, files)]
    ran = subprocess.run(  # noqa: S603
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=False
    )
    if ran.returncode:
        raise RecipeError("`liandong transcribe` failed, see above; what was heard before is kept")
    for line in ran.stdout.splitlines():
        row = json.loads(line)
        times = round(1000 * row["start"]), round(1000 * row["end"])
        yield row["file"], Utterance(row["text"], row["text_raw"], *times)
