"""What kind of audio a file is: raw ones by their name, the others by what they say themselves."""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.errors import AudioError
from gateway.speech.files_wav import opened

RATES = range(1000, 384_001)
"""Hertz."""
MAX_CHANNELS = 16

_RAW = {
    ".alaw": ("ALAW", 8000),
    ".al": ("ALAW", 8000),
    ".ulaw": ("ULAW", 8000),
    ".mulaw": ("ULAW", 8000),
    ".ul": ("ULAW", 8000),
    ".pcm": ("PCM_16", 8000),
    ".raw": ("PCM_16", 8000),
    ".sln": ("PCM_16", 8000),
    ".slin": ("PCM_16", 8000),
    ".sln16": ("PCM_16", 16_000),
    ".gsm": ("GSM610", 8000),
}
"""Names as Asterisk and others give them; PCM is little endian."""
_KINDS = "WAV, FLAC, OGG, MP3, or raw .alaw, .ulaw, .pcm, .gsm"


@dataclass(frozen=True)
class RawFormat:
    subtype: str
    """libsndfile's name of the encoding."""
    rate: int
    channels: int


def raw_format(source: Path | BinaryIO, rate: int | None, channels: int | None) -> RawFormat | None:
    """Return how a raw file is to be read; None for a file that tells by itself.

    Raises AudioError where there is no file to read.
    """
    if not isinstance(source, Path):
        return None
    try:
        with source.open("rb"):
            size = source.stat().st_size
    except FileNotFoundError as error:
        raise AudioError("is not there: look at the name") from error
    except IsADirectoryError as error:
        raise AudioError("is a folder: name the files in it") from error
    except OSError as error:
        raise AudioError(f"cannot be opened: {error.strerror}") from error
    if not size:
        raise AudioError("is empty (0 bytes): record or copy it again")
    found = _RAW.get(source.suffix.lower())
    return RawFormat(found[0], rate or found[1], channels or 1) if found else None


def unreadable(source: Path | BinaryIO, why: str) -> str:
    """Say what a file is that libsndfile does not know."""
    head = _head(source)
    if not head:
        return "is empty (0 bytes): nothing came in"
    if head.startswith((b"RIFF", b"RF64", b"RIFX")):
        return f"is a broken WAV file ({why.strip().rstrip('.')}): record or convert it again"
    what = "text" if _is_text(head) else "no audio that is known here"
    return f"is {what}, whatever its name says; taken are {_KINDS}"


def _head(source: Path | BinaryIO) -> bytes:
    with opened(source) as file:
        return file.read(512)


def _is_text(head: bytes) -> bool:
    try:
        # The last character may be cut.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
