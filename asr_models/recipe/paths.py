"""Where the recipe reads and works. Nothing of this is in git."""

import os
from dataclasses import dataclass
from pathlib import Path

from asr_models.recipe.errors import RecipeError

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = REPOSITORY / "asr_models" / "liandong-cn-demo"


@dataclass(frozen=True)
class Paths:
    """The folders of one run of the recipe."""

    work: Path
    """Everything made on the way; may be deleted, is made again."""
    data: Path
    """Recorded words and citizens' messages, see its README."""

    def sub(self, *parts: str) -> Path:
        """Return a folder under `work`, made if it is not there."""
        path = self.work.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def datum(self, *parts: str) -> Path:
        """Return a file of the data folder; RecipeError where it is missing."""
        path = self.data.joinpath(*parts)
        if not path.exists():
            raise RecipeError(f"{path} is missing; name the folder that has it with --data")
        return path


def default_work() -> Path:
    """Return ``~/.cache/liandong/model-1``, or its place under XDG_CACHE_HOME."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "liandong" / "model-1"


def default_paths() -> Paths:
    """Return the folders used when none are named."""
    return Paths(default_work(), REPOSITORY.parent / "shared" / "data")
