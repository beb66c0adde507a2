"""What the doctor says about one thing it looked at."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """`detail` says what was seen; `remedy` how to mend it (empty when `ok`)."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


def ok(name: str, detail: str) -> Finding:
    return Finding(name, "ok", detail)


def warn(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, "warn", detail, remedy)


def fail(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, "fail", detail, remedy)


def exit_status(findings: list[Finding]) -> int:
    """1 when anything failed, else 0; warnings do not count."""
    return int(any(finding.status == "fail" for finding in findings))
