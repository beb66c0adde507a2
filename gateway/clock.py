"""Wall-clock time in one shape, RFC 3339 with an offset; and one that nobody sets."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, in UTC, aware of its offset."""
    return datetime.fromtimestamp(time.time(), UTC)


def steady() -> float:
    """Return seconds that also pass while the machine sleeps, and that nobody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
