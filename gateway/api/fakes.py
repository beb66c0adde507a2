"""A ledger and a live stream in memory, for tests of the API alone."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, tzinfo
from typing import Any

from gateway.calls.callback_task import CallbackEntry, CallbackState, Hand
from gateway.calls.facts import CallbackDone, CallbackOutcome, CallbackTaken
from gateway.calls.figures import (
    CallTimes,
    Count,
    Figures,
    LegEntry,
    Limits,
    Noted,
    NotedCall,
    Per,
    Scope,
    TransferCount,
)
from gateway.calls.leg_record import CallRecord
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.errors import CallbackNotFound, LedgerError
from gateway.live.item import HELLO, LiveItem


@dataclass(frozen=True)
class FakeTicket:
    id: str
    call_id: str
    revision: int = 1
    phase: str = "preliminary"
    state: str = "delivered"
    attempts: int = 1
    error: str = ""
    updated_at: datetime = field(default_factory=now)


class FakeLedger:
    """Set `down` to make it raise LedgerError throughout; `audited` holds what was written.

    Figures are counted over `ended`; `asked` holds what else was asked for and not found: for that
    use a real ledger.
    """

    def __init__(self) -> None:
        self.documents: list[tuple[FakeTicket, dict[str, Any]]] = []
        self.past: dict[str, CallView] = {}
        self.ended: list[CallRecord] = []
        self.asked: list[tuple[Any, ...]] = []
        self.audited: list[tuple[str, str, str, str]] = []
        self.down = False

    async def tickets(self, limit: int, before: str | None) -> Sequence[FakeTicket]:
        self._check()
        rows = sorted((row for row, _ in self.documents), key=lambda row: row.id, reverse=True)
        return [row for row in rows if before is None or row.id < before][:limit]

    async def ticket(self, ticket_id: str) -> tuple[FakeTicket, dict[str, Any]] | None:
        self._check()
        return next((found for found in self.documents if found[0].id == ticket_id), None)

    async def given_up(self) -> int:
        self._check()
        return sum(row.state == "dead" for row, _ in self.documents)

    async def call(self, call_id: str) -> CallView | None:
        self._check()
        return self.past.get(call_id)

    async def figures(self, scope: Scope, per: Per, zone: tzinfo, limits: Limits) -> list[Figures]:
        self._check()
        count = Count(scope, per, zone, limits)
        for call in self.ended:
            said = call.model_dump() | {"answered": call.answered_at is not None}
            count.add(CallTimes(**{one.name: said[one.name] for one in fields(CallTimes)}))
        return count.figures()

    async def transfer_counts(self, scope: Scope) -> list[TransferCount]:
        self._check()
        self.asked.append((scope,))
        return []

    async def unlogged(self, scope: Scope) -> int:
        self._check()
        self.asked.append((scope,))
        return 0

    async def noted(
        self, scope: Scope, which: Noted, limits: Limits, limit: int, before: str
    ) -> list[NotedCall]:
        self._check()
        self.asked.append((scope, which, limits, limit, before))
        return []

    async def leg_log(
        self, scope: Scope | None, call: str, limit: int, before: str, wrap_up_cap_s: float
    ) -> list[LegEntry]:
        self._check()
        self.asked.append((scope, call, limit, before, wrap_up_cap_s))
        return []

    async def callbacks(
        self, states: Sequence[CallbackState], centre: str, limit: int
    ) -> Sequence[CallbackEntry]:
        self._check()
        self.asked.append((tuple(states), centre, limit))
        return []

    async def callback(self, number: str) -> CallbackEntry:
        self._check()
        raise CallbackNotFound(f"no call-back {number}")

    async def take_callback(self, number: str, by: Hand) -> CallbackTaken | None:
        raise CallbackNotFound(f"no call-back {number} for {by}")

    async def finish_callback(
        self, number: str, by: Hand, outcome: CallbackOutcome, note: str
    ) -> CallbackDone | None:
        raise CallbackNotFound(f"no call-back {number} for {by}: {outcome} {note}")

    async def audit(self, actor: str, action: str, subject: str, detail: str) -> None:
        self._check()
        self.audited.append((actor, action, subject, detail))

    def _check(self) -> None:
        if self.down:
            raise LedgerError("the ledger is down")


class FakeLiveReader:
    """Yields HELLO and the scripted `items`, then ends; `asked` holds what was asked for."""

    def __init__(self, *items: LiveItem) -> None:
        self.items = list(items)
        self.asked: list[str | None] = []

    async def read(self, after: str | None) -> AsyncGenerator[LiveItem, None]:
        self.asked.append(after)
        yield LiveItem("0-0", HELLO)
        for item in self.items:
            yield item
