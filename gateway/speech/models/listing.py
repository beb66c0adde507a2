"""The models there are: known by name, or here."""

from dataclasses import dataclass
from pathlib import Path

from gateway.settings import SpeechSettings
from gateway.speech.models.home import ModelHome, model_path
from gateway.speech.models.registry import known_models

_FEATURES = "conf/mfcc.conf"
_RATE = "--sample-frequency="


@dataclass(frozen=True)
class Row:
    name: str
    directory: str
    """Empty: it is not here."""
    bytes: int
    """On disk where it is here, else of its zip, about; 0: not known."""
    language: str
    sample_rate: int
    """Hertz; 0: not known."""
    licence: str
    about: str
    in_use: bool


def rows(speech: SpeechSettings) -> list[Row]:
    """Return known models in the registry's order, then others that are here."""
    here = ModelHome.of(speech).installed()
    used = model_path(speech).resolve()
    if used.is_dir() and used not in [path.resolve() for path in here.values()]:
        here[str(used)] = used
    return [_row(name, here.get(name), used) for name in dict.fromkeys([*known_models(), *here])]


def _row(name: str, path: Path | None, used: Path) -> Row:
    known = known_models().get(name)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path else 0
    return Row(
        name=name,
        directory=str(path or ""),
        bytes=size or (known.zip_bytes if known else 0),
        language=known.language if known else "",
        sample_rate=(_sample_rate(path) if path else 0) or (known.sample_rate if known else 0),
        licence=known.licence if known else "",
        about=known.about if known else "",
        in_use=path is not None and path.resolve() == used,
    )


def _sample_rate(model_dir: Path) -> int:
    try:
        lines = (model_dir / _FEATURES).read_text("utf-8").split()
        return next((int(line[len(_RATE) :]) for line in lines if line.startswith(_RATE)), 0)
    except (OSError, ValueError):
        return 0
