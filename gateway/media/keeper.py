"""Keeps a tap on every leg that speaks: what fails or dies is tried again, ever more rarely.

A tap that cannot be opened costs the transcript, never the call: the gap is marked when it begins,
and with its length once it is over.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from gateway import log
from gateway.calls import facts as f
from gateway.calls.commands import OpenTap
from gateway.clock import now
from gateway.errors import NoCapacity
from gateway.media.taps import FAILURES
from gateway.telephony.reconcile import TAP_PREFIX

_log = log.get("media")

PAUSES_S = (0.5, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Before each further try; the last goes on for as long as the leg speaks."""
_WELL_S = 10.0
"""A tap that ends sooner was refused, or its worker cannot live: the next try waits longer."""
_UUID_LENGTH = 36
NO_TAP, NO_CAPACITY, RESTARTED, OFF = "no tap", "no capacity", "recognition restarted", "off"


class Opener(Protocol):
    """`taps.TapOpener`."""

    async def open(
        self, command: OpenTap, uuid: str, *, dead: str = "", since: datetime | None = None
    ) -> str: ...

    async def worker_within(self, wait_s: float) -> bool: ...


@dataclass
class _Kept:
    command: OpenTap
    worker: str = ""
    opened_at: datetime | None = None
    lost_at: datetime | None = None
    why: str = ""
    refused: bool = False
    failed: int = 0
    """Tries in a row that came to nothing."""


class TapKeeper:
    """`open` is how the call's session asks for a tap; `ended` tells of a tap's channel."""

    def __init__(
        self,
        opener: Opener,
        *,
        speaks: Callable[[str], bool],
        started_ms: Callable[[str], int],
        record: Callable[[f.Fact], None],
        listens: bool = True,
    ) -> None:
        """`speaks`: whether a leg is live; `started_ms`: Unix ms of its call's start; `listens`:
        False where nobody is to be transcribed."""
        self._opener = opener
        self._speaks = speaks
        self._started_ms = started_ms
        self._record = record
        self._listens = listens
        self._opened: dict[str, _Kept] = {}
        self._waiting: dict[str, _Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, command: OpenTap, lost_at: datetime | None = None) -> None:
        """Open a tap on `command.channel`, now or later.

        `lost_at`: nobody has listened since, and that is a gap.
        """
        kept = _Kept(command, lost_at=lost_at, why=RESTARTED if lost_at else "")
        if not self._listens:
            self._unheard(kept, OFF)
            return
        if not await self._try(kept):
            self._retry(kept)

    def adopt(self, command: OpenTap, channel: str) -> None:
        """Keep a tap that an earlier gateway opened: `channel` is its own, AudioSocket/..."""
        worker = channel.removeprefix(TAP_PREFIX)[: -_UUID_LENGTH - 1]
        self._opened[channel[-_UUID_LENGTH:]] = _Kept(command, worker, now())

    def ended(self, channel: str) -> None:
        """A channel AudioSocket/... has ended: with its leg as a rule, else its worker has died."""
        kept = self._opened.pop(channel[-_UUID_LENGTH:], None)
        if kept is None or kept.opened_at is None:
            return
        kept.lost_at = now()
        lived_s = (kept.lost_at - kept.opened_at).total_seconds()
        kept.failed = kept.failed + 1 if lived_s < _WELL_S else 0
        kept.why = RESTARTED
        self._retry(kept)

    def refused(self, leg_id: str) -> None:
        """A worker has said that it has no room for this leg; its tap's end comes as well."""
        for kept in (*self._opened.values(), *self._waiting.values()):
            if kept.command.leg_id == leg_id:
                kept.refused = True

    async def worker_within(self, wait_s: float) -> bool:
        """Whether a recognition worker is announced, now or within `wait_s`."""
        return self._listens and await self._opener.worker_within(wait_s)

    async def close(self) -> None:
        """Try nothing again."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _again(self, kept: _Kept) -> None:
        leg, begun = kept.command.leg_id, kept.failed
        while True:
            await asyncio.sleep(PAUSES_S[min(kept.failed, len(PAUSES_S) - 1)])
            if not self._speaks(leg):
                if kept.lost_at and (kept.failed > begun or kept.opened_at is None):
                    self._mark(kept, kept.lost_at, now())
                break
            if await self._try(kept):
                _log.warning("tap opened again", leg=leg)
                break
        self._waiting.pop(leg, None)

    async def _try(self, kept: _Kept) -> bool:
        uuid = str(uuid4())
        lost_at, before = kept.lost_at, kept.opened_at
        # Its end may be told before the switch has answered.
        self._opened[uuid], kept.opened_at = kept, now()
        try:
            worker = await self._opener.open(kept.command, uuid, dead=kept.worker, since=lost_at)
        except FAILURES as error:
            self._opened.pop(uuid, None)
            kept.opened_at = before
            self._failed(kept, error)
            return False
        kept.worker = worker
        if lost_at is not None:
            self._mark(kept, lost_at, now())
            kept.refused = False
        if uuid in self._opened:
            kept.lost_at = None
        return True

    def _failed(self, kept: _Kept, error: Exception) -> None:
        kept.failed += 1
        leg = kept.command.leg_id
        _log.warning("tap failed", leg=leg, error=type(error).__name__, tries=kept.failed)
        if kept.lost_at is None:
            self._unheard(kept, NO_CAPACITY if isinstance(error, NoCapacity) else NO_TAP)

    def _unheard(self, kept: _Kept, why: str) -> None:
        """Nobody hears this leg from its beginning."""
        leg = kept.command.leg_id
        kept.why, kept.lost_at = why, now()
        self._mark(kept, kept.lost_at, kept.lost_at)
        self._record(f.SpeechClosed(call_id=_call_of(leg), leg_id=leg))

    def _mark(self, kept: _Kept, lost_at: datetime, until: datetime) -> None:
        """What has been said from `lost_at` to `until` was not heard."""
        leg = kept.command.leg_id
        zero = self._started_ms(leg)
        gap = f.GapMarked(
            call_id=_call_of(leg),
            leg_id=leg,
            start_ms=max(0, int(lost_at.timestamp() * 1000) - zero),
            end_ms=max(0, int(until.timestamp() * 1000) - zero),
            why=NO_CAPACITY if kept.refused else kept.why,
        )
        self._record(gap)

    def _retry(self, kept: _Kept) -> None:
        self._waiting[kept.command.leg_id] = kept
        task = asyncio.create_task(self._again(kept), name="tap")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _call_of(leg_id: str) -> str:
    return leg_id.split(".", 1)[0]
