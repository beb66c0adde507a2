"""What a WAV's header says of its length, and what is so.

Source: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, WAVE), as far as finding
the `data` chunk goes; libsndfile reads the rest.
"""

import contextlib
import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

_NOT_TOLD = 0x7FFF_F000
"""A WAV that was written into a pipe has such a length or a greater one: up to the file's end."""


def promised_bytes(source: Path | BinaryIO) -> tuple[int, int] | None:
    """Return (promised, there) where a WAV's header promises more audio than the file has."""
    with opened(source) as file:
        found = _data_chunk(file)
    if found is None:
        return None
    _, length, there = found
    return (length, there) if there < length < _NOT_TOLD else None


def closed_wav(source: Path | BinaryIO) -> BinaryIO | None:
    """Return a WAV as its writer would have left it, had it come to write the length.

    A recorder that was killed leaves a length of 0 before all the audio. None: nothing to mend.
    """
    with opened(source) as file:
        found = _data_chunk(file)
        if found is None or found[1] or not found[2]:
            return None
        at, _, there = found
        file.seek(0)
        name, size = file.read(4), file.read(4)
        big = name == b"RIFX"
        if int.from_bytes(size, "big" if big else "little") + 8 == file.seek(0, os.SEEK_END):
            return None  # closed, and what follows is no audio
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
def opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
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
