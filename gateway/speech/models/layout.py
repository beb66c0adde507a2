"""What a Vosk 0.3.x model directory must hold: cheap to look at, done at every start.

Source: Vosk API 0.3.45, src/model.cc (ConfigureV2, ReadDataFiles).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.speech.models.kaldi_mdl import acoustic_problem, wants_ivectors
from gateway.speech.models.openfst import fst_problem, has_output_symbols

ACOUSTIC = "am/final.mdl"
_FEATURES = ("conf/mfcc.conf", "conf/fbank.conf")
_MODEL_CONF = "conf/model.conf"
_STATIC = "graph/HCLG.fst"
_DYNAMIC = ("graph/HCLr.fst", "graph/Gr.fst", "graph/disambig_tid.int")
_IVECTOR = (
    "ivector/final.dubm",
    "ivector/final.ie",
    "ivector/final.mat",
    "ivector/global_cmvn.stats",
    "ivector/online_cmvn.conf",
    "ivector/splice.conf",
)
_RESCORE = ("rescore/G.fst", "rescore/G.carpa")


@dataclass(frozen=True)
class Trouble:
    file: str
    """Relative to the model directory."""
    what: str
    """'is missing', 'is empty', 'is cut off: ...'"""

    def __str__(self) -> str:
        return f"{self.file} {self.what}"


def troubles(model_dir: Path, *, thorough: bool = False) -> list[Trouble]:
    """Return every missing or visibly broken file of a model directory that exists.

    A few reads a file unless `thorough`, which walks through graphs as far as their format allows.
    """
    needed = _needed(model_dir)
    found = [Trouble(name, "is missing") for name in needed if not (model_dir / name).is_file()]
    present = [name for name in (*needed, *_RESCORE) if (model_dir / name).is_file()]
    return found + list(_broken(model_dir, present, thorough))


def _needed(model_dir: Path) -> list[str]:
    features = next((name for name in _FEATURES if (model_dir / name).is_file()), _FEATURES[0])
    names = [ACOUSTIC, features, _MODEL_CONF]
    static = (model_dir / _STATIC).is_file()
    graphs = (_STATIC,) if static else _DYNAMIC
    if not static and not any((model_dir / name).is_file() for name in _DYNAMIC):
        names.append(f"{_STATIC} (or {' with '.join(_DYNAMIC[:2])})")
    else:
        names += graphs
        # Words come out of the graph, or of a list beside it.
        speaking = model_dir / (_STATIC if static else "graph/Gr.fst")
        if not (speaking.is_file() and has_output_symbols(speaking)):
            names.append("graph/words.txt")
    acoustic = model_dir / ACOUSTIC
    if (model_dir / "ivector").is_dir() or (_filled(acoustic) and wants_ivectors(acoustic)):
        names += _IVECTOR
    return names


def _broken(model_dir: Path, names: list[str], thorough: bool) -> Iterator[Trouble]:
    for name in names:
        path = model_dir / name
        if what := _problem(path, name, thorough):
            yield Trouble(name, what)


def _problem(path: Path, name: str, thorough: bool) -> str:
    if not _filled(path):
        return "is empty"
    if name == ACOUSTIC:
        return acoustic_problem(path)
    return fst_problem(path, thorough=thorough) if name.endswith(".fst") else ""


def _filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
