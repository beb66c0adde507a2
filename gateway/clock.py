"""Wall-clock time in one shape: RFC 3339 with an offset."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, in UTC, aware of its offset."""
    return datetime.now(UTC)
