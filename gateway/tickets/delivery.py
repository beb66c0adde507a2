"""The delivery process: from the outbox to the order system.

Woken by Redis when there is one, by the clock when there is none. Several may run at once.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import httpx

from gateway import supervised
from gateway.clock import now as clock_now
from gateway.errors import ConfigError, LedgerError
from gateway.ids import new_id
from gateway.ledger.repository import Ledger
from gateway.live.redis import connect
from gateway.log import get
from gateway.settings import Settings
from gateway.tickets.notify import Announcer, listen
from gateway.tickets.outbox import Message, Outbox
from gateway.tickets.sender import Result, Sender

_log = get("delivery")

POLL_S = 1.0
AT_ONCE = 8
"""Messages in flight at a time, each of another ticket."""

TELL_S = 3.0
"""How long the last results may take to reach Redis when stopping."""

_SHORTEST_NAP_S = 0.005


class Delivery:
    """Claims what is due and hands it to the sender, until told to stop."""

    def __init__(
        self,
        outbox: Outbox,
        sender: Sender,
        tell: Callable[[Result], None],
        lease_for: timedelta,
        clock: Callable[[], datetime] = clock_now,
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._tell = tell
        self._lease_for = lease_for
        self._clock = clock
        self._lease = new_id()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at the outbox now."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; then finish what is in flight."""
        try:
            while not stop.is_set():
                self._wake.clear()
                await self._start_due()
                await self._nap(stop)
        finally:
            await self._finish()

    async def _finish(self) -> None:
        if not self._in_flight:
            return
        _, late = await asyncio.wait(self._in_flight, timeout=self._lease_for.total_seconds())
        for task in late:  # the ledger would not take the result; the lease will run out
            task.cancel()

    async def _start_due(self) -> None:
        room = AT_ONCE - len(self._in_flight)
        if room <= 0:
            return
        try:
            messages = await self._outbox.claim(self._lease, room, self._clock(), self._lease_for)
        except LedgerError as error:
            _log.warning("outbox-unreadable", error=str(error))
            return
        for message in messages:
            task = asyncio.create_task(self._deliver(message))
            self._in_flight.add(task)
            task.add_done_callback(self._landed)

    async def _deliver(self, message: Message) -> None:
        if result := await self._sender.deliver(message):
            self._tell(result)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self.wake()  # the ticket's next revision may go now
        if not task.cancelled() and (error := task.exception()):
            # Unforeseen: the lease runs out and the message goes out again.
            _log.error("attempt-broke", exc_info=error)

    async def _nap(self, stop: asyncio.Event) -> None:
        waits = {asyncio.create_task(event.wait()) for event in (stop, self._wake)}
        try:
            await asyncio.wait(
                waits, timeout=await self._pause(), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for one in waits:
                one.cancel()

    async def _pause(self) -> float:
        try:
            due = await self._outbox.next_due()
        except LedgerError:
            return POLL_S
        if due is None or len(self._in_flight) >= AT_ONCE:
            return POLL_S
        return min(max((due - self._clock()).total_seconds(), _SHORTEST_NAP_S), POLL_S)


async def run(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Run the delivery process until SIGTERM, SIGINT or `stop`. Raises ConfigError.

    Where ``orders.url`` is empty nothing is sent and tickets stay queued.
    """
    stop = stop or asyncio.Event()
    with _signals(stop):
        supervised.ready()
        if not settings.orders.url:
            _log.info("idle", why="orders.url is empty: tickets stay queued")
            await stop.wait()
            return
        _check_url(settings.orders.url)
        await _deliver_until(stop, settings)


def _check_url(url: str) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"orders.url is not an address: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ConfigError("orders.url must begin with http:// or https:// and name a host")


async def _deliver_until(stop: asyncio.Event, settings: Settings) -> None:
    ledger, redis = Ledger(settings.ledger.url), connect(settings.redis.url)
    # Ambient proxies would see what citizens said: the way to the order system is ours to name.
    client = httpx.AsyncClient(timeout=settings.orders.timeout_s, trust_env=False)
    try:
        outbox, announcer = Outbox(ledger), Announcer(redis)
        sender = Sender(settings.orders, outbox, client)
        delivery = Delivery(outbox, sender, announcer.tell, lease_for(settings))
        listening = asyncio.create_task(listen(redis, delivery.wake, delivery.wake))
        telling = asyncio.create_task(announcer.run())
        try:
            await delivery.run(stop)
        finally:
            listening.cancel()
            announcer.close()
            await asyncio.wait({listening, telling}, timeout=TELL_S)
            telling.cancel()
    finally:
        await client.aclose()
        await redis.aclose()
        await ledger.close()


def lease_for(settings: Settings) -> timedelta:
    """Return how long a message is leased: an attempt, and time to write it down."""
    return timedelta(seconds=2 * settings.orders.timeout_s + 2)


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    taken = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread
            loop.add_signal_handler(number, stop.set)
            taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
