"""Loading a model and letting it hear one recording, in a process of its own.

Kaldi ends its process where a model does not fit together (asserts, std::terminate): that must
only ever end this one. Run as `python -m gateway.speech.models.trial DIRECTORY RECORDING`.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from pydantic import BaseModel

from gateway.errors import ModelError

TIMEOUT_S = 600.0
"""The largest model loads in a minute or two from a slow disk."""
_SAID_LAST = 400


class Trial(BaseModel):
    text: str
    load_s: float
    audio_s: float
    decode_s: float

    @property
    def real_time_factor(self) -> float:
        return self.decode_s / self.audio_s


def try_model(model_dir: Path, recording: Path, timeout_s: float = TIMEOUT_S) -> Trial:
    """Let the model hear an 8 kHz A-law file. Raises ModelError with what Kaldi said last."""
    command = [sys.executable, "-m", __name__, str(model_dir), str(recording)]
    try:
        ended = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{model_dir} was not loaded and heard within {timeout_s:.0f} s"
        ) from error
    if ended.returncode == 0:
        return Trial.model_validate_json(ended.stdout)
    how = f"exit status {ended.returncode}"
    if ended.returncode < 0:
        how = f"killed by {signal.Signals(-ended.returncode).name}"
    lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("ERROR", "ASSERTION", "liandong:"))]
    said = (telling or lines or ["nothing"])[-1][:_SAID_LAST]
    raise ModelError(f"{model_dir} cannot be loaded and heard ({how}): {said}")


def main(model_dir: str, recording: str) -> int:
    """Print the trial as JSON; 1 with a line on stderr where the model cannot be used."""
    from gateway.speech.files_audio import AudioFile  # noqa: PLC0415
    from gateway.speech.vosk_engine import VoskEngine  # noqa: PLC0415

    began = time.monotonic()
    try:
        engine = VoskEngine(Path(model_dir))
    except ModelError as error:
        print(f"liandong: {error}", file=sys.stderr)  # noqa: T201
        return 1
    loaded = time.monotonic()
    recogniser, parts, audio_s = engine.recogniser(), [], 0.0
    with AudioFile(Path(recording)) as audio:
        for block in audio.blocks(200):
            audio_s += len(block[0]) / 32000
            heard = recogniser.accept(block[0])
            parts += [heard.text] if heard and heard.final else []
    last = recogniser.finish()
    parts += [last.text] if last else []
    trial = Trial(
        text="".join(parts).replace(" ", ""),
        load_s=round(loaded - began, 3),
        audio_s=round(audio_s, 3),
        decode_s=round(time.monotonic() - loaded, 3),
    )
    print(json.dumps(trial.model_dump(), ensure_ascii=True))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
