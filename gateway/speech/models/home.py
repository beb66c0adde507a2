"""Where models lie, what their names stand for, and which one is in use."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import gateway
from gateway.errors import ModelError
from gateway.settings import SpeechSettings
from gateway.speech.models.layout import ACOUSTIC, troubles
from gateway.speech.models.registry import DEMO

CURRENT = "current"
"""The name of the model in use: a link that `choose` sets."""


def shipped_dir() -> Path:
    """Return `asr_models/` of this installation; it may be missing."""
    return Path(gateway.__file__).resolve().parents[1] / "asr_models"


def model_path(speech: SpeechSettings) -> Path:
    """Return the directory that `[speech] model_dir` stands for; it may not exist."""
    return ModelHome.of(speech).directory(speech.model_dir)


@dataclass(frozen=True)
class ModelHome:
    pulled: Path
    """Ours to write: pulled models, the choice, and what was trusted on first use."""
    shipped: Path

    @classmethod
    def of(cls, speech: SpeechSettings) -> "ModelHome":
        return cls(speech.models_dir.expanduser(), shipped_dir())

    def directory(self, named: Path) -> Path:
        """Return the directory of a model given by name or path; it may not exist.

        A bare name is looked for among the pulled models, then the shipped ones, then from the
        working directory. Nothing chosen yet: `current` is the shipped demo model.
        """
        if len(named.parts) != 1 or named.is_absolute():
            return named
        link = self.pulled / CURRENT
        if named.name == CURRENT:
            return link.resolve() if os.path.lexists(link) else self.shipped / DEMO
        # The link is followed once, so that a new choice cannot mix two models.
        places = (self.pulled / named, self.shipped / named)
        return next((place.resolve() for place in places if place.is_dir()), named)

    def installed(self) -> dict[str, Path]:
        """Return the directories of models that are here, by name."""
        found: dict[str, Path] = {}
        for home in (self.shipped, self.pulled):
            for path in sorted(home.glob(f"[!.]*/{ACOUSTIC}")):
                model = path.parents[1]
                if not model.is_symlink():
                    found[model.name] = model
        return found

    def choose(self, named: Path) -> Path:
        """Make `current` stand for that model from the next start of a recogniser on.

        Raises ModelError where it is missing or broken.
        """
        model = self.directory(named).resolve()
        if not model.is_dir():
            raise ModelError(
                f"no model {named}: `liandong models list` tells what is here, "
                "`liandong models pull NAME` fetches one"
            )
        if found := troubles(model):
            raise ModelError(f"{model} is not whole: {'; '.join(map(str, found))}")
        self.pulled.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".choice.", dir=self.pulled) as folder:
            link = Path(folder, CURRENT)
            link.symlink_to(model)
            link.replace(self.pulled / CURRENT)
        return model
