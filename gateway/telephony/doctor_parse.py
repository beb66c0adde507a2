"""Reading what the Asterisk console prints (formats of Asterisk 20 to 22)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_CONTEXT = re.compile(r"\[ Context '(?P<name>[^']+)' created by ")
_INCLUDE = re.compile(r"Include =>\s+'(?P<name>[^']+)'")
_EXTENSION = re.compile(r"'(?P<exten>[^']+)' \(?[^=]*=>\s*(?P<rest>.*)")
_STEP = re.compile(r"(\[\S+\]\s+)?\d+\. (?P<app>\w+)\((?P<args>.*)\)\s+\[[^\[\]]*\]\s*$")
_DYNAMIC = re.compile(r"(?P<name>\S+)\s+no def\s*(?P<code>\S*)\s*$")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass
class Step:
    """One priority of an extension."""

    app: str
    args: str


@dataclass
class Context:
    extensions: dict[str, list[Step]] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        return [step for steps in self.extensions.values() for step in steps]


def dialplan(lines: Iterable[str]) -> dict[str, Context]:
    """Parse `dialplan show`."""
    contexts: dict[str, Context] = {}
    context, extension = Context(), ""
    for raw in lines:
        line = raw.strip()
        if found := _CONTEXT.match(line):
            # One context may be listed once for each thing that created it.
            context = contexts.setdefault(found["name"], Context())
            continue
        if found := _INCLUDE.match(line):
            context.includes.append(found["name"])
            continue
        if found := _EXTENSION.match(line):
            extension, line = found["exten"], found["rest"]
            context.extensions.setdefault(extension, [])
        if (found := _STEP.match(line)) and extension in context.extensions:
            context.extensions[extension].append(Step(found["app"], found["args"]))
    return contexts


def arguments(args: str) -> list[str]:
    """Split application arguments at commas outside parentheses and quotes."""
    parts, depth, quoted, last = [""], 0, False, ""
    for char in args:
        if char == '"' and last != "\\":
            quoted = not quoted
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += char
        last = char
    return parts


def options(text: str) -> dict[str, str]:
    """Parse application options: `cF(a^b^1)` -> {'c': '', 'F': 'a^b^1'}."""
    return dict(re.findall(r"([A-Za-z])(?:\(([^()]*)\))?", text))


def version(text: str) -> tuple[int, int, int] | None:
    """Parse `22.10.1+dfsg...`; None for what has no number (a build from git)."""
    found = _VERSION.search(text)
    if not found:
        return None
    return int(found[1]), int(found[2]), int(found[3] or 0)


def modules(lines: Iterable[str]) -> dict[str, bool]:
    """Parse `module show`: module -> is it running."""
    found = {}
    for line in lines:
        name, _, rest = line.partition(" ")
        if name.endswith(".so"):
            found[name] = "Not Running" not in rest
    return found


def fields(lines: Iterable[str]) -> dict[str, str]:
    """Parse `Name:   value` lines; the first of equal names wins."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def features(lines: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Parse `features show`: (builtin, dynamic) feature -> its current code, '' if none."""
    builtin: dict[str, str] = {}
    dynamic: dict[str, str] = {}
    heading = ""
    for line in lines:
        if line.startswith(("Builtin Feature", "Dynamic Feature", "Feature Groups")):
            heading = line
        elif found := _DYNAMIC.match(line):
            dynamic[found["name"]] = found["code"]
        elif heading.startswith("Builtin") and line and not line.startswith("---"):
            # Either code may be missing, so only the columns tell them apart.
            name = line[: heading.index("Default")].strip()
            builtin[name] = line[heading.index("Current") :].strip()
    return builtin, dynamic


def menu(lines: Iterable[str]) -> dict[str, str]:
    """Parse `confbridge show menu`: code -> action."""
    return dict(
        line.split("=", 1) for line in lines if "=" in line and line[0] in "*#0123456789ABCD"
    )


def rights(lines: Iterable[str]) -> tuple[set[str], set[str]]:
    """Parse `manager show user`: (read, write) classes."""
    shown = fields(lines)
    read, write = shown.get("read perm", ""), shown.get("write perm", "")
    return set(read.split(",")), set(write.split(","))


def members(lines: Iterable[str]) -> list[str]:
    """Parse `queue show NAME`: its members' lines."""
    found, inside = [], False
    for line in lines:
        text = line.strip()
        if text.startswith("Members:"):
            inside = True
        elif text.startswith(("No Callers", "Callers:", "No Members")):
            inside = False
        elif inside and text:
            found.append(text)
    return found
