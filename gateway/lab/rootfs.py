"""Where the lab's Asterisk and Redis come from: installed ones, or the chroot `make setup` made."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import LabError

ROOTFS_ENV = "LIANDONG_LAB_ROOTFS"
MIN_ASTERISK = 20
_OWNER = "owner.pid"
_YOUNG_S = 3600


def default_rootfs() -> Path:
    """The folder `make setup` unpacks into; shared by every checkout of one user."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(ROOTFS_ENV) or cache / "liandong" / "lab-rootfs-1")


@dataclass(frozen=True)
class Toolbox:
    """How to run a program, and where its world begins (`root` is / or the chroot)."""

    root: Path
    prefix: tuple[str, ...]

    def inside(self, path: Path) -> str:
        """`path` as the program sees it."""
        return "/" + str(path.relative_to(self.root)) if self.prefix else str(path)

    def instance_dir(self, name: str) -> Path:
        """A folder of our own that the program can see; those of dead owners are removed."""
        base = self.root / "var/tmp"
        for old in base.glob("liandong-*"):
            if not _owned(old):
                shutil.rmtree(old, ignore_errors=True)
        path = base / f"liandong-{name}"
        path.mkdir(parents=True, mode=0o700)
        (path / _OWNER).write_text(str(os.getpid()), "ascii")
        return path

    @property
    def modules_dir(self) -> str:
        for base in ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib"):
            if (self.root / base / "asterisk/modules").is_dir():
                return f"/{base}/asterisk/modules"
        raise LabError(f"no Asterisk modules under {self.root}; run `make setup`")


def _owned(folder: Path) -> bool:
    """Whether the process that made `folder` still lives (a folder just being made counts)."""
    try:
        pid = int((folder / _OWNER).read_text("ascii"))
    except (OSError, ValueError):
        return folder.exists() and time.time() - folder.stat().st_mtime < _YOUNG_S
    return Path(f"/proc/{pid}").exists()


def _installed_asterisk() -> int:
    binary = shutil.which("asterisk")
    if binary is None:
        return 0
    shown = subprocess.run([binary, "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"Asterisk (\d+)\.", shown.stdout)
    return int(found.group(1)) if found else 0


def asterisk_tools() -> Toolbox:
    """An installed Asterisk of at least version 20, else the chroot's."""
    if _installed_asterisk() >= MIN_ASTERISK:
        return Toolbox(Path("/"), ())
    return _chroot("usr/sbin/asterisk")


def redis_tools() -> Toolbox:
    """An installed redis-server, else the chroot's."""
    if shutil.which("redis-server"):
        return Toolbox(Path("/"), ())
    return _chroot("usr/bin/redis-server")


def _chroot(program: str) -> Toolbox:
    root = default_rootfs()
    if not (root / program).exists():
        raise LabError(f"no {program} under {root}; run `make setup` (or set {ROOTFS_ENV})")
    return Toolbox(root, ("chroot", str(root)))
