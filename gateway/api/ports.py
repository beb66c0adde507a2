"""What the API needs of the other slices, beside `calls.port.CallControl`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Protocol

from gateway.calls.callback_task import CallbackEntry, CallbackState, Hand
from gateway.calls.facts import CallbackDone, CallbackOutcome, CallbackTaken
from gateway.calls.figures import (
    Figures,
    LegEntry,
    Limits,
    Noted,
    NotedCall,
    Per,
    Scope,
    TransferCount,
)
from gateway.calls.view import CallView
from gateway.dispatch.taxonomy import Taxonomy
from gateway.live.item import LiveItem


class TicketRow(Protocol):
    """One ticket in the record, at its latest revision."""

    @property
    def id(self) -> str: ...
    @property
    def call_id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def phase(self) -> str: ...
    @property
    def state(self) -> str:
        """queued | delivered | retrying | dead"""
        ...

    @property
    def attempts(self) -> int: ...
    @property
    def error(self) -> str: ...
    @property
    def updated_at(self) -> datetime: ...


class LiveReader(Protocol):
    """Served by `live.streams.RedisLiveReader`."""

    def read(self, after: str | None) -> AsyncGenerator[LiveItem, None]:
        """A mark first, then what comes after the entry `after` (None: from now on)."""
        ...


class Adviser(Protocol):
    """Served by `dispatch.begin.Advising`. Raises AdviceNotReady after a start."""

    async def answer(self, text: str) -> dict[str, object]:
        """What is proposed for a text. Raises TextRefused."""
        ...

    def lists(self) -> Taxonomy:
        """The diversion lists in force."""
        ...


class LedgerReader(Protocol):
    """The record. Raises LedgerError when it cannot be read or written."""

    async def tickets(self, limit: int, before: str | None) -> Sequence[TicketRow]:
        """Newest first; `before` is the id of the last one of the page before."""
        ...

    async def ticket(self, ticket_id: str) -> tuple[TicketRow, Mapping[str, Any]] | None:
        """The ticket and its document as sent, at the latest revision."""
        ...

    async def given_up(self) -> int:
        """How many revisions of tickets are dead."""
        ...

    async def call(self, call_id: str) -> CallView | None:
        """A call of the past."""
        ...

    async def figures(
        self, scope: Scope, per: Per, zone: tzinfo, limits: Limits
    ) -> list[Figures]: ...

    async def transfer_counts(self, scope: Scope) -> list[TransferCount]: ...

    async def unlogged(self, scope: Scope) -> int:
        """How many ended calls are not in the figures yet."""
        ...

    async def noted(
        self, scope: Scope, which: Noted, limits: Limits, limit: int, before: str
    ) -> list[NotedCall]:
        """Newest first; `before` is the id of the last one of the page before."""
        ...

    async def leg_log(
        self, scope: Scope | None, call: str, limit: int, before: str, wrap_up_cap_s: float
    ) -> list[LegEntry]:
        """Newest first; `before` is the id of the last leg of the page before."""
        ...

    async def callbacks(
        self, states: Sequence[CallbackState], centre: str, limit: int
    ) -> Sequence[CallbackEntry]:
        """Tasks in these states; `centre` '': of every centre."""
        ...

    async def callback(self, number: str) -> CallbackEntry:
        """Raises CallbackNotFound."""
        ...

    async def take_callback(self, number: str, by: Hand) -> CallbackTaken | None:
        """The fact; None: it is theirs already. Raises CallbackNotYours."""
        ...

    async def finish_callback(
        self, number: str, by: Hand, outcome: CallbackOutcome, note: str
    ) -> CallbackDone | None:
        """The fact; None: told already. Raises CallbackNotYours."""
        ...

    async def audit(self, actor: str, action: str, subject: str, detail: str) -> None: ...
