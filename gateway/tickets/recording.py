"""What a recording file shows about itself. Blocking: call it in a thread."""

import wave
from datetime import timedelta
from pathlib import Path

TOLERANCE = timedelta(seconds=2)
"""A call begins before the PBX answers it, and a file ends in whole frames."""

_HEADER_BYTES = 44


def covers(directory: Path, name: str, call: timedelta) -> bool | None:
    """Return whether the file `name` is as long as the call; None: it cannot be read here.

    The length is taken from the file's size, since Asterisk writes it into the header only when
    it closes the file.
    """
    path = directory / name
    path = path if path.suffix else path.with_suffix(".wav")
    try:
        with wave.open(str(path), "rb") as audio:
            bytes_per_s = audio.getframerate() * audio.getsampwidth() * audio.getnchannels()
        seconds = (path.stat().st_size - _HEADER_BYTES) / bytes_per_s
    except (OSError, EOFError, wave.Error, ZeroDivisionError):
        return None
    return timedelta(seconds=seconds) >= call - TOLERANCE
