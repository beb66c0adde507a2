"""The speech models that are known by name: `registry.toml`."""

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

DEMO = "liandong-cn-demo"


class KnownModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    language: str
    sample_rate: int
    """Hertz of the audio it was trained on."""
    licence: str
    about: str
    url: str = ""
    """Where its zip is published; empty: it is shipped, and cannot be pulled."""
    sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    """Of the zip; empty: not known to us."""
    zip_bytes: int = 0
    """About; 0: not known."""


@cache
def known_models() -> dict[str, KnownModel]:
    """Return the known models by name, in the order of the file."""
    text = files(__package__).joinpath("registry.toml").read_text("utf-8")
    models = [KnownModel.model_validate(entry) for entry in tomllib.loads(text)["models"]]
    return {model.name: model for model in models}
