"""Vosk as an `Engine`: one model shared by all its recognisers."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import vosk as untyped_vosk

from gateway.errors import ModelError
from gateway.media.audiosocket_codec import BYTES_PER_MS, SAMPLE_RATE
from gateway.speech.models.layout import troubles
from gateway.speech.overlay import overlaid
from gateway.speech.port import Heard, Word

vosk: Any = untyped_vosk

_PARTIAL_MS = 300
"""Audio between two looks at the words so far: nobody reads faster, and each look costs."""


class VoskEngine:
    """A model directory, loaded. Loading takes from 0.1 s to several seconds: use a thread."""

    def __init__(self, model_dir: Path, *, frames_per_chunk: int = 0, min_active: int = 0) -> None:
        """Raises ModelError naming the file that is missing or what Vosk could not read.

        `frames_per_chunk`: how many 10 ms frames the network is given at a time (Kaldi's
        ``--frames-per-chunk``); its weights are packed anew for each chunk. `min_active`: paths
        that the search keeps though they are outside its beam. 0: as the model says.
        """
        check_model(model_dir)
        vosk.SetLogLevel(-1)
        wanted = {"frames-per-chunk": frames_per_chunk, "min-active": min_active}
        options = {name: str(value) for name, value in wanted.items() if value}
        try:
            with overlaid(model_dir, options) as folder:
                self._model = vosk.Model(str(folder))
        except Exception as error:  # vosk raises bare Exception
            raise ModelError(f"Vosk cannot load {model_dir}: {error}. {_HINT}") from error
        self.model_dir = model_dir
        digest = hashlib.sha256((model_dir / "am/final.mdl").read_bytes()).hexdigest()
        self.model_version = f"{model_dir.resolve().name}-{digest[:8]}"
        self._lock = threading.Lock()

    def recogniser(self) -> "VoskRecogniser":
        recogniser = self.kaldi(SAMPLE_RATE)
        recogniser.SetWords(True)
        return VoskRecogniser(recogniser)

    def kaldi(self, sample_rate: float, phrases: list[str] | None = None) -> Any:
        """Return Vosk's own KaldiRecognizer, for those who speak its JSON.

        `phrases`: what alone is to be heard; needs a model with a look-ahead graph.
        """
        grammar = [json.dumps(phrases, ensure_ascii=False)] if phrases else []
        with self._lock:
            return vosk.KaldiRecognizer(self._model, sample_rate, *grammar)


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
        self._unseen_ms = 0.0

    def accept(self, pcm: bytes) -> Heard | None:
        if self._vosk.AcceptWaveform(pcm):
            return self._final(self._vosk.Result())
        self._unseen_ms += len(pcm) / BYTES_PER_MS
        if self._unseen_ms < _PARTIAL_MS:
            return None
        self._unseen_ms = 0.0
        return Heard(final=False, text=json.loads(self._vosk.PartialResult())["partial"])

    def finish(self) -> Heard | None:
        return self._final(self._vosk.FinalResult())

    def _final(self, result: str) -> Heard:
        self._unseen_ms = 0.0
        return _heard(result)


def _heard(result: str) -> Heard:
    said = json.loads(result)
    words = [
        Word(text=w["word"], start_s=w["start"], end_s=w["end"], confidence=w["conf"])
        for w in said.get("result", ())
    ]
    return Heard(final=True, text=said["text"], words=words)
