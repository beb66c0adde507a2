"""Identifiers: UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

import os
import time
import uuid


def uuid7(unix_ms: int | None = None, entropy: bytes | None = None) -> uuid.UUID:
    """Return a UUIDv7; `unix_ms` is the time in milliseconds since 1970 (default: now).

    `entropy` (ten bytes, default: random) makes an id that can be made again, as from a hash.
    """
    ms = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    value = (ms & (1 << 48) - 1) << 80 | int.from_bytes(entropy or os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return uuid.UUID(int=value)


def new_id() -> str:
    """Return a new UUIDv7 as text."""
    return str(uuid7())
