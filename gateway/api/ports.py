"""What the API needs of the other slices, beside `calls.port.CallControl`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.calls.view import CallView
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

    async def audit(self, actor: str, action: str, subject: str, detail: str) -> None: ...
