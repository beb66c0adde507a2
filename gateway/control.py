"""The control process: AMI, call sessions, API and recorder, put together.

Order matters: the journal and the switch come first; Redis, SQL and the page may come and go.
Before anything else comes the switch's word that no other gateway controls it (`telephony.claim`).
Then come the calls that are up and whoever listens to them; the record and the page (`office`) are
loaded meanwhile.
"""

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from gateway import loading, log, supervised
from gateway.calls import facts as f
from gateway.calls.journal import Journal
from gateway.calls.port import Verb
from gateway.calls.registry import Registry
from gateway.calls.session import Tools
from gateway.calls.state import Rules
from gateway.calls.view import CallView
from gateway.dispatch.begin import Advising
from gateway.errors import ConfigError, SwitchError
from gateway.ids import call_id
from gateway.live import names
from gateway.live.follow import follow
from gateway.live.redis import connect
from gateway.live.streams import LivePublisher
from gateway.media.keeper import NO_CAPACITY, TapKeeper
from gateway.media.taps import TapOpener
from gateway.probes import Probes
from gateway.settings import Settings
from gateway.speech.port import PartialHeard, speech_event
from gateway.takeover import Takeover
from gateway.telephony.ami_client import AmiClient
from gateway.telephony.ami_event import AmiEvent
from gateway.telephony.asterisk import AsteriskSwitch
from gateway.telephony.claim import Claim
from gateway.telephony.fenced import FencedAmi
from gateway.telephony.reconcile import TAP_PREFIX
from gateway.telephony.seats import Seats
from gateway.telephony.sightings import Sightings

if TYPE_CHECKING:
    from gateway.office import Office

_log = log.get("control")
_HELD = 20_000
"""Events kept while it is not sure that we are in control; older ones are found on the switch."""
_RINGING_LINE_AGAIN_S = 10.0
_FIRST_WORDS_S = 1.0
"""Callers who say nothing for so long are not waited for."""


class Control:
    """Everything the control process is made of; `run()` until cancelled."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis: Redis = connect(settings.redis.url)
        self.journal = Journal(settings.journal.directory)
        self.ami = AmiClient(settings.switch, on_event=self._on_ami, on_link=self._on_link)
        self.ringing = AmiClient(settings.switch, on_event=_nothing, on_link=_nothing, events=False)
        self.claim = Claim(self.ami, settings.switch.heartbeat_s, regained=self._catch_up)
        ami = FencedAmi(self.ami, lambda: self.claim.valid)
        self._held: deque[AmiEvent] = deque(maxlen=_HELD)
        self._recovered = self._linked = False
        seats = Seats(settings.seats)
        self.sightings = Sightings(
            seats,
            clock_offset_s=lambda: self.ami.clock_offset_s,
            message_status=settings.message_status,
        )
        self.live = LivePublisher(self.redis)
        opener = TapOpener(
            ami,
            self.redis,
            lifetime_s=settings.speech.tap_lifetime_s,
            started_ms=self._started_ms,
        )
        self.taps = TapKeeper(
            opener,
            speaks=self._speaks,
            started_ms=self._started_ms,
            record=self._record,
            listens=settings.speech.enabled,
        )
        ringing = FencedAmi(self.ringing, lambda: self.claim.valid)
        switch = AsteriskSwitch(ami, settings.links, self.taps.open, ringing)
        centres = {centre.code for centre in settings.centres if centre.counts}
        rules = {
            (link.source, link.target): Rules(
                link.release,
                link.brief_s,
                link.ring_s,
                link.answered_by,
                tuple(place.answered_by for place in link.hunt),
                settings.handovers.designate_at if link.target in centres else 0,
                link.alive_s,
            )
            for link in settings.links
        }
        tools = Tools(
            switch,
            self.journal,
            self._on_fact,
            rules,
            settings.switch.key_lifetime_s,
            lambda: self.claim.valid,
            partial(call_id, pbx=f"{settings.switch.host}:{settings.switch.port}"),
        )
        self.registry = Registry(tools, _keys(settings), look_again=self._look_again)
        self.takeover = Takeover(settings, ami, self.registry, self.taps, seats)
        self.advising = Advising(self._record, settings.dispatch.taxonomy, settings.profile)
        self._office: Office | None = None
        self._unrecorded: list[tuple[f.Fact, CallView]] | None = []
        """Until the ledger has been told what comes before them."""
        self._heard = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises Displaced once another gateway has followed us."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        stopped = asyncio.create_task(stop.wait(), name="stop")
        office = asyncio.create_task(asyncio.to_thread(self._load_office), name="office")
        if not await self._stand_by(stopped, office):
            await self._stop()
            return
        async with self.live, self._running() as driving, self._open(office):
            advising = self._start(self._advise(), "advice")
            recording = self._start(self._keep_record(), "recorder")
            ends = {stopped, driving, advising, recording}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
        for task in (driving, advising, recording):
            if not task.cancelled():
                task.result()

    async def _stand_by(self, stopped: asyncio.Task[Any], office: asyncio.Task["Office"]) -> bool:
        """Wait until we control the PBX, or it cannot be reached; False: stopped meanwhile.

        Raises ConfigError as soon as `office` does.
        """
        turn = asyncio.create_task(self._await_turn(), name="stand-by")
        pending: set[asyncio.Task[Any]] = {stopped, turn, office}
        while not (stopped.done() or turn.done()):
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if office.done():
                office.result()
        if not turn.done():
            turn.cancel()
            return False
        await turn
        return True

    async def _await_turn(self) -> None:
        try:
            await self.ami.start()
        except SwitchError as error:
            _log.error("no PBX yet", why=error.slug, hint=str(error))
        else:
            self._linked = True
            await self.claim.take()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[asyncio.Task[None]]:
        driving = self._start(self._drive_switch(), "switch")
        try:
            self.takeover.recover(self.journal)
            self._recovered = True
            self._catch_up()
            self._start(self._open_ringing_line(), "ringing line")
            for stream, on_event, on_missed in (
                (names.SPEECH, self._on_speech, self._on_missed_speech),
                (names.DELIVERY, self._on_delivery, self._on_missed_delivery),
            ):
                since = self.takeover.missed_since
                work = follow(self.redis, stream, on_event, missed=on_missed, since=since)
                self._start(work, stream)
            yield driving
        finally:
            await self._stop(driving)

    async def _drive_switch(self) -> None:
        while not self._linked:
            try:
                await self.ami.start()
                self._linked = True
            except SwitchError as error:
                _log.error("no PBX yet; trying again", why=error.slug, hint=str(error))
                await asyncio.sleep(1.0)
        _log.info("switch connected", version=self.ami.version)
        await self.claim.keep()

    async def _advise(self) -> None:
        """After the first words of the calls taken over, which its reading would hold up.

        So would a role that waits for us.
        """
        await self.takeover.listening.wait()
        if self.registry.states():
            self._heard.clear()  # there was no page yet to show them
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), _FIRST_WORDS_S)
        supervised.ready()
        await self.advising.begin()
        await self.advising.follow()

    async def _open_ringing_line(self) -> None:
        """Without this second connection (a PBX may allow one log-in) targets ring all the same."""
        while True:
            try:
                await self.ringing.start()
            except SwitchError as error:
                _log.warning("one connection to the PBX for everything", why=error.slug)
                await asyncio.sleep(_RINGING_LINE_AGAIN_S)
            else:
                return

    def _load_office(self) -> "Office":
        """Blocks for as long as the modules take."""
        with loading.for_good():
            from gateway.office import Office  # noqa: PLC0415  slow to load

            return Office(self.settings, self.registry, self.redis, self.advising, self._record)

    @asynccontextmanager
    async def _open(self, loaded: asyncio.Task["Office"]) -> AsyncIterator[None]:
        """A gateway that hangs, and that we follow, may keep its port: calls do not wait for it."""
        self._office = office = await loaded
        self.registry.probes = Probes(
            self.ami,
            self.redis,
            office.ledger,
            self.journal,
            delivers=bool(self.settings.orders.url),
            listens=self.settings.speech.enabled,
            in_control=lambda: self.claim.valid,
        ).all()
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(office.serving())
            except ConfigError:
                if not self.claim.followed:
                    raise
                self._start(_serve_once_free(office), "api")
            yield

    async def _keep_record(self) -> None:
        """What an earlier gateway may not have told the ledger comes first."""
        office = self._office
        assert office is not None, "opened before"
        await self.takeover.tell(office.ledger, office.recorder)
        for fact, view in self._unrecorded or ():
            office.recorder.offer(fact, view)
        self._unrecorded = None
        await office.recorder.run()

    async def _stop(self, driving: asyncio.Task[None] | None = None) -> None:
        if driving is not None and not driving.done():
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)
        await self.claim.give_up()
        await self.taps.close()
        await self.registry.close()
        if self._office is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._office.recorder.idle(), 3.0)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.ringing.close()
        await self.ami.close()
        self.journal.close()
        if self._office is not None:
            await self._office.ledger.close()
        await self.redis.aclose()

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- what comes in ---------------------------------------------------------------------

    def _on_ami(self, event: AmiEvent) -> None:
        # Another gateway may have taken these calls over while we hung: see first, then believe.
        if self._recovered and self.claim.valid:
            self._take_in(event)
        elif self._recovered or self.claim.valid:
            self._held.append(event)

    def _take_in(self, event: AmiEvent) -> None:
        if event.name == "Hangup" and event.get("Channel").startswith(TAP_PREFIX):
            self.taps.ended(event.get("Channel"))
            return
        for sighting in self.sightings.of(event):
            self.registry.sight(sighting)

    def _on_link(self, up: bool) -> None:
        _log.info("switch link", up=up)
        if up:
            self.claim.wake()
            self._catch_up()

    def _catch_up(self) -> None:
        """In control (again), or connected again: what has happened meanwhile?"""
        if self._recovered and self.claim.valid:
            while self._held:
                self._take_in(self._held.popleft())
            self._start(self.takeover.reconcile(), "reconcile")

    def _look_again(self) -> None:
        self._start(self.takeover.reconcile_soon(), "reconcile")

    def _on_speech(self, text: str) -> None:
        event = speech_event.validate_json(text)
        self._heard.set()
        if isinstance(event, PartialHeard):
            self.live.publish(event.call_id, event.kind, text)
            if session := self.registry.session_of_leg(event.leg_id):
                self.advising.overhear(event.so_far(), session.view)
        else:
            if isinstance(event, f.GapMarked) and event.why == NO_CAPACITY:
                self.taps.refused(event.leg_id)
            self._record(event)

    def _on_missed_speech(self, text: str) -> None:
        event = speech_event.validate_json(text)
        if not isinstance(event, PartialHeard):
            self.registry.record_missed(event)

    def _on_delivery(self, text: str) -> None:
        self._record(f.parse(text))

    def _on_missed_delivery(self, text: str) -> None:
        self.registry.record_missed(f.parse(text))

    # --- what goes out ---------------------------------------------------------------------

    def _record(self, fact: f.Fact) -> None:
        self.registry.record(fact)

    def _on_fact(self, fact: f.Fact, view: CallView) -> None:
        self.live.publish(fact.call_id, fact.kind, f.dump(fact))
        if self._unrecorded is not None:
            self._unrecorded.append((fact, view))
        elif self._office is not None:
            self._office.recorder.offer(fact, view)
        self.advising.see(fact, view)

    def _speaks(self, leg_id: str) -> bool:
        return self.registry.speaks(leg_id)

    def _started_ms(self, leg_id: str) -> int:
        session = self.registry.session_of_leg(leg_id)
        started = session.view.started_at if session else None
        return int(started.timestamp() * 1000) if started else 0


def _nothing(_: object) -> None:
    """The connection that rings targets: events and losses are the other one's to tell."""


async def _serve_once_free(office: "Office") -> None:
    while True:
        with contextlib.suppress(ConfigError):
            async with office.serving():
                await asyncio.Event().wait()
        await asyncio.sleep(1.0)


def _keys(settings: Settings) -> dict[tuple[Verb, str], str]:
    keys = {(Verb.TRANSFER, link.target): link.key for link in settings.links}
    keys |= {(Verb.THREE_WAY, link.target): settings.keys.three_way for link in settings.links}
    keys |= {(Verb.CONSULT, link.target): settings.keys.consults(link) for link in settings.links}
    return keys | {
        (Verb.BACK, ""): settings.keys.back,
        (Verb.RELEASE, ""): settings.keys.release,
        (Verb.JOIN, ""): settings.keys.three_way,
        (Verb.DROP, ""): settings.keys.drop,
    }
