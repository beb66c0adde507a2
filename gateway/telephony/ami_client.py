"""The gateway's AMI client: panoramisk underneath, without the ways it can hurt a caller."""

import asyncio
import random
import time
from collections.abc import Callable
from types import MappingProxyType

from gateway import log
from gateway.clock import steady
from gateway.errors import SwitchError, SwitchRefused, SwitchTimeout, SwitchUnreachable
from gateway.settings import SwitchSettings
from gateway.telephony.ami_event import AmiEvent, AmiReply
from gateway.telephony.ami_heartbeat import Heartbeat
from gateway.telephony.ami_link import AmiLink
from gateway.telephony.ami_values import Headers

_log = log.get("telephony")

_NO_HEADERS: Headers = MappingProxyType({})
_BACKOFF_FIRST_S = 0.2
_BACKOFF_MAX_S = 5.0


def backoff_s(attempt: int) -> float:
    """Seconds before reconnection `attempt` (0, 1, ...): doubling, capped, half of it random."""
    full = min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2.0 ** min(attempt, 10))
    return full * random.uniform(0.5, 1.0)  # noqa: S311  spreads reconnects, keeps no secret


class AmiClient:
    """Stays connected from `start` to `close` and forgets every action a lost connection carried.

    `on_event` is called in the event loop for each event, in arrival order and exactly as sent
    (duplicates included); `on_link(True)` once logged in, `on_link(False)` when the connection is
    lost. Both must return at once; what they raise is logged and dropped.
    """

    def __init__(
        self,
        settings: SwitchSettings,
        *,
        on_event: Callable[[AmiEvent], None],
        on_link: Callable[[bool], None],
        events: bool = True,
    ) -> None:
        """`events=False`: a connection for actions alone, which the PBX tells nothing else."""
        self._settings = settings
        self._events = events
        self._on_event = on_event
        self._on_link = on_link
        self._link: AmiLink | None = None
        self._pulse: Heartbeat | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._booted = asyncio.Event()
        self.version = ""
        """The PBX's version as it writes it, e.g. ``22.10.1``."""
        self.reconnects = 0

    @property
    def connected(self) -> bool:
        """Logged in, and not yet known to be lost."""
        return self._link is not None and self._link.alive

    @property
    def clock_offset_s(self) -> float:
        """PBX wall clock minus ours as it is at this moment, in seconds."""
        ahead = self._pulse.clock.ahead_s if self._pulse else None
        return 0.0 if ahead is None else ahead + steady() - time.time()

    async def start(self) -> None:
        """Connect and log in; from then on reconnect by itself until `close`.

        Raises SwitchUnreachable or SwitchRefused (wrong user or secret) after a few
        `action_timeout_s` at most; the client is then stopped, and `start` may be called again.
        """
        await self._connect()
        self._keeper = asyncio.create_task(self._keep(), name="ami-link")

    async def close(self) -> None:
        """Stop reconnecting and close the connection; pending actions raise SwitchTimeout."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        link, self._link = self._link, None
        if link is not None:
            await link.shut(self._settings.action_timeout_s)
            self._tell_link(False)

    async def send(
        self, action: str, headers: Headers = _NO_HEADERS, *, timeout: float | None = None
    ) -> AmiReply:
        """Send one action and return its reply, within `timeout` (default action_timeout_s).

        A list value repeats the header. An Originate is sent `Async: true` unless told otherwise;
        its OriginateResponse comes as an event. Raises SwitchUnreachable (nothing was sent),
        SwitchTimeout (sent, outcome *unknown*: look before doing it again), SwitchRefused (the
        PBX's message) or UnsafeValue.
        """
        if action.lower() == "originate" and "async" not in {name.lower() for name in headers}:
            # Without it the PBX answers nothing else on this connection while the target rings.
            headers = {**headers, "Async": "true"}
        return await self._ask(action, headers, timeout, listing=False)

    async def collect(
        self, action: str, headers: Headers = _NO_HEADERS, *, timeout: float | None = None
    ) -> AmiReply:
        """Send a list action; the reply's `events` end with the PBX's ...Complete event."""
        return await self._ask(action, headers, timeout, listing=True)

    async def _ask(
        self, action: str, headers: Headers, timeout: float | None, *, listing: bool
    ) -> AmiReply:
        if self._link is None:
            raise SwitchUnreachable(f"{action}: not connected to the PBX; nothing was sent")
        within = self._settings.action_timeout_s if timeout is None else timeout
        return await self._link.ask(action, headers, within, listing=listing)

    async def _connect(self) -> None:
        limit = self._settings.action_timeout_s
        link = AmiLink(self._settings.host, self._settings.port, self._deliver)
        try:
            await link.open(limit)
            await self._introduce(link, limit)
        except BaseException:
            await link.shut(limit)
            raise
        self._link = link
        _log.info("ami-connected", version=self.version)
        self._tell_link(True)

    async def _introduce(self, link: AmiLink, limit: float) -> None:
        self._booted.clear()
        login = {
            "Username": self._settings.user,
            "Secret": self._settings.secret.get_secret_value(),
            "Events": "on" if self._events else "off",
        }
        pulse = Heartbeat(link, period=self._settings.heartbeat_s, timeout=limit)
        try:
            await link.ask("Login", login, limit)
            if self._events:
                await self._wait_booted(limit)
            self.version = await _version(link, limit)
            await pulse.once()
        except SwitchTimeout as error:
            # Nothing that matters was sent: to the caller this PBX cannot be reached.
            raise SwitchUnreachable(f"AMI log-in: {error}") from error
        self._pulse = pulse

    async def _wait_booted(self, limit: float) -> None:
        """A PBX that is still loading takes log-ins before it can take calls."""
        try:
            async with asyncio.timeout(limit):
                await self._booted.wait()
        except TimeoutError:
            _log.warning("ami-no-fully-booted", remedy="give the AMI user read=system")

    async def _keep(self) -> None:
        while True:
            await self._stay()
            self._tell_link(False)
            await self._reconnect()
            self.reconnects += 1

    async def _stay(self) -> None:
        assert self._link is not None
        assert self._pulse is not None
        beating = asyncio.create_task(self._pulse.run(), name="ami-heartbeat")
        try:
            await asyncio.wait([self._link.lost])
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        link, self._link = self._link, None
        await link.shut(self._settings.action_timeout_s)
        _log.error("ami-connection-lost")

    async def _reconnect(self) -> None:
        attempt = 0
        while True:
            await asyncio.sleep(backoff_s(attempt))
            try:
                return await self._connect()
            except SwitchError as error:
                attempt += 1
                _log.warning("ami-reconnect-failed", attempt=attempt, slug=error.slug)

    def _deliver(self, event: AmiEvent) -> None:
        if event.name == "FullyBooted":
            self._booted.set()
        try:
            self._on_event(event)
        except Exception as error:
            _log.exception("ami-event-handler-failed", ami=event.name, error=type(error).__name__)

    def _tell_link(self, up: bool) -> None:
        try:
            self._on_link(up)
        except Exception as error:
            _log.exception("ami-link-handler-failed", up=up, error=type(error).__name__)


async def _version(link: AmiLink, limit: float) -> str:
    try:
        return (await link.ask("CoreSettings", {}, limit)).get("AsteriskVersion")
    except SwitchRefused:
        _log.warning("ami-version-unknown", remedy="give the AMI user write=system or reporting")
        return ""
