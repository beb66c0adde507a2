"""The control process: AMI, call sessions, API and recorder, put together.

Order matters: the journal and the switch come first; Redis, SQL and the page may come and go.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway import log
from gateway.api.app import create_app
from gateway.api.server import serving
from gateway.calls import facts as f
from gateway.calls import recovery
from gateway.calls.commands import OpenTap
from gateway.calls.journal import Journal
from gateway.calls.port import ComponentHealth, Verb
from gateway.calls.registry import KEEP_ENDED, Registry
from gateway.calls.session import Tools
from gateway.calls.state import Rules
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.dispatch.advisor import Advisor
from gateway.dispatch.suggest import Dispatcher
from gateway.dispatch.taxonomy import load as load_taxonomy
from gateway.errors import LedgerError, SwitchError
from gateway.ledger.recorder import Recorder
from gateway.ledger.repository import Ledger
from gateway.live import names
from gateway.live.follow import follow
from gateway.live.redis import connect
from gateway.live.streams import LivePublisher, RedisLiveReader
from gateway.media.taps import TAP_PREFIX, TapOpener
from gateway.settings import Settings
from gateway.speech.port import PartialHeard, speech_event
from gateway.telephony.ami_client import AmiClient
from gateway.telephony.ami_event import AmiEvent
from gateway.telephony.asterisk import AsteriskSwitch
from gateway.telephony.beat import beat
from gateway.telephony.reconcile import Snapshot, missed, snapshot, untapped
from gateway.telephony.seats import Seats
from gateway.telephony.sightings import Sightings
from gateway.telephony.strangers import strangers

_log = log.get("control")
_OVERLAP = timedelta(minutes=1)
"""Facts this much older than the newest in SQL are told to it again: it knows repeats."""
_TAP_PAUSE_S = 0.5
_WORKER_START_S = 15.0
"""A recognition worker that starts with us loads its model first."""


class Control:
    """Everything the control process is made of; `run()` until cancelled."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis: Redis = connect(settings.redis.url)
        self.ledger = Ledger(settings.ledger.url)
        self.journal = Journal(settings.journal.directory)
        self.ami = AmiClient(settings.switch, on_event=self._on_ami, on_link=self._on_link)
        self.seats = Seats(settings.seats)
        self.sightings = Sightings(
            self.seats,
            clock_offset_s=lambda: self.ami.clock_offset_s,
            message_status=settings.message_status,
        )
        self.live = LivePublisher(self.redis)
        self.taps = TapOpener(
            self.ami,
            self.redis,
            lifetime_s=settings.speech.tap_lifetime_s,
            started_ms=self._started_ms,
            record=self._record,
        )
        switch = AsteriskSwitch(self.ami, settings.links, self.taps.open)
        rules = {
            (link.source, link.target): Rules(
                link.release, link.brief_s, link.ring_s, link.answered_by
            )
            for link in settings.links
        }
        tools = Tools(switch, self.journal, self._on_fact, rules, settings.switch.key_lifetime_s)
        self.registry = Registry(tools, _keys(settings), self._probes())
        self.advisor = Advisor(Dispatcher(load_taxonomy()), self._record)
        self.recorder = Recorder(self.ledger, self._wake_delivery, self._record, settings)
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken_over = False

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        app = create_app(self.settings, self.registry, RedisLiveReader(self.redis), self.ledger)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        api = self.settings.api
        async with self.live, self._running(), serving(app, api.host, api.port):
            await stop.wait()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        await self._recover()
        self._start(self.recorder.run(), "recorder")
        self._start(follow(self.redis, names.SPEECH, self._on_speech), "speech")
        self._start(follow(self.redis, names.DELIVERY, self._on_delivery), "delivery")
        self._start(self._drive_switch(), "switch")
        try:
            yield
        finally:
            await self._stop()

    async def _drive_switch(self) -> None:
        while True:
            try:
                await self.ami.start()
                break
            except SwitchError as error:
                _log.error("no PBX yet; trying again", why=error.slug, hint=str(error))
                await asyncio.sleep(1.0)
        _log.info("switch connected", version=self.ami.version)
        await beat(self.ami, self.settings.switch.heartbeat_s)

    async def _stop(self) -> None:
        await self.registry.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.recorder.idle(), 3.0)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.ami.close()
        self.journal.close()
        await self.ledger.close()
        await self.redis.aclose()

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what comes in ---------------------------------------------------------------------

    def _on_ami(self, event: AmiEvent) -> None:
        if event.name == "Hangup" and event.get("Channel").startswith(TAP_PREFIX):
            if tap := self.taps.ended(event.get("Channel")):
                self._start(self._tap_again(tap), "tap")
            return
        for sighting in self.sightings.of(event):
            self.registry.sight(sighting)

    def _on_link(self, up: bool) -> None:
        _log.info("switch link", up=up)
        if up:
            self._start(self._reconcile(), "reconcile")

    async def _reconcile(self) -> None:
        """After a connection begins: what has happened to our calls that we did not see?"""
        try:
            known = self.registry.channels()
            seen = await snapshot(self.ami)
        except SwitchError as error:
            _log.warning("reconcile failed", why=error.slug)
            return
        self.registry.catch_up(lambda state: missed(state, seen, self.seats))
        self.registry.reconcile(set(seen), known)
        status = self.settings.message_status
        for sighting in await strangers(self.ami, seen, known, self.seats, status):
            self.registry.sight(sighting)
        if self._taken_over:
            self._taken_over = False
            await self._listen_again(seen)

    async def _listen_again(self, seen: Snapshot) -> None:
        """Calls taken over from a gateway whose recognition has died too need new taps."""
        wanted = [tap for state in self.registry.states() for tap in untapped(state, seen)]
        if wanted and await self.taps.worker_within(_WORKER_START_S):
            for tap in wanted:
                await self.taps.open(tap)

    async def _tap_again(self, tap: OpenTap) -> None:
        """A tap has ended: with its leg, as a rule; else its recognition worker has died."""
        lost_at = now()
        await asyncio.sleep(_TAP_PAUSE_S)
        if not self.registry.speaks(tap.leg_id):
            self.taps.forget(tap.leg_id)
            return
        ready = await self.taps.worker_within(_WORKER_START_S, since=lost_at)
        if ready and self.registry.speaks(tap.leg_id):
            _log.warning("tap opened again", leg=tap.leg_id)
            await self.taps.open(tap, lost_at=lost_at)

    async def _recover(self) -> None:
        """Take over what an earlier gateway left: its live calls, and facts not yet in SQL."""
        facts = list(self.journal.facts())
        views = recovery.views_of(facts)
        recent = now() - KEEP_ENDED
        kept = [v for v in views.values() if v.ended_at is None or v.ended_at > recent]
        self.registry.adopt(kept)
        self._taken_over = True
        since = await self._recorded_until()
        for fact in facts:
            if fact.at >= since:
                self.recorder.offer(fact, views[fact.call_id])
        _log.info("recovered", calls=len(kept))

    async def _recorded_until(self) -> datetime:
        """Everything before this is in the ledger; without SQL, tell it all again."""
        try:
            newest = await asyncio.wait_for(self.ledger.newest_at(), 2.0)
        except (LedgerError, TimeoutError):
            newest = None
        return newest - _OVERLAP if newest else datetime.min.replace(tzinfo=UTC)

    def _on_speech(self, text: str) -> None:
        event = speech_event.validate_json(text)
        if isinstance(event, PartialHeard):
            self.live.publish(event.call_id, event.kind, text)
        else:
            self._record(event)

    def _on_delivery(self, text: str) -> None:
        self._record(f.parse(text))

    # --- what goes out ---------------------------------------------------------------------

    def _record(self, fact: f.Fact) -> None:
        self.registry.record(fact)

    def _on_fact(self, fact: f.Fact, view: CallView) -> None:
        self.live.publish(fact.call_id, fact.kind, f.dump(fact))
        self.recorder.offer(fact, view)
        self.advisor.see(fact, view)

    async def _wake_delivery(self) -> None:
        await self.redis.publish(names.OUTBOX_WAKE, "due")

    def _started_ms(self, leg_id: str) -> int:
        session = self.registry.session_of_leg(leg_id)
        started = session.view.started_at if session else None
        return int(started.timestamp() * 1000) if started else 0

    # --- health ----------------------------------------------------------------------------

    def _probes(self) -> list[Any]:
        return [self._switch_health, self._redis_health, self._speech_health,
                self._ledger_health, self._journal_health]  # fmt: skip

    async def _switch_health(self) -> ComponentHealth:
        detail = f"Asterisk {self.ami.version}" if self.ami.connected else "not connected"
        return ComponentHealth("switch", self.ami.connected, detail)

    async def _redis_health(self) -> ComponentHealth:
        try:
            await asyncio.wait_for(self.redis.ping(), 1.0)
        except (RedisError, OSError, TimeoutError) as error:
            return ComponentHealth("redis", ok=False, detail=type(error).__name__)
        return ComponentHealth("redis", ok=True)

    async def _speech_health(self) -> ComponentHealth:
        try:
            workers = [key async for key in self.redis.scan_iter(match=names.WORKERS)]
        except (RedisError, OSError) as error:
            return ComponentHealth("speech", ok=False, detail=type(error).__name__)
        return ComponentHealth("speech", bool(workers), f"{len(workers)} worker(s)")

    async def _ledger_health(self) -> ComponentHealth:
        try:
            await asyncio.wait_for(self.ledger.tickets(1, None), 2.0)
        except (LedgerError, TimeoutError) as error:
            return ComponentHealth("ledger", ok=False, detail=type(error).__name__)
        return ComponentHealth("ledger", ok=True)

    async def _journal_health(self) -> ComponentHealth:
        ok = self.journal.failures == 0
        return ComponentHealth("journal", ok, f"late {self.journal.late}")


def _keys(settings: Settings) -> dict[tuple[Verb, str], str]:
    keys = {(Verb.TRANSFER, link.target): link.key for link in settings.links}
    keys |= {(Verb.THREE_WAY, link.target): settings.keys.three_way for link in settings.links}
    return keys | {
        (Verb.BACK, ""): settings.keys.back,
        (Verb.RELEASE, ""): settings.keys.release,
    }
