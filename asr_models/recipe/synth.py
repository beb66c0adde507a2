"""Let the voice say its sentences: files of 100 clips, skipped where they are there already.

A folder of clips remembers the hash of its sentences; when they change, it is made anew.
"""

import hashlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from asr_models.recipe import clips, phones
from asr_models.recipe.clips import Clip
from asr_models.recipe.paths import Paths
from asr_models.recipe.progress import bar
from asr_models.recipe.sayings import Saying, held_out, sayings
from asr_models.recipe.voice import Style, Voice, assets

SHARD = 100
_PAUSES = ("sil", "#0", "#3")
_voice: list[Voice] = []


def synthesise(paths: Paths, seed: int, sources: str, workers: int) -> list[Path]:
    """Synthesise all sayings of `sources`; returns the files."""
    folder = assets(paths)
    every = sayings(paths, seed, sources)
    out = paths.sub("clips", sources)
    _forget_others(out, every)
    todo: list[tuple[Path, list[Saying]]] = []
    for number, start in enumerate(range(0, len(every), SHARD)):
        path = out / f"{number:04d}.npz"
        if not path.exists():
            todo.append((path, every[start : start + SHARD]))
    with (
        ProcessPoolExecutor(workers, get_context("spawn"), _open, (folder,)) as pool,
        bar(f"voice: {sources}", len(todo)) as tick,
    ):
        for done in as_completed([pool.submit(_shard, *one) for one in todo]):
            done.result()
            tick()
    return sorted(out.glob("*.npz"))


def _forget_others(out: Path, every: list[Saying]) -> None:
    digest = hashlib.sha256(repr(every).encode()).hexdigest()
    note = out / clips.DIGEST
    if not note.exists() or note.read_text("utf-8") != digest:
        for path in out.glob("*.npz"):
            path.unlink()
        note.write_text(digest, "utf-8")


def _open(folder: Path) -> None:
    _voice.append(Voice(folder))


def _shard(path: Path, every: list[Saying]) -> None:
    clips.save(path, [say(_voice[0], saying) for saying in every])


def say(voice: Voice, saying: Saying) -> Clip:
    """Return the clip of `saying`, its units placed by the voice's own durations."""
    spoken = voice.speak(list(saying.phones), saying.style)
    starts = np.concatenate([np.zeros(1, np.int32), spoken.ends[:-1]])
    # The empty initial has a length as well, and a sound (the glide): it counts to its final.
    kept = [
        (phones.UNIT_IDS[phone], starts[i] if saying.phones[i - 1] != "^" else starts[i - 1], end)
        for i, (phone, end) in enumerate(zip(saying.phones, spoken.ends, strict=True))
        if phone not in _PAUSES and phone != phones.NO_INITIAL
    ]
    unit, start, end = zip(*kept, strict=True)
    return Clip(
        spoken.samples,
        np.array(unit, np.uint8),
        np.array(start, np.int32),
        np.array(end, np.int32),
        saying.text,
        aligned=True,
        natural=saying.style == Style(),
        dev=held_out(saying.text),
    )
