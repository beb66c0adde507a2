"""Read a TOML data file into a model; say file, line, entry and remedy when it is wrong.

Nothing is replaced by a bad file: `read` raises before it returns, so the caller keeps the
version it had.
"""

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from gateway.errors import ConfigError

M = TypeVar("M", bound=BaseModel)

_SYNTAX_FIX = "fix the TOML syntax there (quotes, brackets, one `key = value` a line)"


def packaged(name: str) -> Path:
    """Return the path of a data file shipped in `gateway/dispatch/data`."""
    return Path(str(files("gateway.dispatch.data") / name))


def read(path: Path, model: type[M]) -> M:
    """Read `path` as a `model`.

    Raises ConfigError as ``file:line: entry: what is wrong; the fix``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}:{_syntax_line(error)}: {error}; {_SYNTAX_FIX}") from error
    except ValidationError as error:
        problems = (_explain(path, text, item["loc"], item["msg"]) for item in error.errors())
        raise ConfigError("\n".join(problems)) from error


def _syntax_line(error: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"line (\d+)", str(error))
    return found.group(1) if found else "end"


def _explain(path: Path, text: str, loc: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    line, entry = _locate(text, loc)
    if message == "Field required":
        message = f"`{loc[-1]}` is missing; add `{loc[-1]} = ...` to this entry"
    elif message.startswith("Extra inputs"):
        message = f"`{loc[-1]}` is not known here; remove it or correct its spelling"
    return f"{path}:{line}: {entry}: {message}"


def _locate(text: str, loc: tuple[int | str, ...]) -> tuple[int, str]:
    """Return the line of the entry (or of its key) and a name for it: `[[item]] 3 (A3)`."""
    lines = text.splitlines()
    if not loc:
        return 1, "file"
    table = str(loc[0])
    if len(loc) < 2 or not isinstance(loc[1], int):
        return _key_line(lines, 0, len(lines), str(loc[-1])) or 1, f"`{table}`"
    header = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
    starts = [number for number, line in enumerate(lines) if header.match(line)]
    if loc[1] >= len(starts):
        return 1, f"[[{table}]] {loc[1] + 1}"
    start = starts[loc[1]]
    following = (n for n in range(start + 1, len(lines)) if lines[n].lstrip().startswith("["))
    end = next(following, len(lines))
    id_line = next((line for line in lines[start:end] if re.match(r"\s*id\s*=", line)), "")
    name = f" ({id_line.partition('=')[2].strip().strip(chr(34))})" if id_line else ""
    key = next((str(part) for part in loc[2:] if isinstance(part, str)), "")
    return _key_line(lines, start, end, key) or start + 1, f"[[{table}]] {loc[1] + 1}{name}"


def _key_line(lines: list[str], start: int, end: int, key: str) -> int | None:
    pattern = re.compile(rf"\s*{re.escape(key)}\s*=")
    return next((n + 1 for n in range(start, end) if key and pattern.match(lines[n])), None)
