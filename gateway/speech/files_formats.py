"""What kind of audio a file is: raw ones by their name, the others by what they say themselves."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.errors import AudioError

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
_NOT_TOLD = 0xFFFF_FF00
"""A WAV that was written into a pipe has such a length, or 0: up to the end of the file."""


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


def promised_bytes(source: Path | BinaryIO) -> tuple[int, int] | None:
    """Return (promised, there) where a WAV's header promises more audio than the file has."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _promised(file)
    at = source.tell()
    try:
        source.seek(0)
        return _promised(source)
    finally:
        source.seek(at)


def _promised(file: BinaryIO) -> tuple[int, int] | None:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head[:4] not in {b"RIFF", b"RIFX"} or head[8:] != b"WAVE":
        return None
    form = ">4sI" if head[:4] == b"RIFX" else "<4sI"
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack(form, chunk)
        there = size - file.tell()
        if name == b"data":
            told = 0 < length < _NOT_TOLD
            return (length, there) if told and length > there else None
        file.seek(length + length % 2, os.SEEK_CUR)
    return None


def _head(source: Path | BinaryIO) -> bytes:
    if isinstance(source, Path):
        with source.open("rb") as file:
            return file.read(512)
    source.seek(0)
    return source.read(512)


def _is_text(head: bytes) -> bool:
    try:
        # The last character may be cut.
        text = head[:-4].decode("utf-8") if len(head) == 512 else head.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
