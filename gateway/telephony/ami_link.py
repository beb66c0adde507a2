"""One AMI connection: panoramisk's Manager, without its reconnecting, replaying and pinging."""

import asyncio
from collections.abc import Callable
from typing import cast

from panoramisk.manager import Manager
from panoramisk.message import Message

from gateway import log
from gateway.errors import SwitchRefused, SwitchTimeout, SwitchUnreachable
from gateway.telephony.ami_event import AmiEvent, AmiReply, event_of, split
from gateway.telephony.ami_protocol import HardenedProtocol, PendingAction, silent_logger
from gateway.telephony.ami_values import Headers, checked
from gateway.telephony.untrusted import is_the_switchs_own

_log = log.get("telephony")

_REFUSALS = {"error", "fail", "failure"}


class Everything:
    """Contains every action's name: nothing is ever kept to be sent again."""

    def __contains__(self, action: object) -> bool:
        return True


class AmiLink(Manager):
    """A connection that lives once. `lost` is done when it has ended, for whatever reason."""

    protocol: HardenedProtocol | None

    def __init__(self, host: str, port: int, on_event: Callable[[AmiEvent], None]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            host=host,
            port=port,
            loop=loop,
            log=silent_logger(),
            encoding="utf-8",
            protocol_factory=HardenedProtocol,
            forgetable_actions=Everything(),
        )
        self._on_event = on_event
        self._stamped = False
        self.lost: asyncio.Future[None] = loop.create_future()

    async def open(self, timeout: float) -> None:
        """Connect within `timeout` seconds, or raise SwitchUnreachable."""
        where = f"{self.config['host']}:{self.config['port']}"
        try:
            async with asyncio.timeout(timeout):
                await self.connect()
        except TimeoutError:
            raise SwitchUnreachable(f"AMI at {where}: no connection in {timeout:g} s") from None
        except OSError as error:
            raise SwitchUnreachable(f"AMI at {where}: {error.strerror or error}") from error

    def connection_made(self, f: asyncio.Future[object]) -> None:
        if f.cancelled() or f.exception():
            return  # open() tells; panoramisk would begin a reconnect loop of its own
        super().connection_made(f)
        if self.pinger:
            self.pinger.cancel()
            self.pinger = None

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.lost.done():
            self.lost.set_result(None)

    def dispatch(self, event: Message) -> None:
        told = event_of(dict(event.items()))
        if is_the_switchs_own(told, stamped=self._stamped):
            self._stamped = self._stamped or "Timestamp" in told.headers
            self._on_event(told)
        else:
            _log.warning("ami-event-forged", remedy="docs/pbx.md, Toll fraud: ways in")

    @property
    def alive(self) -> bool:
        return self.protocol is not None and not self.protocol.closed

    @property
    def last_heard(self) -> float:
        """`time.monotonic()` of the last bytes from the PBX."""
        return self.protocol.last_heard if self.protocol else 0.0

    async def ask(
        self, action: str, headers: Headers, timeout: float, *, listing: bool = False
    ) -> AmiReply:
        """Send one action and wait for its answer. See AmiClient.send for what it raises."""
        pending = PendingAction(checked(action, headers), listing=listing)
        if not self.alive:
            raise SwitchUnreachable(f"{action}: not connected to the PBX; nothing was sent")
        protocol = cast("HardenedProtocol", self.protocol)
        protocol.send(pending)
        try:
            async with asyncio.timeout(timeout):
                messages = await pending.future
        except TimeoutError:
            # Where our own loop was late, the reply may be here after all.
            if not pending.future.cancelled():
                return _reply(action, pending.future.result())
            late = f"{action}: no reply in {timeout:g} s; the outcome is unknown"
            raise SwitchTimeout(late) from None
        finally:
            protocol.abandon(pending)
        return _reply(action, messages)

    def abort(self) -> None:
        """Drop the connection at once, without waiting for a peer that may be gone."""
        if self.protocol:
            self.protocol.transport.abort()

    async def shut(self, timeout: float) -> None:
        """Close and wait until the socket is closed, `timeout` seconds at most."""
        if self.protocol is None:
            return
        self.protocol.close()
        done, _ = await asyncio.wait([self.protocol.gone], timeout=timeout)
        if not done:
            self.protocol.transport.abort()
            await self.protocol.gone


def _reply(action: str, messages: list[Message]) -> AmiReply:
    first, *events = messages
    last, repeated = split(dict(first.items()))
    if last.get("Response", "").lower() in _REFUSALS:
        # A console command that fails says why in its output, not in the message.
        why = last.get("Output") or last.get("Message", "refused")
        raise SwitchRefused(f"{action}: {why}")
    listed = tuple(event_of(dict(event.items())) for event in events)
    return AmiReply(last, listed, repeated)
