"""What the gateway's log says of a start: when which part of it was there."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

_LINE = re.compile(r"^(?P<at>\S+Z)\s+\[\w+\s*\]\s+(?P<event>\S+)(?:.*?\brole=(?P<role>\w+))?")
_PARTS = {"recovered": "calls", "ready": "{role}"}
"""Event -> the part that is there then; `supervisor` tells which role is ready."""


def parts_ready(log: Path, since: int) -> Mapping[str, float]:
    """Part -> when it was there first, Unix seconds, in the log from its byte `since` on.

    `calls`: control has the PBX and the calls; control, recognise, deliver: that role is ready.
    """
    found: dict[str, float] = {}
    with log.open("rb") as file:
        file.seek(since)
        for line in file.read().decode("utf-8", errors="replace").splitlines():
            told = _LINE.match(line)
            if told and told["event"] in _PARTS:
                part = _PARTS[told["event"]].format(role=told["role"])
                found.setdefault(part, datetime.fromisoformat(told["at"]).timestamp())
    return found
