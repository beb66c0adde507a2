"""Is a model whole, and does it hear? Every file, the manifest, then one recording."""

import json
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import BaseModel

from gateway.errors import ModelError
from gateway.speech.models.layout import troubles
from gateway.speech.models.manifest import manifest_troubles
from gateway.speech.models.trial import try_model

RECORDING = "fight-02-caller"
"""A turn of `gateway/lab/audio`: a synthetic voice, 8 kHz A-law, its script in dialogues.json."""
MOST_ERRORS = 0.5
"""Character error rate above which a model does not hear Mandarin on a telephone."""
_PUNCTUATION = str.maketrans("", "", "，。？！、 ")


class Heard(BaseModel):
    recording: str
    script: str
    text: str
    character_error_rate: float
    load_s: float
    real_time_factor: float


class Report(BaseModel):
    model: str
    problems: list[str]
    """One a file, or what loading said; empty: the model can be used."""
    heard: Heard | None = None

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(model_dir: Path) -> Report:
    """Look at `model_dir` file by file; where nothing is wrong, load it and let it hear."""
    report = Report(model=str(model_dir), problems=[])
    if not model_dir.is_dir():
        report.problems.append(f"there is no directory {model_dir}")
        return report
    found = dict.fromkeys(
        map(str, troubles(model_dir, thorough=True) + manifest_troubles(model_dir))
    )
    report.problems += found
    if report.problems:
        return report
    script = _script()
    try:
        with as_file(_audio() / f"{RECORDING}.alaw") as recording:
            trial = try_model(model_dir, recording)
    except ModelError as error:
        report.problems.append(str(error))
        return report
    rate = character_error_rate(script, trial.text)
    report.heard = Heard(
        recording=RECORDING,
        script=script,
        text=trial.text,
        character_error_rate=round(rate, 4),
        load_s=trial.load_s,
        real_time_factor=round(trial.real_time_factor, 4),
    )
    if rate > MOST_ERRORS:
        report.problems.append(
            f"of {RECORDING} ({script}) it heard {trial.text or 'nothing'}: "
            "it loads, but is no model for Mandarin on the telephone"
        )
    return report


def character_error_rate(said: str, heard: str) -> float:
    """Return edits a character of `said` (Levenshtein), punctuation and spaces left out."""
    left, right = said.translate(_PUNCTUATION), heard.translate(_PUNCTUATION)
    row = list(range(len(right) + 1))
    for i, character in enumerate(left, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(right, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (character != other))
    return row[-1] / max(len(left), 1)


def _audio() -> Traversable:
    return files("gateway") / "lab" / "audio"


def _script() -> str:
    book = json.loads((_audio() / "dialogues.json").read_text("utf-8"))
    turns = (turn for dialogue in book["dialogues"] for turn in dialogue["turns"])
    return next(str(turn["text"]) for turn in turns if turn["id"] == RECORDING)
