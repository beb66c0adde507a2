"""Unpacking a zip that came from elsewhere: nothing leaves the folder, nothing is a bomb."""

import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from gateway.errors import PullError

MAX_FILES = 10_000
MAX_BYTES = 16 << 30
"""Unpacked. The largest Vosk models take some 6 GiB."""
_SPARE = 64 << 20
"""Disk left over for others."""
_CHUNK = 1 << 20
_ENCRYPTED = 0x1


def unpack(archive: Path, into: Path, progress: Callable[[int, int], None]) -> None:
    """Unpack `archive` into the new folder `into`, without the one folder all of it may be in.

    `progress` is told bytes done and bytes in all. Raises PullError; `into` is then half full.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = [entry for entry in zipped.infolist() if not entry.is_dir()]
            paths = _paths(entries)
            total = sum(entry.file_size for entry in entries)
            _enough_room(archive, entries, total, into)
            done = 0
            for entry, path in zip(entries, paths, strict=True):
                place = into.joinpath(path)
                place.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(entry) as source, place.open("xb") as file:
                    while chunk := source.read(_CHUNK):
                        file.write(chunk)
                        done += len(chunk)
                        progress(done, total)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise PullError(f"{archive} is no whole zip file: {error}") from error
    except FileExistsError as error:
        raise PullError(f"{archive} holds one file twice: {error.filename}") from error
    except OSError as error:
        raise PullError(f"{archive} cannot be unpacked into {into}: {error.strerror}") from error


def _paths(entries: list[zipfile.ZipInfo]) -> list[PurePosixPath]:
    """Return where each entry goes, relative to the model's folder."""
    paths = [_safe(entry) for entry in entries]
    tops = {path.parts[0] for path in paths}
    inside = len(tops) == 1 and all(len(path.parts) > 1 for path in paths)
    return [PurePosixPath(*path.parts[1:]) for path in paths] if inside else paths


def _safe(entry: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or not path.parts:
        raise PullError(f"the zip holds {entry.filename!r}, a path out of its folder: refused")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise PullError(f"the zip holds {entry.filename!r}, which is no plain file: refused")
    if entry.flag_bits & _ENCRYPTED:
        raise PullError(f"the zip holds {entry.filename!r}, which is encrypted: refused")
    return path


def _enough_room(archive: Path, entries: list[zipfile.ZipInfo], total: int, into: Path) -> None:
    if len(entries) > MAX_FILES or total > MAX_BYTES:
        raise PullError(
            f"{archive} would become {len(entries)} files with {total >> 20} MiB: "
            "that is no speech model"
        )
    free = shutil.disk_usage(into).free
    if total + _SPARE > free:
        raise PullError(
            f"{into} has {free >> 20} MiB free, {archive.name} needs {(total + _SPARE) >> 20} MiB: "
            "make room, or name another place in [speech] models_dir"
        )
