"""What kind of audio a file is: raw ones by their name, the others by what they say themselves."""

import codecs
import contextlib
import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

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
_NOT_TOLD = 0x7FFF_F000
"""A WAV that was written into a pipe has such a length or a greater one: up to the file's end."""


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
    with _opened(source) as file:
        found = _data_chunk(file)
    if found is None:
        return None
    _, length, there = found
    return (length, there) if there < length < _NOT_TOLD else None


def closed_wav(source: Path | BinaryIO) -> BinaryIO | None:
    """Return a WAV as its writer would have left it, had it come to write the length.

    A recorder that was killed leaves a length of 0 before all the audio. None: nothing to mend.
    """
    with _opened(source) as file:
        found = _data_chunk(file)
        if found is None or found[1] or not found[2]:
            return None
        at, _, there = found
        file.seek(0)
        big = file.read(4) == b"RIFX"
    length = struct.pack(">I" if big else "<I", min(there, _NOT_TOLD - 1))
    file = source.open("rb") if isinstance(source, Path) else source
    return cast("BinaryIO", _Mended(file, at, length))


class _Mended(io.RawIOBase):
    """A file of which some bytes are read otherwise than they stand."""

    def __init__(self, file: BinaryIO, at: int, instead: bytes) -> None:
        super().__init__()
        self._file = file
        self._at = at
        self._instead = instead

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        start = self._file.tell()
        data = bytearray(self._file.read(len(buffer)))
        for number, byte in enumerate(self._instead, self._at - start):
            if 0 <= number < len(data):
                data[number] = byte
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextlib.contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    """Yield the file at its beginning; leave a stream where it was."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file
        return
    at = source.tell()
    source.seek(0)
    try:
        yield source
    finally:
        source.seek(at)


def _data_chunk(file: BinaryIO) -> tuple[int, int, int] | None:
    """Return where a WAV's audio length stands, that length, and how many bytes follow it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head[:4] not in {b"RIFF", b"RIFX"} or head[8:] != b"WAVE":
        return None
    form = ">4sI" if head[:4] == b"RIFX" else "<4sI"
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack(form, chunk)
        if name == b"data":
            return file.tell() - 4, length, size - file.tell()
        file.seek(length + length % 2, os.SEEK_CUR)
    return None


def _head(source: Path | BinaryIO) -> bytes:
    with _opened(source) as file:
        return file.read(512)


def _is_text(head: bytes) -> bool:
    try:
        # The last character may be cut.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
