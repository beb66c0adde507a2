"""The switch is an Asterisk with our dialplan files included; AMI carries the commands.

Channels are named to AMI by their unique id, which Asterisk takes wherever it takes a name.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from gateway import log
from gateway.calls import commands as c
from gateway.errors import SwitchError, SwitchRefused, SwitchUnreachable
from gateway.settings import LinkSettings
from gateway.telephony.ami_port import Ami
from gateway.telephony.ami_values import Headers, variable

_log = log.get("telephony")
ROOM = "liandong-room"
HOLD = "liandong-hold"
Taps = Callable[[c.OpenTap], Awaitable[None]]


class AsteriskSwitch:
    """Implements `telephony.port.Switch`."""

    def __init__(
        self, ami: Ami, links: Iterable[LinkSettings], taps: Taps, ringing: Ami | None = None
    ) -> None:
        """`ringing`: a connection of its own for what rings targets, used while it is up.

        AMI carries out the actions of one connection one after another: on that of all the others
        a target's ring would wait for the moves of this call and of every other.
        """
        self._ami = ami
        self._ringing = ringing
        self._asked: dict[str, asyncio.Future[None]] = {}
        """By leg: the order to ring it, not yet answered."""
        self._links = {(link.source, link.target): link for link in links}
        self._doers: dict[type[Any], Callable[[Any], Awaitable[None]]] = {
            c.MoveToRoom: self._move_to_room,
            c.RingTarget: self._ring_target,
            c.HangUp: self._hang_up,
            c.ForgetRinging: self._forget_ringing,
            c.HoldCaller: self._hold_caller,
            c.FetchCaller: self._fetch_caller,
            c.RequeueCaller: self._requeue_caller,
            c.Tell: self._tell,
            c.MoveAside: self._move_aside,
            c.OpenTap: taps,
        }

    async def execute(self, command: c.SwitchCommand) -> None:
        await self._doers[type(command)](command)

    async def _move_to_room(self, command: c.MoveToRoom) -> None:
        exten = "back" if command.back else "caller"
        await self._redirect_both((command.caller, ROOM, exten), (command.agent, ROOM, "agent"))

    async def _move_aside(self, command: c.MoveAside) -> None:
        await self._redirect_both((command.caller, HOLD, "s"), (command.agent, ROOM, "consult"))

    async def _ring_target(self, command: c.RingTarget) -> None:
        link = self._links.get((command.source, command.target))
        if link is None:
            raise SwitchRefused(f"no link from {command.source} to {command.target}")
        variables = {
            "GROUP(ld_ring)": command.room,
            "__LD_CALL": command.room,
            "__LD_CALLER": command.caller_channel,
            "__LD_NUMBER": command.caller_number,
            "__LD_CENTRE": command.centre,
            "__LD_HERE": command.target,
            "__LD_PEER": command.source,
            "__LD_URGENT": "1" if command.urgent else "",
            "__LD_HOP": str(command.hop or ""),
            "__TRANSFER_CONTEXT": "liandong-refer",
        }
        until = self._until(command.ring_s)
        originate = {
            "Channel": link.places[command.place].dial,
            "ChannelId": command.leg_id,
            "Context": ROOM,
            "Exten": "consulted" if command.aside else "target",
            "Priority": "1",
            "Timeout": str(int(command.ring_s * 1000)),
            "CallerID": command.caller_number,
            "Async": "true",
            "Variable": [variable(name, value) for name, value in variables.items()],
        }
        # Not gathered: the order to ring leaves now, and not once round the loop later.
        marking = asyncio.create_task(self._mark_ringing(command, until))
        try:
            with self._ordering(command.leg_id):
                await self._originate(originate)
        except asyncio.CancelledError:
            marking.cancel()
            raise
        finally:
            await asyncio.gather(marking, return_exceptions=True)

    async def _mark_ringing(self, command: c.RingTarget, until: int) -> None:
        """Whether it rings is the Originate's to say: unmarked, a caller is held less long."""
        try:
            await self._set_ringing(command.caller_channel, until)
        except SwitchError as error:
            _log.warning("ringing not marked", room=command.room, error=type(error).__name__)

    @contextlib.contextmanager
    def _ordering(self, leg_id: str) -> Iterator[None]:
        answered = self._asked[leg_id] = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            del self._asked[leg_id]
            answered.set_result(None)

    async def _originate(self, headers: Headers) -> None:
        if self._ringing is not None and self._ringing.connected:
            with contextlib.suppress(SwitchUnreachable):  # nothing was sent
                await self._ringing.send("Originate", headers)
                return
        await self._ami.send("Originate", headers)

    def _until(self, ring_s: float) -> int:
        """Epoch second of the switch until which something may ring for `ring_s` from now."""
        return int(time.time() + self._ami.clock_offset_s + ring_s) + 1

    async def _hang_up(self, command: c.HangUp) -> None:
        # Two connections keep no order between them: it must not come before the order to ring.
        if asked := self._asked.get(command.unique_id):
            await asyncio.wait([asked])
        await self._ami.send("Hangup", {"Channel": command.unique_id, "Cause": "16"})

    async def _forget_ringing(self, command: c.ForgetRinging) -> None:
        await self._set_ringing(command.caller, 0)

    async def _set_ringing(self, caller: str, until: int) -> None:
        headers = {"Channel": caller, "Variable": "SHARED(LD_RING_UNTIL)", "Value": str(until)}
        await self._ami.send("Setvar", headers)

    async def _hold_caller(self, command: c.HoldCaller) -> None:
        if command.ring_s > 0:
            await self._set_ringing(command.caller, self._until(command.ring_s))
        await self._redirect(command.caller, "liandong-alone", "s")

    async def _fetch_caller(self, command: c.FetchCaller) -> None:
        await self._redirect(command.caller, ROOM, "rejoin")

    async def _requeue_caller(self, command: c.RequeueCaller) -> None:
        await self._redirect(command.caller, "liandong-requeue", command.centre)

    async def _tell(self, command: c.Tell) -> None:
        headers = {
            "Channel": "Local/say@liandong-tell/n",
            "Context": "liandong-tell",
            "Exten": "ear",
            "Priority": "1",
            "Timeout": "3000",
            "Async": "true",
            "Variable": [
                variable("LD_EAR", command.channel),
                variable("__LD_SAY", command.announcement),
            ],
        }
        await self._ami.send("Originate", headers)

    async def _redirect_both(self, one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
        """Each a channel, its context and its extension: in one action, or not at all."""
        names = ("Channel", "Context", "Exten")
        headers = dict(zip(names, one, strict=True)) | {"Priority": "1"}
        headers |= {f"Extra{name}": value for name, value in zip(names, two, strict=True)}
        await self._ami.send("Redirect", headers | {"ExtraPriority": "1"})

    async def _redirect(self, channel: str, context: str, exten: str) -> None:
        headers = {"Channel": channel, "Context": context, "Exten": exten, "Priority": "1"}
        await self._ami.send("Redirect", headers)
