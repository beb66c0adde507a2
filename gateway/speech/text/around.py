"""What stands around names of places: `around.toml`."""

from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gateway.dispatch.datafile import read


class Around(BaseModel):
    """The lists of around.toml, which says what each is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: tuple[str, ...]
    behind: tuple[str, ...]
    function: str
    edges: str
    not_tails: tuple[str, ...]
    tails: tuple[str, ...]

    @cached_property
    def function_chars(self) -> frozenset[str]:
        return frozenset("".join(self.function.split()))

    @cached_property
    def edges_after(self) -> frozenset[str]:
        return self.function_chars | frozenset(self.edges)


def load() -> Around:
    """Read around.toml."""
    return read(Path(__file__).with_name("around.toml"), Around)
