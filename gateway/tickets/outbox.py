"""The outbox: which messages are due, who is sending them, and what became of each attempt.

A message is leased before it is sent. A process that dies keeps its lease until it runs out; the
message then goes out again under the same webhook id. Of one ticket only the lowest revision
that is still open can be leased, so revisions arrive in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.ledger import tables as t
from gateway.ledger.entries import OPEN
from gateway.ledger.repository import Ledger
from gateway.ledger.rows import GONE
from gateway.tickets.retry import Outcome

_o = t.outbox
LONGEST_LEASE = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(seconds=10)
"""Those of two machines that deliver, by less than this."""


@dataclass(frozen=True)
class Message:
    """A leased message. `attempt` is the number of the attempt now to be made, from 1."""

    outbox_id: int
    call_id: str
    ticket_id: str
    revision: int
    webhook_id: str
    body: str
    """The ticket as JSON."""
    attempt: int
    lease: str


@dataclass(frozen=True)
class Attempt:
    """A finished attempt. `again_at`: when to try again, None: settled."""

    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    again_at: datetime | None = None


class Outbox:
    """Work with the outbox in the ledger. Every method raises LedgerError when SQL is down."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def claim(
        self, lease: str, limit: int, now: datetime, lease_for: timedelta
    ) -> list[Message]:
        """Lease up to `limit` due messages under the name `lease`, the longest due first.

        The attempt is counted here, so that one which kills the process counts too.
        """
        async with self._ledger.write() as connection:
            due = select(_o.c.id).where(_claimable(now)).order_by(_o.c.due_at, _o.c.id)
            due = due.limit(limit).with_for_update(skip_locked=True)
            ids = (await connection.execute(due)).scalars().all()
            if not ids:
                return []
            await connection.execute(
                update(_o)
                .where(_o.c.id.in_(ids))
                .values(
                    lease=lease,
                    leased_until=now + lease_for,
                    attempts=_o.c.attempts + 1,
                    due_at=case((_o.c.due_at > now, now), else_=_o.c.due_at),
                )
            )
            return await _leased(connection, ids)

    async def next_due(self) -> datetime | None:
        """Return when the next open message is due or its lease runs out; None: none is open."""
        moment = func.coalesce(_o.c.leased_until, _o.c.due_at)
        query = select(moment.label("moment"), _o.c.due_at).where(_open_and_first())
        async with self._ledger.read() as connection:
            rows = (await connection.execute(query.order_by(moment).limit(1))).all()
        return rows[0].moment if rows else None

    async def settle(self, message: Message, attempt: Attempt) -> bool:
        """Write down an attempt and its outcome; return whether the message's state is now ours.

        After a lost lease (another process sent it meanwhile) only a success still counts.
        """
        outcome = attempt.outcome
        async with self._ledger.write() as connection:
            await connection.execute(
                insert(t.deliveries).values(
                    outbox_id=message.outbox_id,
                    attempt=message.attempt,
                    started_at=attempt.started_at,
                    finished_at=attempt.finished_at,
                    status=outcome.status,
                    error=outcome.error,
                )
            )
            mine = and_(_o.c.id == message.outbox_id, _o.c.state.in_(OPEN))
            if outcome.verdict != "delivered":
                mine = and_(mine, _o.c.lease == message.lease)
            changed = await connection.execute(update(_o).where(mine).values(**_state(attempt)))
            if changed.rowcount and outcome.verdict == "gone":
                await _give_up_rest(connection, message, attempt.finished_at)
        return bool(changed.rowcount)


async def requeue(connection: AsyncConnection, outbox_ids: Sequence[int], now: datetime) -> None:
    """Send messages again, with a fresh count of attempts and the same webhook ids."""
    await connection.execute(
        update(_o)
        .where(_o.c.id.in_(outbox_ids))
        .values(
            state="queued",
            attempts=0,
            replays=_o.c.replays + 1,
            gone=False,
            due_at=now,
            lease="",
            leased_until=None,
            error="",
            settled_at=None,
        )
    )


def _open_and_first() -> Any:
    earlier = _o.alias()
    blocked = (
        select(earlier.c.id)
        .where(
            earlier.c.ticket_id == _o.c.ticket_id,
            earlier.c.revision < _o.c.revision,
            earlier.c.state.in_(OPEN),
        )
        .exists()
    )
    return and_(_o.c.state.in_(OPEN), ~blocked)


def _claimable(now: datetime) -> Any:
    """What may be sent now; moments that only a clock set back since can have written bind nobody.

    Else a clock that was a day ahead for a second would hold tickets up for a day.
    """
    tried = (
        select(t.deliveries.c.finished_at)
        .where(t.deliveries.c.outbox_id == _o.c.id)
        .order_by(t.deliveries.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    due = or_(_o.c.state == "queued", _o.c.due_at <= now, tried > now + CLOCKS_DIFFER)
    until = _o.c.leased_until
    free = or_(until.is_(None), until <= now, until > now + LONGEST_LEASE)
    return and_(_open_and_first(), due, free)


async def _leased(connection: AsyncConnection, ids: Sequence[int]) -> list[Message]:
    same = and_(t.tickets.c.ticket_id == _o.c.ticket_id, t.tickets.c.revision == _o.c.revision)
    query = select(_o, t.tickets.c.body).join_from(_o, t.tickets, same).where(_o.c.id.in_(ids))
    rows = (await connection.execute(query.order_by(_o.c.due_at, _o.c.id))).all()
    return [
        Message(
            outbox_id=row.id,
            call_id=row.call_id,
            ticket_id=row.ticket_id,
            revision=row.revision,
            webhook_id=row.webhook_id,
            body=row.body,
            attempt=row.attempts,
            lease=row.lease,
        )
        for row in rows
    ]


def _state(attempt: Attempt) -> dict[str, Any]:
    outcome = attempt.outcome
    free: dict[str, Any] = {"lease": "", "leased_until": None, "error": outcome.error}
    if attempt.again_at is not None:
        return {**free, "state": "retrying", "due_at": attempt.again_at}
    state = "delivered" if outcome.verdict == "delivered" else "dead"
    gone = outcome.verdict == "gone"
    return {**free, "state": state, "gone": gone, "settled_at": attempt.finished_at}


async def _give_up_rest(connection: AsyncConnection, message: Message, now: datetime) -> None:
    later = and_(_o.c.ticket_id == message.ticket_id, _o.c.state.in_(OPEN))
    await connection.execute(
        update(_o).where(later).values(state="dead", error=GONE, settled_at=now)
    )
