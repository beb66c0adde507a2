"""Queries behind the figures: counts by period and centre, and the calls to look at one by one."""

import asyncio
from datetime import tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.calls.figures import (
    CallTimes,
    Count,
    Figures,
    Limits,
    Noted,
    NotedCall,
    Per,
    Returned,
    Scope,
    TransferCount,
)
from gateway.calls.leg_log import RETURNED
from gateway.ledger import tables as t

_AT_A_TIME = 500
_log = t.call_log.c


async def figures(
    connection: AsyncConnection, scope: Scope, per: Per, zone: tzinfo, limits: Limits
) -> list[Figures]:
    """Return the figures of each period and centre."""
    columns = [
        _log.centre, _log.started_at, _log.answered_at.is_not(None).label("answered"),
        _log.outcome, _log.wait_ms, _log.talk_ms, _log.conference_ms, _log.returned,
        _log.gave_up, _log.estimated,
    ]  # fmt: skip
    count = Count(scope, per, zone, limits)
    found = await connection.stream(_within(select(*columns), scope))
    # In small parts: calls are driven by the same loop.
    async for rows in found.mappings().partitions(_AT_A_TIME):
        for row in rows:
            count.add(CallTimes(**row))
    return await asyncio.to_thread(count.figures)


async def transfers(connection: AsyncConnection, scope: Scope) -> list[TransferCount]:
    """Return how the transfers of these calls went, from and to the scope's centre."""
    by = [t.transfers.c[name] for name in ("source", "target", "state", "reason")]
    anywhere = Scope(scope.start, scope.end, "", scope.message_status)
    query = _within(select(*by, func.count().label("count")), anywhere).join_from(
        t.transfers, t.call_log, _log.id == t.transfers.c.call_id
    )
    if scope.centre:
        ends = (t.transfers.c.source, t.transfers.c.target)
        query = query.where(or_(*[end == scope.centre for end in ends]))
    rows = (await connection.execute(query.group_by(*by).order_by(*by))).mappings()
    return [TransferCount(outcome=row["state"], **_but(row, "state")) for row in rows]


async def noted(
    connection: AsyncConnection, scope: Scope, which: Noted, limits: Limits, limit: int, before: str
) -> list[NotedCall]:
    """Return such calls, the latest first; `before`: the id of the last one of the page before."""
    query = select(t.call_log, t.calls.c.caller_number).join_from(
        t.call_log, t.calls, t.calls.c.id == _log.id
    )
    query = _within(query, scope).where(_is(which, limits))
    if before:
        query = query.where(_log.id < before)
    query = query.order_by(_log.id.desc()).limit(limit)
    rows = (await connection.execute(query)).mappings().all()
    back = await _returned(connection, [row["id"] for row in rows])
    return [NotedCall(**row, transfers_returned=back.get(row["id"], [])) for row in rows]


def _within(query: Select[Any], scope: Scope) -> Select[Any]:
    query = query.where(
        _log.started_at >= scope.start,
        _log.started_at < scope.end,
        _log.message_status == scope.message_status,
    )
    return query.where(_log.centre == scope.centre) if scope.centre else query


def _is(which: Noted, limits: Limits) -> ColumnElement[bool]:
    abandoned = _log.outcome == "abandoned"
    soon = _log.wait_ms < limits.short_abandon_s * 1000
    return {
        Noted.ABANDONED: abandoned,
        Noted.SHORT_ABANDONED: and_(abandoned, soon),
        Noted.GAVE_UP: _log.gave_up,
        Noted.RETURNED: _log.returned > 0,
        Noted.LOST: _log.outcome == "lost",
    }[which]


async def _returned(connection: AsyncConnection, calls: list[str]) -> dict[str, list[Returned]]:
    query = select(t.transfers).where(
        t.transfers.c.call_id.in_(calls), t.transfers.c.state.in_([one.value for one in RETURNED])
    )
    found: dict[str, list[Returned]] = {}
    for row in await connection.execute(query.order_by(t.transfers.c.requested_at)):
        came_back = Returned(
            source=row.source,
            target=row.target,
            outcome=row.state,
            reason=row.reason,
            at=row.changed_at,
        )
        found.setdefault(row.call_id, []).append(came_back)
    return found


def _but(row: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
