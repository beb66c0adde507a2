"""Shifts `time.time` of a process that starts with this folder in PYTHONPATH.

By as many seconds as the file named by LIANDONG_LAB_CLOCK says at the moment; the steady clocks go
on as they are, as with a clock that is set.
"""

import os
import time

_PATH = os.environ.get("LIANDONG_LAB_CLOCK", "")
_true = time.time


def _shift_s() -> float:
    try:
        with open(_PATH, encoding="ascii") as file:  # noqa: PTH123  read at every look
            return float(file.read() or 0)
    except (OSError, ValueError):
        return 0.0


if _PATH:
    time.time = lambda: _true() + _shift_s()
