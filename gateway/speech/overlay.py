"""A model directory as it is, but for some lines of its conf/model.conf.

Vosk takes its decoder's options from that file only, and a model that was pulled stays as it came.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_OPTIONS = "conf/model.conf"


@contextmanager
def overlaid(model_dir: Path, options: Mapping[str, str]) -> Iterator[Path]:
    """Yield a folder that reads as `model_dir` with `options` (Kaldi's names) set over its own.

    The folder holds links, and is needed only while the model is loaded. Raises OSError.
    """
    with tempfile.TemporaryDirectory(prefix="liandong-model-") as made:
        folder = Path(made)
        for entry in model_dir.resolve().iterdir():
            if entry.name != "conf":
                (folder / entry.name).symlink_to(entry)
        shutil.copytree(model_dir / "conf", folder / "conf", copy_function=shutil.copyfile)
        (folder / _OPTIONS).write_text(_with((model_dir / _OPTIONS).read_text("utf-8"), options))
        yield folder


def _with(text: str, options: Mapping[str, str]) -> str:
    kept = [line for line in text.splitlines() if _name(line) not in options]
    return "\n".join([*kept, *(f"--{name}={value}" for name, value in options.items()), ""])


def _name(line: str) -> str:
    return line.split("=", 1)[0].strip().removeprefix("--")
