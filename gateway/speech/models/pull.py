"""Getting a model: download or a zip carried over, checked, unpacked aside, put in place whole."""

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import PullError
from gateway.speech.models.download import Download, Unreachable
from gateway.speech.models.home import ModelHome
from gateway.speech.models.layout import troubles
from gateway.speech.models.registry import KnownModel
from gateway.speech.models.unpack import unpack

Step = Callable[[str, int, int], None]
"""What is being done (`download`, `check`, `unpack`), how far, and of how much (0: not known)."""

_TRUSTED = ".trusted.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Pulled:
    directory: Path
    sha256: str
    """Of the zip; empty: the model was there already."""
    first_use: bool
    """Nobody vouched for the sha256: it is now on record, and later zips are held to it."""


def pull(
    model: KnownModel, home: ModelHome, step: Step, *, url: str = "", archive: Path | None = None
) -> Pulled:
    """Put `model` into `home.pulled`; from `archive`, a zip at hand, else from `url` or its own.

    Raises PullError. Stopped at any point it leaves no half model, and a download goes on later.
    """
    try:
        home.pulled.mkdir(parents=True, exist_ok=True)
        with _alone(home.pulled, model.name):
            return _pull(model, home, step, url or model.url, archive)
    except OSError as error:
        raise PullError(
            f"{error.filename or home.pulled} cannot be used ({error.strerror}): "
            "be the service's user, or name another [speech] models_dir"
        ) from error


def _pull(model: KnownModel, home: ModelHome, step: Step, url: str, archive: Path | None) -> Pulled:
    target = home.pulled / model.name
    for here in (target, home.shipped / model.name):
        if here.is_dir():
            return Pulled(here, "", first_use=False)
    if archive is not None:
        return _install(model, home, step, archive, url)
    if not url:
        raise PullError(
            f"{model.name} is published nowhere that is known here: give --url or --file"
        )
    part = home.pulled / f".{model.name}.zip.part"
    download = Download(url, part, lambda at, of: step("download", at, of or model.zip_bytes))
    try:
        download.run()
    except Unreachable as error:
        raise PullError(f"{error}.\n{_by_hand(model, home, url)}") from error
    try:
        pulled = _install(model, home, step, part, url)
    except PullError:
        # Whole and wrong: going on from it would fail for ever.
        download.forget()
        raise
    download.forget()
    return pulled


def _install(model: KnownModel, home: ModelHome, step: Step, archive: Path, url: str) -> Pulled:
    if not archive.is_file():
        raise PullError(f"no file {archive}")
    digest = _sha256(archive, step)
    trusted = _trusted(home)
    expected = model.sha256 or trusted.get(model.name, "")
    if expected and digest != expected:
        raise PullError(
            f"{archive.name} is not {model.name} as it should be: its sha256 is {digest}, "
            f"expected {expected}. It was broken on the way, or is another file: get it anew"
        )
    with tempfile.TemporaryDirectory(prefix=f".{model.name}.", dir=home.pulled) as folder:
        inside = Path(folder, model.name)
        inside.mkdir()
        unpack(archive, inside, lambda at, of: step("unpack", at, of))
        if found := troubles(inside):
            what = "; ".join(map(str, found))
            raise PullError(f"what {url or archive} holds is no whole model: {what}")
        inside.rename(home.pulled / model.name)
    if not expected:
        _write(home.pulled / _TRUSTED, json.dumps(trusted | {model.name: digest}, indent=1))
    return Pulled(home.pulled / model.name, digest, first_use=not expected)


def _by_hand(model: KnownModel, home: ModelHome, url: str) -> str:
    known = model.sha256 or _trusted(home).get(model.name) or "not known to us"
    size = f", about {model.zip_bytes // 1_000_000} MB" if model.zip_bytes else ""
    return (
        f"Without a network: fetch {url}\n"
        f"  (sha256 {known}{size}) on a machine that has one, carry it here, and run\n"
        f"    liandong models pull {model.name} --file {model.name}.zip\n"
        f"  or unpack it yourself as {home.pulled / model.name}.\n"
        "  Where a proxy leads out, set HTTPS_PROXY; a mirror is named by --url."
    )


def _sha256(path: Path, step: Step) -> str:
    size, done, digest = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            step("check", done, size)
    return digest.hexdigest()


def _trusted(home: ModelHome) -> dict[str, str]:
    path = home.pulled / _TRUSTED
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise PullError(f"{path} cannot be read; it is JSON, name to sha256: mend it") from error


def _write(path: Path, text: str) -> None:
    aside = path.with_name(path.name + ".new")
    aside.write_text(text, "utf-8")
    aside.replace(path)


@contextlib.contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock of one model; the kernel lets it go with the process."""
    file = os.open(folder / f".{name}.lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise PullError(f"another pull of {name} is under way: wait for it, or stop it") from error
    finally:
        os.close(file)
