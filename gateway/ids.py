"""Identifiers: UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

import hashlib
import os
import re
import time
import uuid

_UNIQUE_ID = re.compile(r"(\d{9,11})\.(\d+)$")
"""Asterisk's: seconds since 1970 and a running number, behind a system name where there is one."""


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


def call_id(room: str, pbx: str) -> str:
    """Return the id of the call that `pbx` names `room`: the same whoever finds it, and when.

    Sorts by the time of the call, as the PBX has it. A room that was not named after a channel of
    Asterisk's gets a new id.
    """
    named = _UNIQUE_ID.search(room)
    if named is None:
        return new_id()
    unix_ms = int(named[1]) * 1000 + int(named[2]) % 1000
    return str(uuid7(unix_ms, hashlib.sha256(f"{pbx}\n{room}".encode()).digest()[:10]))
