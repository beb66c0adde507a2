"""What was missed: by a gateway that starts, by a lost connection."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gateway import log
from gateway.calls import facts as f
from gateway.calls import recovery
from gateway.calls.commands import OpenTap
from gateway.calls.journal import Journal
from gateway.calls.journal_read import Place
from gateway.calls.registry import KEEP_ENDED, Registry
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.errors import LedgerError, SwitchError, SwitchUnreachable
from gateway.media.keeper import TapKeeper
from gateway.settings import Settings
from gateway.telephony.ami_port import Ami
from gateway.telephony.entered import marks_of, with_marks
from gateway.telephony.reconcile import Snapshot, missed, snapshot, tapped, untapped
from gateway.telephony.seats import Seats
from gateway.telephony.signs import signed_unseen
from gateway.telephony.strangers import strangers

if TYPE_CHECKING:
    from gateway.ledger.recorder import Recorder
    from gateway.ledger.repository import Ledger

_log = log.get("control")
_OVERLAP = timedelta(minutes=1)
"""What is this much older than the newest that is known is told again: repeats are known."""
_ENDED = f.CallEnded.model_fields["kind"].default
_LOOK_AGAIN_S = (0.5, 1.0, 2.0, 4.0)
_LOOK_EVERY_S = 1.0
_WORKER_START_S = 15.0
"""A recognition worker that starts with us loads its model first."""


class Takeover:
    """`recover` before any event, `reconcile` after each connection to the switch, `tell` once."""

    def __init__(
        self, settings: Settings, ami: Ami, registry: Registry, taps: TapKeeper, seats: Seats
    ) -> None:
        self._message_status = settings.message_status
        self._ami = ami
        self._registry = registry
        self._taps = taps
        self._seats = seats
        self.missed_since = now()
        """What other processes have said since then may have been said to nobody."""
        self.listening = asyncio.Event()
        """Whoever is on the calls taken over is listened to, or nobody can be."""
        self._one = asyncio.Lock()
        self._journal: Journal | None = None
        self._until: Place | None = None
        """Where the journal of the earlier gateway ends."""
        self._views: dict[str, CallView] = {}
        self._taken_over = False
        self._asked = False
        self._looked_at = float("-inf")

    def recover(self, journal: Journal) -> None:
        """Take over the calls of an earlier gateway; those that are over are not even read."""
        self._journal, self._until = journal, journal.end()
        recent = now() - KEEP_ENDED
        over = journal.calls(lambda at, kind: kind == _ENDED and at < recent, self._until)
        facts = list(journal.facts(lambda call: call not in over, until=self._until))
        self._views = recovery.views_of(facts)
        self._registry.adopt(self._views.values())
        self._taken_over = True
        self.missed_since = max((fact.at for fact in facts), default=now()) - _OVERLAP
        _log.info("recovered", calls=len(self._views))

    async def tell(self, ledger: "Ledger", recorder: "Recorder") -> None:
        """Offer the recorder what an earlier gateway had no time to bring into SQL.

        What was written after the first of these goes too: it may tell of an earlier time.
        """
        since = await _recorded_until(ledger)
        for fact, view in await asyncio.to_thread(self._untold, since):
            recorder.offer(fact, view)
        self._views = {}

    def _untold(self, since: datetime) -> list[tuple[f.Fact, CallView]]:
        """What was written from the first fact of `since` or later on, each with its call.

        Blocks while the journal is read.
        """
        assert self._journal is not None, "recover first"
        read = partial(self._journal.facts, until=self._until)
        facts = list(read(start=self._journal.first(since)))
        # The views of calls taken over are live: they go on changing with the call.
        others = {fact.call_id for fact in facts} - self._views.keys()
        views = self._views | recovery.views_of(read(lambda call: call in others))
        # At midnight a day's file goes out of reach between the two readings.
        return [(fact, views[fact.call_id]) for fact in facts if fact.call_id in views]

    async def reconcile(self) -> None:
        """What has happened to our calls that we did not see?"""
        async with self._one:
            taps = await self._catch_up()
        if taps is not None and self._taken_over:
            self._taken_over = False
            silent, heard = taps
            for tap, channel in heard:
                self._taps.adopt(tap, channel)
            try:
                await self._listen_again(silent)
            finally:
                self.listening.set()

    async def _catch_up(self) -> tuple[list[OpenTap], list[tuple[OpenTap, str]]] | None:
        """One at a time. Returns whom nobody listens to, and the taps that live; None: no list."""
        began, self._looked_at = now(), asyncio.get_running_loop().time()
        known, seen = await self._look()
        if seen is None:
            self._registry.place_keys(began)
            return None
        # Who comes to light below is tapped by the call itself.
        silent = [tap for state in self._registry.states() for tap in untapped(state, seen)]
        heard = [tap for state in self._registry.states() for tap in tapped(state, seen)]
        self._registry.catch_up(lambda state: missed(state, seen, self._seats))
        self._registry.reconcile(set(seen), known)
        for sighting in await signed_unseen(self._ami, self._registry.states(), seen, self._seats):
            self._registry.sight(sighting)
        found = await strangers(self._ami, seen, known, self._seats, self._message_status)
        for sighting in found:
            self._registry.sight(sighting)
        self._registry.place_keys(began)
        return silent, heard

    async def _look(self) -> tuple[set[str], Snapshot | None]:
        """Our channels and then those on the switch; None when it does not tell, tried again."""
        for pause in (*_LOOK_AGAIN_S, None):
            known = self._registry.channels()
            try:
                return await self._channels(known)
            except SwitchUnreachable:
                break  # the connection's return reconciles again
            except SwitchError as error:
                _log.warning("reconcile failed", why=error.slug, again_in_s=pause)
                if pause is not None:
                    await asyncio.sleep(pause)
        return known, None

    async def _channels(self, known: set[str]) -> tuple[set[str], Snapshot]:
        """Nothing may be told of late: where marks took time to read, the list is read again."""
        seen = await snapshot(self._ami)
        marks = await marks_of(self._ami, self._registry.states(), seen)
        if not marks:
            return known, seen
        known = self._registry.channels()
        return known, with_marks(await snapshot(self._ami), marks)

    async def reconcile_soon(self) -> None:
        """`reconcile` for one who asks often: at most once in `_LOOK_EVERY_S`."""
        if self._asked:
            return
        self._asked = True
        due = self._looked_at + _LOOK_EVERY_S
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        self._asked = False
        await self.reconcile()

    async def _listen_again(self, silent: Sequence[OpenTap]) -> None:
        """Calls taken over from a gateway whose recognition has died too need new taps."""
        if silent:
            await self._taps.worker_within(_WORKER_START_S)
        for tap in silent:
            await self._taps.open(tap, self._registry.heard_until(tap.leg_id))


async def _recorded_until(ledger: "Ledger") -> datetime:
    """Everything before this is in the ledger; without SQL, tell it all again."""
    try:
        newest = await asyncio.wait_for(ledger.newest_at(), 2.0)
    except (LedgerError, TimeoutError):
        newest = None
    return newest - _OVERLAP if newest else datetime.min.replace(tzinfo=UTC)
