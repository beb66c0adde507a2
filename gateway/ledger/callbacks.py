"""Call-back tasks: whom to call back, who does it, and what came of it.

A task is numbered ``CB-<centre>-<day>-<0001>`` by centre and day in the transaction that writes its
fact: rivals wait for each other on the counter's row, and a fact told twice opens one task.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Select, and_, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.calls import facts as f
from gateway.calls.callback_task import CallbackEntry, CallbackState, Hand
from gateway.errors import CallbackNotFound, CallbackNotYours
from gateway.ledger import tables as t

_c = t.callbacks.c


async def open_task(connection: AsyncConnection, due: f.CallbackDue, zone: tzinfo) -> None:
    """Open the task of `due`, in the day of `zone`, unless its call has one."""
    there = select(_c.number).where(_c.call_id == due.call_id)
    if await connection.scalar(there):
        return
    day = due.at.astimezone(zone).strftime("%Y%m%d")
    place = await _next(connection, due.centre, day)
    await connection.execute(
        insert(t.callbacks).values(
            number=f"CB-{due.centre}-{day}-{place:04d}",
            state="open",
            due_at=due.at,
            why=due.why.value,
            **due.model_dump(include={"call_id", "centre", "target", "transfer_id", "danger"}),
        )
    )


async def _next(connection: AsyncConnection, centre: str, day: str) -> int:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    first = dialect.insert(t.callback_numbers).values(centre=centre, day=day, last=1)
    counted = first.on_conflict_do_update(
        index_elements=["centre", "day"], set_={"last": t.callback_numbers.c.last + 1}
    ).returning(t.callback_numbers.c.last)
    place: int = (await connection.execute(counted)).scalar_one()
    return place


async def entries(
    connection: AsyncConnection, states: Sequence[CallbackState], centre: str, limit: int
) -> list[CallbackEntry]:
    """Return tasks: danger first, then who has waited longest; those done, the latest first."""
    query = _entries().where(_c.state.in_(states))
    if centre:
        query = query.where(_c.centre == centre)
    if list(states) == ["done"]:
        query = query.order_by(_c.done_at.desc(), _c.number.desc())
    else:
        query = query.order_by(_c.danger.desc(), _c.due_at, _c.number)
    rows = (await connection.execute(query.limit(limit))).mappings()
    return [CallbackEntry.model_validate(dict(row)) for row in rows]


async def entry(connection: AsyncConnection, number: str) -> CallbackEntry:
    """Return one task. Raises CallbackNotFound."""
    found = (await connection.execute(_entries().where(_c.number == number))).mappings()
    row = found.one_or_none()
    if row is None:
        raise CallbackNotFound(f"no call-back {number}; `liandong callbacks list` shows them")
    return CallbackEntry.model_validate(dict(row))


async def taking(
    connection: AsyncConnection, number: str, by: Hand, at: datetime
) -> f.CallbackTaken | None:
    """Return the fact of taking the task; None: it is theirs already. Raises CallbackNotYours."""
    task = await _locked(connection, number)
    if task.state == "taken" and task.taken_by == by.name:
        return None
    if task.state == "done" or (task.state == "taken" and not by.any_task):
        raise CallbackNotYours(f"{number} is {task.state} already, by {_by(task)}")
    return f.CallbackTaken(call_id=task.call_id, at=at, number=number, by=by.name)


async def finishing(
    connection: AsyncConnection,
    number: str,
    by: Hand,
    at: datetime,
    outcome: f.CallbackOutcome,
    note: str,
) -> f.CallbackDone | None:
    """Return the fact of the task's end; None: told already. Raises CallbackNotYours."""
    task = await _locked(connection, number)
    if task.state == "done" and (task.done_by, task.outcome) == (by.name, outcome.value):
        return None
    if task.state != "taken":
        raise CallbackNotYours(f"{number} is {task.state}; take it before you finish it")
    if task.taken_by != by.name and not by.any_task:
        raise CallbackNotYours(f"{number} is taken, by {_by(task)}")
    said = {"number": number, "by": by.name, "outcome": outcome, "note": note}
    return f.CallbackDone.model_validate({"call_id": task.call_id, "at": at, **said})


async def _locked(connection: AsyncConnection, number: str) -> Any:
    query = select(t.callbacks).where(_c.number == number).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise CallbackNotFound(f"no call-back {number}; `liandong callbacks list` shows them")
    return row


def _by(task: Any) -> str:
    return str(task.done_by or task.taken_by)


def _entries() -> Select[Any]:
    own = [_c[name] for name in CallbackEntry.model_fields if name in _c]
    call = [t.calls.c.caller_number, t.calls.c.message_status]
    newest = _newest_suggestion()
    made = [t.suggestions.c[name] for name in ("platform", "item", "item_name", "urgency")]
    ticket = select(func.max(t.tickets.c.ticket_id)).where(t.tickets.c.call_id == _c.call_id)
    return (
        select(
            *own,
            *call,
            *made,
            t.suggestions.c.id.label("suggestion_id"),
            ticket.scalar_subquery().label("ticket_id"),
            _last_words().label("last_words"),
        )
        .join(t.calls, t.calls.c.id == _c.call_id)
        .outerjoin(t.suggestions, t.suggestions.c.id == newest)
    )


def _newest_suggestion() -> Any:
    one = t.suggestions.alias()
    query = select(one.c.id).where(one.c.call_id == _c.call_id)
    return query.order_by(one.c.at.desc(), one.c.id.desc()).limit(1).scalar_subquery()


def _last_words() -> Any:
    said = and_(
        t.utterances.c.call_id == _c.call_id,
        t.legs.c.id == t.utterances.c.leg_id,
        t.legs.c.role == f.LegRole.CALLER.value,
    )
    query = select(t.utterances.c.text).where(said).order_by(t.utterances.c.start_ms.desc())
    return query.limit(1).correlate(t.callbacks).scalar_subquery()
