"""The leg log in SQL: written when a call has ended, from its facts, and read back.

Writing it again gives the same rows, so that facts which come late or twice do no harm.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.calls import facts as f
from gateway.calls.figures import LegEntry, Scope
from gateway.calls.leg_log import KINDS, leg_log
from gateway.ledger import tables as t


async def write(connection: AsyncConnection, call_id: str) -> None:
    """Put the log of a call in place of what is there; one that goes on has none."""
    told = select(t.facts.c.body).where(t.facts.c.call_id == call_id, t.facts.c.kind.in_(KINDS))
    bodies = (await connection.execute(told.order_by(t.facts.c.position))).scalars()
    found = leg_log(f.parse(body) for body in bodies)
    await connection.execute(delete(t.leg_log).where(t.leg_log.c.call_id == call_id))
    await connection.execute(delete(t.call_log).where(t.call_log.c.id == call_id))
    if found:
        await connection.execute(insert(t.call_log).values(**found.call.model_dump()))
        await connection.execute(insert(t.leg_log), [leg.model_dump() for leg in found.legs])


def ended(*, logged: bool = False, after: str = "", scope: Scope | None = None) -> Select[Any]:
    """Query the ids of calls that have ended; those that have a log already only with `logged`."""
    query = select(t.calls.c.id).where(t.calls.c.ended_at.is_not(None), t.calls.c.id > after)
    if not logged:
        query = query.where(~exists().where(t.call_log.c.id == t.calls.c.id))
    if scope:
        query = query.where(t.calls.c.started_at >= scope.start, t.calls.c.started_at < scope.end)
    return query


async def count_unlogged(connection: AsyncConnection, scope: Scope) -> int:
    """Return how many calls of the scope's time have ended and have no log yet."""
    missing = ended(scope=scope).subquery()
    return await connection.scalar(select(func.count()).select_from(missing)) or 0


async def legs(
    connection: AsyncConnection,
    scope: Scope | None,
    call: str,
    limit: int,
    before: str,
    cap_s: float,
) -> list[LegEntry]:
    """Return legs, the latest first; `before`: the id of the last one of the page before."""
    query = _legs(scope, call)
    if before:
        last = await connection.scalar(
            select(t.leg_log.c.started_at).where(t.leg_log.c.id == before)
        )
        if last is None:
            return []
        same = (t.leg_log.c.started_at == last) & (t.leg_log.c.id < before)
        query = query.where(or_(t.leg_log.c.started_at < last, same))
    query = query.order_by(t.leg_log.c.started_at.desc(), t.leg_log.c.id.desc()).limit(limit)
    return [_entry(row, timedelta(seconds=cap_s)) for row in await connection.execute(query)]


def _legs(scope: Scope | None, call: str) -> Select[Any]:
    later = t.legs.alias()
    following = (
        select(func.min(later.c.answered_at))
        .where(
            later.c.agent == t.leg_log.c.agent,
            later.c.agent != "",
            later.c.answered_at >= t.leg_log.c.ended_at,
            later.c.id != t.leg_log.c.id,
        )
        .scalar_subquery()
    )
    query = select(t.leg_log, following.label("next_answer"))
    if call:
        query = query.where(t.leg_log.c.call_id == call)
    if scope:
        query = query.join(t.call_log, t.call_log.c.id == t.leg_log.c.call_id).where(
            t.leg_log.c.started_at >= scope.start,
            t.leg_log.c.started_at < scope.end,
            t.call_log.c.message_status == scope.message_status,
        )
        if scope.centre:
            query = query.where(t.leg_log.c.centre == scope.centre)
    return query


def _entry(row: Row[Any], cap: timedelta) -> LegEntry:
    values = dict(row._mapping)
    following: datetime | None = values.pop("next_answer")
    wrap_up = min(following - values["ended_at"], cap) if following and row.answered_at else None
    return LegEntry.model_validate(
        values | {"wrap_up_ms": round(wrap_up / timedelta(milliseconds=1)) if wrap_up else None}
    )
