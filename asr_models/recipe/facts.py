"""What the manifest says about the training."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asr_models.recipe import clips
from asr_models.recipe.clips import Clip
from asr_models.recipe.mfcc import RATE
from asr_models.recipe.plan import Plan


def training(work: Path, seed: int) -> dict[str, Any]:
    """Return hours and numbers of clips by source, seeds and the plan of the training."""
    folder = work / "clips"
    found = {
        source: clips.load(sorted((folder / source).glob("*.npz"))) for source in ("base", "turns")
    }
    recorded = {
        name: clips.load([folder / "recorded" / f"{name}.npz"])
        for name in ("syllables", "words", "test")
    }
    return {
        "seed": seed,
        "plan": asdict(Plan()),
        "synthetic": {name: _amount(every) for name, every in found.items()},
        "recorded": {
            "Chen Wang, syllables": _amount(recorded["syllables"]),
            "Yue Tan, words": _amount(recorded["words"]),
            "Yue Tan, words kept out for the evaluation": _amount(recorded["test"]),
        },
    }


def _amount(every: Iterable[Clip]) -> dict[str, float]:
    held = list(every)
    samples = sum(len(clip.samples) for clip in held)
    natural = sum(len(clip.samples) for clip in held if clip.natural)
    return {
        "clips": len(held),
        "hours": round(samples / RATE / 3600, 2),
        "hours of the voice as it is": round(natural / RATE / 3600, 2),
    }
