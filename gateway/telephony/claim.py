"""Who controls this PBX: one gateway, and the PBX itself says which (ADR 0023).

Three globals on the switch: LD_CONTROLLER, the gateway that acts; LD_BEAT, epoch seconds of the
PBX's clock, its proof of life, which the dialplan looks at too; LD_CLAIM, whoever wants to follow.
A gateway acts only for LEASE_S after the last beat that it knows to have arrived, so one that
hung, slept or lost its connection has stopped before anybody follows it.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway import log
from gateway.clock import steady
from gateway.errors import Displaced, SwitchError
from gateway.telephony.ami_port import Ami
from gateway.telephony.identity import own_identity, process_is_gone

_log = log.get("telephony")

BEAT, CONTROLLER, CLAIM = "LD_BEAT", "LD_CONTROLLER", "LD_CLAIM"
STALE_S = 3.0
"""As the dialplan has it: with an older beat keys act natively, and another gateway may follow."""
LEASE_S = 2.5
"""Less than STALE_S: who holds the claim has stopped acting before it can be taken over."""
_UNCHANGED_S = 4.5
"""A beat that stood still so long by our own clock is stale, whatever the PBX's clock says."""
_DIGITS = 18
_SETTLE_S = 0.1
_LOOK_EVERY_S = 0.5


class _Seen(NamedTuple):
    controller: str
    beat: str


class Claim:
    """`take` it, then `keep` it; `valid` says at each moment whether we may act."""

    def __init__(
        self,
        ami: Ami,
        every_s: float,
        *,
        regained: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = steady,
    ) -> None:
        """`regained` is called whenever `valid` has become true."""
        self._ami = ami
        self._every_s = every_s
        self._regained = regained
        self._clock = clock
        self._identity = own_identity()
        self._token = ""
        self.followed = False
        """Whether the claim was taken from a gateway that hangs, and may wake up."""
        self._confirmed = float("-inf")
        self._watched: tuple[_Seen, float] | None = None
        self._wake = asyncio.Event()
        self._trying = asyncio.Lock()

    @property
    def valid(self) -> bool:
        """Whether nobody else can have begun to act."""
        return self._clock() - self._confirmed <= LEASE_S

    def wake(self) -> None:
        """The connection is back: look at once."""
        self._wake.set()

    async def take(self) -> None:
        """Return once we control the PBX; until then another one does, or it is not reachable."""
        told = ""
        while not self.valid:
            try:
                if await self._try():
                    break
                holder = (await self._look()).controller
            except SwitchError as error:
                holder = error.slug
            if holder != told:
                _log.warning("standing by: this PBX has another controller", controller=holder)
                told = holder
            await asyncio.sleep(_LOOK_EVERY_S * random.uniform(0.6, 1.4))  # noqa: S311  no secret
        _log.info("in control of the PBX", controller=self._token)

    async def keep(self) -> None:
        """Beat for ever. Raises Displaced once another gateway has followed us.

        Runs in the event loop that decides calls: if that hangs, so does the beat, as it should. A
        beat does not wait for the answer to the one before: a slow way is not a lost one.
        """
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticks: set[asyncio.Task[None]] = set()

        def ended(tick: asyncio.Task[None]) -> None:
            ticks.discard(tick)
            if not tick.cancelled() and (error := tick.exception()) and not over.done():
                over.set_exception(error)

        try:
            while not over.done():
                tick = asyncio.create_task(self._tick(), name="beat")
                ticks.add(tick)
                tick.add_done_callback(ended)
                self._wake.clear()
                woken = asyncio.create_task(self._wake.wait(), name="beat-wake")
                either: set[asyncio.Future[Any]] = {over, woken}
                await asyncio.wait(either, timeout=self._every_s)
                woken.cancel()
            over.result()
        finally:
            for tick in ticks:
                tick.cancel()

    async def give_up(self) -> None:
        """Let the next one, and the dialplan, act at once. Never raises."""
        if not self.valid:
            return
        self._confirmed = float("-inf")
        try:
            if (await self._look()).controller == self._token:
                await self._set(BEAT, "0")
                await self._set(CONTROLLER, f"{_epoch(self._token)}.")
        except SwitchError as error:
            _log.warning("claim not given up", why=error.slug)

    async def _tick(self) -> None:
        try:
            await self._renew()
        except Displaced:
            raise
        except SwitchError as error:
            # Lost? The client reconnects by itself, and the dialplan acts natively meanwhile.
            _log.debug("no beat", why=error.slug)

    async def _renew(self) -> None:
        if self.valid:
            # After the beat: whoever follows us looks at the beat after naming itself.
            holder = await self._beat()
        elif self._trying.locked() or await self._try():
            return
        else:
            holder = (await self._look()).controller
        if holder != self._token and not is_nobody(holder):
            self._confirmed = float("-inf")
            raise Displaced(
                f"another gateway ({holder}) controls this PBX: run one, or leave this one to "
                "stand by; it follows within seconds once the other has stopped"
            )

    async def _beat(self) -> str:
        """Beat, and look who is in control then: in one go, since AMI keeps the order."""
        sent = self._clock()
        beaten, holder = await asyncio.gather(
            self._set(BEAT, self._now()), self._get(CONTROLLER), return_exceptions=True
        )
        for outcome in (beaten, holder):
            if isinstance(outcome, BaseException):
                raise outcome
        assert isinstance(holder, str)
        if holder == self._token:
            self._confirm(sent)
        return holder

    async def _try(self) -> bool:
        """Take the claim if nobody lives by it. Between two who try, the switch's order decides.

        Each names itself in LD_CLAIM, looks, names itself in LD_CONTROLLER and looks again: of two
        whose steps are mixed in any way, the one that came last in LD_CLAIM sees that the other has
        become the controller, or the other sees LD_CLAIM changed. A controller that comes to life
        again meanwhile has beaten, and is seen by that.
        """
        async with self._trying:
            return await self._tried()

    async def _tried(self) -> bool:
        before = await self._look()
        if not self._is_free(before):
            return False
        token = f"{_epoch(before.controller) + 1}.{self._identity}"
        await self._set(CLAIM, token)
        await asyncio.sleep(_SETTLE_S)
        if await self._get(CLAIM) != token or await self._look() != before:
            return False
        self._token = token
        await self._set(CONTROLLER, token)
        if await self._get(CLAIM) != token or await self._look() != (token, before.beat):
            return False
        self.followed = not (is_nobody(before.controller) or process_is_gone(before.controller))
        return await self._beat() == token

    def _is_free(self, seen: _Seen) -> bool:
        if is_nobody(seen.controller) or seen.controller == self._token:
            return True
        if process_is_gone(seen.controller):
            return True
        return self._stands_still(seen) or self._is_stale(seen)

    def _stands_still(self, seen: _Seen) -> bool:
        if self._watched is None or self._watched[0] != seen:
            self._watched = (seen, self._clock())
        return self._clock() - self._watched[1] > _UNCHANGED_S

    def _is_stale(self, seen: _Seen) -> bool:
        """A beat from the future, where the PBX's clock was set back, is not taken for stale."""
        return int(self._now()) - _number(seen.beat) > STALE_S

    def _confirm(self, sent: float) -> None:
        lapsed = not self.valid
        self._confirmed = max(sent, self._confirmed)
        if lapsed and self.valid:
            self._regained()

    def _now(self) -> str:
        return str(int(time.time() + self._ami.clock_offset_s))

    async def _look(self) -> _Seen:
        return _Seen(*await asyncio.gather(self._get(CONTROLLER), self._get(BEAT)))

    async def _get(self, name: str) -> str:
        return (await self._ami.send("Getvar", {"Variable": name})).get("Value")

    async def _set(self, name: str, value: str) -> None:
        await self._ami.send("Setvar", {"Variable": name, "Value": value})


def is_nobody(token: str) -> bool:
    """No controller yet, or (``<epoch>.``) one that gave up."""
    return not token.partition(".")[2]


def _epoch(token: str) -> int:
    return _number(token.partition(".")[0])


def _number(text: str) -> int:
    """What a global holds, which anyone with AMI rights can set; 0 where it is no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0
