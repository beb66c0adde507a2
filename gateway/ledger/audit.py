"""The audit chain: each entry's hash covers the one before, so that a change anywhere shows.

What a chain cannot show is its newest entries cut off: keep the last hash elsewhere for that.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.ledger import tables as t

GENESIS = "0" * 64
_CHAIN_LOCK = 0x4C44_4155
"""PostgreSQL advisory lock: two entries must not follow the same one."""


def link(entry: dict[str, Any]) -> str:
    """Return the hash of `entry` (id, at, actor, action, subject, detail, previous_hash)."""
    at: datetime = entry["at"]
    said = [entry["previous_hash"], entry["id"], at.isoformat()]
    said += [entry[name] for name in ("actor", "action", "subject", "detail")]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()


async def append(
    connection: AsyncConnection, at: datetime, actor: str, action: str, subject: str, detail: str
) -> None:
    """Add an entry, inside the caller's writing transaction."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CHAIN_LOCK})
    newest = select(t.audit.c.id, t.audit.c.hash).order_by(t.audit.c.id.desc()).limit(1)
    last = (await connection.execute(newest)).one_or_none()
    entry: dict[str, Any] = {
        "id": last.id + 1 if last else 1,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
        "previous_hash": last.hash if last else GENESIS,
    }
    await connection.execute(insert(t.audit).values(**entry, hash=link(entry)))


async def first_broken(connection: AsyncConnection) -> int | None:
    """Return the id of the first entry that does not fit the chain; None: the chain holds."""
    previous, expected = GENESIS, 1
    result = await connection.stream(select(t.audit).order_by(t.audit.c.id))
    async for row in result.mappings():
        fits = row["previous_hash"] == previous and row["id"] == expected
        if not fits or row["hash"] != link(dict(row)):
            return int(row["id"])
        previous, expected = row["hash"], expected + 1
    return None
