"""The recorder: every fact into the ledger, tickets and leg logs out of them, in no call's way.

The journal is the local truth and comes first; what waits here can be told again from it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import islice

from prometheus_client import Counter, Gauge

from gateway.calls.facts import CallbackDue, CallbackOpened, Fact
from gateway.calls.leg_log import KINDS
from gateway.calls.view import CallView
from gateway.clock import now as clock_now
from gateway.errors import LedgerError, LedgerRefused
from gateway.ledger.issue import Job, issue
from gateway.ledger.repository import Ledger
from gateway.ledger.triggers import Triggers, rings
from gateway.log import get
from gateway.settings import Settings

_log = get("recorder")

BATCH = 200
"""Facts written in one transaction."""

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
WAKE_TIMEOUT_S = 1.0

_waiting = Gauge("liandong_recorder_waiting", "Facts and tickets not yet in the ledger")
_retries = Counter("liandong_recorder_retries", "Writes put off because the ledger was down")
_refused = Counter("liandong_recorder_refused", "Facts and tickets the ledger would not take")


class Recorder:
    """Takes facts in order, writes them to SQL, issues tickets when their time has come."""

    def __init__(
        self,
        ledger: Ledger,
        wake: Callable[[], Awaitable[None]],
        publish: Callable[[Fact], None],
        settings: Settings,
        clock: Callable[[], datetime] = clock_now,
    ) -> None:
        """`wake` tells the delivery process; `publish` hands TicketQueued to call control."""
        self._ledger = ledger
        self._wake = wake
        self._publish = publish
        self._settings = settings
        self._clock = clock
        self._items: deque[Fact | Job] = deque()
        self._triggers = Triggers()
        self._unnumbered: dict[str, CallView] = {}
        """Calls with a call-back task whose number has not been told."""
        self._unlogged: dict[str, int] = {}
        """Ended calls whose leg log is not written yet, and how much was told of them since."""
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._waking: set[asyncio.Task[None]] = set()
        self._pause = FIRST_PAUSE_S

    def offer(self, fact: Fact, view: CallView) -> None:
        """Take `fact`, already in the journal; `view` has it folded in. Never blocks."""
        self._items.append(fact)
        self._triggers.see(fact, view, asyncio.get_running_loop().time())
        if view.ended_at and fact.kind in KINDS:
            self._unlogged[fact.call_id] = self._unlogged.get(fact.call_id, 0) + 1
        if isinstance(fact, CallbackDue) and view.callback and not view.callback.number:
            self._unnumbered[fact.call_id] = view
        if rings(fact) and view.ended_at is None:
            self._items.append(Job("preliminary", view.model_copy(deep=True), view))
        _waiting.set(len(self._items))
        self._idle.clear()
        self._something.set()

    async def idle(self) -> None:
        """Wait until everything offered is in the ledger and all that was due is issued."""
        while self._items or self._unlogged or self._triggers.next_at() is not None:
            self._idle.clear()
            await self._idle.wait()

    async def run(self) -> None:
        """Write for ever; over an outage of SQL facts wait here, in order."""
        try:
            while True:
                self._something.clear()
                self._issue_due()
                if self._items:
                    await self._write()
                elif self._unlogged:
                    await self._log_legs()
                else:
                    await self._nap()
        finally:
            for waking in self._waking:
                waking.cancel()

    def _issue_due(self) -> None:
        for view in self._triggers.take(asyncio.get_running_loop().time()):
            self._items.append(Job("final", view.model_copy(deep=True), view))

    async def _nap(self) -> None:
        at = self._triggers.next_at()
        if at is None:
            self._idle.set()
        timeout = None if at is None else max(0.0, at - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(timeout):
                await self._something.wait()
        except TimeoutError:
            pass

    async def _write(self) -> None:
        try:
            done = await self._write_next()
        except LedgerRefused as error:
            self._set_aside(self._items[0], error)
            done = 1
        except LedgerError as error:
            await self._put_off(error)
            return
        except Exception as error:  # one bad item must not stop the record of the others
            self._set_aside(self._items[0], error)
            done = 1
        self._pause = FIRST_PAUSE_S
        for _ in range(done):
            self._items.popleft()
        _waiting.set(len(self._items))

    async def _put_off(self, error: LedgerError) -> None:
        _retries.inc()
        _log.warning("ledger-down", waiting=len(self._items), error=str(error))
        await asyncio.sleep(random.uniform(self._pause / 2, self._pause))  # noqa: S311
        self._pause = min(self._pause * 2, LONGEST_PAUSE_S)

    async def _log_legs(self) -> None:
        """Fold a call that has ended, all its facts being in the ledger."""
        call_id, told = next(iter(self._unlogged.items()))
        try:
            await self._ledger.log_calls([call_id])
        except LedgerRefused as error:
            self._not_logged(call_id, error)
        except LedgerError as error:
            await self._put_off(error)
            return
        except Exception as error:  # the record is whole without it: see `liandong figures rebuild`
            self._not_logged(call_id, error)
        self._pause = FIRST_PAUSE_S
        if self._unlogged[call_id] == told:
            del self._unlogged[call_id]

    def _not_logged(self, call_id: str, error: Exception) -> None:
        _refused.inc()
        _log.error("no-leg-log", call=call_id, error=type(error).__name__)

    async def _write_next(self) -> int:
        first = self._items[0]
        if isinstance(first, Job):
            news = await issue(self._ledger, first, self._settings, self._clock)
            for fact in news:
                self._publish(fact)
            if news:
                self._tell_delivery()
            return 1
        batch = self._facts_at_head()
        try:
            await self._ledger.record(batch)
        except LedgerRefused:
            if len(batch) == 1:
                raise
            batch = batch[:1]  # find the one that is refused
            await self._ledger.record(batch)
        await self._tell_numbers()
        return len(batch)

    async def _tell_numbers(self) -> None:
        for call_id in list(self._unnumbered):
            if number := await self._ledger.callback_number(call_id):
                del self._unnumbered[call_id]
                opened = {"call_id": call_id, "at": self._clock(), "number": number}
                self._publish(CallbackOpened.model_validate(opened))

    def _facts_at_head(self) -> list[Fact]:
        facts: list[Fact] = []
        for item in islice(self._items, BATCH):
            if isinstance(item, Job):
                break
            facts.append(item)
        return facts

    def _set_aside(self, item: Fact | Job, error: Exception) -> None:
        _refused.inc()
        kind, call = (item.phase, item.call.id) if isinstance(item, Job) else _named(item)
        if isinstance(item, CallbackDue):
            self._unnumbered.pop(call, None)
        _log.error("not-recorded", kind=kind, call=call, error=type(error).__name__, journal=True)

    def _tell_delivery(self) -> None:
        waking = asyncio.create_task(self._try_wake())
        self._waking.add(waking)
        waking.add_done_callback(self._waking.discard)

    async def _try_wake(self) -> None:
        try:
            async with asyncio.timeout(WAKE_TIMEOUT_S):
                await self._wake()
        except Exception as error:  # delivery looks by itself every second
            _log.info("wake-up-failed", error=type(error).__name__)


def _named(fact: Fact) -> tuple[str, str]:
    return fact.kind, fact.call_id
