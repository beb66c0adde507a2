"""What may enter an AMI action: the one gate against header injection and silent loss."""

import re
from collections.abc import Iterator, Mapping, Sequence

from gateway.errors import UnsafeValue

Headers = Mapping[str, str | Sequence[str]]

MAX_LINE = 1000
"""Bytes of one `Name: value` line. AMI reads lines into 1,025 bytes and drops longer ones."""

MAX_HEADERS = 120
"""Lines of one action. AMI keeps 128 (AST_MAX_MANHEADERS) and ignores the rest."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_,.-]*\))?")


def _line(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise UnsafeValue(f"not an AMI header name ({len(name)} characters): letters, digits, - _")
    if _FORBIDDEN.search(value):
        raise UnsafeValue(f"{name}: CR, LF or NUL would forge a header; remove it")
    try:
        size = len(f"{name}: {value}".encode())
    except UnicodeEncodeError as error:
        raise UnsafeValue(f"{name}: not valid Unicode text") from error
    if size > MAX_LINE:
        raise UnsafeValue(f"{name}: {size} bytes; the switch drops lines over {MAX_LINE}")


def _lines(headers: Headers) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        for item in [value] if isinstance(value, str) else value:
            yield name, item


def checked(action: str, headers: Headers) -> dict[str, str | list[str]]:
    """Return the headers of `action`, or raise UnsafeValue naming the header, never its value."""
    merged: dict[str, str | list[str]] = {"Action": action}
    for name, value in headers.items():
        if name.lower() in {known.lower() for known in merged}:
            raise UnsafeValue(f"{name}: given twice; pass a list of values instead")
        merged[name] = value if isinstance(value, str) else list(value)
    if str(merged.get("Channel", "")).startswith("/"):
        # Hangup takes /.../ for a regular expression: /.*/ would end every call.
        raise UnsafeValue("Channel: a name that begins with / would stand for many channels")
    lines = list(_lines(merged))
    if len(lines) > MAX_HEADERS:
        raise UnsafeValue(f"{action}: {len(lines)} headers; the switch keeps {MAX_HEADERS}")
    for name, value in lines:
        _line(name, value)
    return merged


def variable(name: str, value: str) -> str:
    """Return `name=value` for a `Variable` header, refusing what would set a second variable.

    The switch splits the header at commas and takes quotes and backslashes as escapes
    (Asterisk `astman_get_variables`), so a caller's name could otherwise set anything.
    """
    if not _VARIABLE.fullmatch(name):
        raise UnsafeValue(f"not a channel variable's name ({len(name)} characters)")
    if re.search(r'[,"\\\r\n\0]', value):
        raise UnsafeValue(f'{name}: a comma, ", \\ or line end cannot be passed in a Variable')
    return f"{name}={value}"
