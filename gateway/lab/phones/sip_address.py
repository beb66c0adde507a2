"""SIP URIs and name-addr values: the parts of RFC 3261 sections 19.1 and 20.10 a phone needs."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from gateway.errors import MalformedMessage

_NAME_ADDR = re.compile(r'^\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<([^>]+)>(.*)$', re.DOTALL)
_URI = re.compile(r"^(?:sips?|tel):(?:([^@;?]*)@)?([^;?]*)", re.IGNORECASE)


@dataclass(frozen=True)
class NameAddr:
    """``"display" <uri>;params``; `params` names are lower case."""

    uri: str
    display: str = ""
    params: dict[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        return self.params.get("tag", "")

    @property
    def user(self) -> str:
        return uri_user(self.uri)


def parse_name_addr(value: str) -> NameAddr:
    """Read one From, To, Contact or P-Asserted-Identity value. Raises MalformedMessage."""
    if match := _NAME_ADDR.match(value):
        quoted, bare, uri, tail = match.groups()
        display = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare.strip()
        return NameAddr(uri.strip(), display, parse_params(tail))
    uri, _, tail = value.strip().partition(";")
    if not _URI.match(uri):
        raise MalformedMessage(f"not a SIP address: {value[:80]!r}")
    return NameAddr(uri, "", parse_params(tail))


def parse_params(text: str) -> dict[str, str]:
    """Read ``;name=value;flag`` into a dict; flags get an empty value."""
    params: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            params[name.strip().lower()] = value.strip().strip('"')
    return params


def uri_user(uri: str) -> str:
    """Return the user part, or for ``tel:`` the number; empty when there is none."""
    match = _URI.match(uri)
    if match is None:
        return ""
    user, rest = match.groups()
    if user is None:
        return rest if uri[:4].lower() == "tel:" else ""
    return unquote(user.partition(":")[0])


def format_name_addr(uri: str, display: str = "", tag: str = "") -> str:
    """Write a name-addr, quoting `display` where there is one."""
    name = re.sub(r'(["\\])', r"\\\1", display)
    return (f'"{name}" ' if display else "") + f"<{uri}>" + (f";tag={tag}" if tag else "")


def split_list(value: str) -> list[str]:
    """Split a comma-separated header, minding quotes and angle brackets."""
    parts, start, depth, quoted = [], 0, 0, False
    for index, char in enumerate(value):
        if char == '"' and value[index - 1 : index] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif char in "<>":
            depth += 1 if char == "<" else -1
        elif char == "," and depth == 0:
            parts.append(value[start:index].strip())
            start = index + 1
    parts.append(value[start:].strip())
    return [part for part in parts if part]
