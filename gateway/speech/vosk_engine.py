"""Vosk as an `Engine`: one model shared by all, one recogniser per leg."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import vosk as untyped_vosk

from gateway.errors import ModelError
from gateway.media.audiosocket_codec import SAMPLE_RATE
from gateway.speech.models.layout import troubles
from gateway.speech.port import Heard, Word

vosk: Any = untyped_vosk


class VoskEngine:
    """A model directory, loaded. Loading takes from 0.1 s to several seconds: use a thread."""

    def __init__(self, model_dir: Path) -> None:
        """Raises ModelError naming the file that is missing or what Vosk could not read."""
        check_model(model_dir)
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(str(model_dir))
        except Exception as error:  # vosk raises bare Exception
            raise ModelError(f"Vosk cannot load {model_dir}: {error}. {_HINT}") from error
        self.model_dir = model_dir
        digest = hashlib.sha256((model_dir / "am/final.mdl").read_bytes()).hexdigest()
        self.model_version = f"{model_dir.resolve().name}-{digest[:8]}"
        self._lock = threading.Lock()

    def recogniser(self) -> "VoskRecogniser":
        with self._lock:
            recogniser = vosk.KaldiRecognizer(self._model, SAMPLE_RATE)
        recogniser.SetWords(True)
        return VoskRecogniser(recogniser)


_HINT = "Name a Vosk model directory in [speech] model_dir or LIANDONG_SPEECH__MODEL_DIR"


def check_model(model_dir: Path) -> None:
    """Raise ModelError, naming each missing or broken file, unless `model_dir` holds a Vosk model.

    Cheap; `liandong models verify` looks closer.
    """
    if not model_dir.is_dir():
        raise ModelError(f"no speech model at {model_dir}. {_HINT}")
    if found := troubles(model_dir):
        what = "; ".join(map(str, found))
        raise ModelError(f"{model_dir} is no whole Vosk model: {what}. {_HINT}")


class VoskRecogniser:
    """Adapter over KaldiRecognizer; the GIL is released inside `accept` and `finish`."""

    def __init__(self, recogniser: Any) -> None:
        self._vosk = recogniser

    def accept(self, pcm: bytes) -> Heard | None:
        if self._vosk.AcceptWaveform(pcm):
            return _heard(self._vosk.Result())
        return Heard(final=False, text=json.loads(self._vosk.PartialResult())["partial"])

    def finish(self) -> Heard | None:
        return _heard(self._vosk.FinalResult())


def _heard(result: str) -> Heard:
    said = json.loads(result)
    words = [
        Word(text=w["word"], start_s=w["start"], end_s=w["end"], confidence=w["conf"])
        for w in said.get("result", ())
    ]
    return Heard(final=True, text=said["text"], words=words)
