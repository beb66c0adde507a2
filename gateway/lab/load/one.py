"""One call of a crowd: it comes in, is transferred by a key, and ends."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.errors import LabError, LiandongError
from gateway.lab.bench.stages import Moments
from gateway.lab.load.crowd import OFFICER_HZ, OPERATOR_HZ, Crowd
from gateway.lab.load.quiet import QuietMedia
from gateway.lab.phones.incoming import IncomingCall
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.phones.stamp import stamp

KEY = "*110"
_TONE_MS, _KEY_GAP_MS = 160, 80
"""As in `bench.transfer`: shorter keys are stretched by Asterisk, in both arms."""
_STEP_LIMIT_S = 20.0
_BEFORE_S = 0.6
_LOOKS = 5
"""Of that length: where processors are short, the sender of the audio may be late just then."""
_RINGS_S = 0.4
_AFTER_S = 0.5


@dataclass
class Told:
    """What came of one call, as its phones know it; milliseconds."""

    number: str
    error: str = ""
    ended_by_pbx: bool = False
    """The caller's phone was told to hang up."""
    moments: Moments | None = None
    before_ms: float = 0.0
    """The longest time between two packets at the caller's socket while nothing is done."""
    gap_ms: float = 0.0
    """The same from the key's end until target and caller have talked for half a second."""
    heard_target: bool = False
    """The caller heard the target's tone at the end of it."""

    @property
    def key_invite_ms(self) -> float:
        """From the key's last end packet to the INVITE at the target's phone."""
        assert self.moments is not None
        return (self.moments.invite - self.moments.key) * 1000


class OneCall:
    """`up`, `transfer`, `end`, in this order. What fails is told, and ends the call."""

    def __init__(self, crowd: Crowd, number: str) -> None:
        self.told = Told(number)
        self._crowd = crowd
        self._caller: OutgoingCall | None = None
        self._operator: IncomingCall | None = None
        self._officer: IncomingCall | None = None

    async def up(self) -> None:
        """A citizen calls, an operator answers."""
        await self._try(self._up)

    async def transfer(self) -> None:
        """The operator presses the key, the target answers, the operator leaves."""
        await self._try(self._transfer)

    async def end(self) -> None:
        """The citizen hangs up."""
        await self._try(self._end)

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        if self.told.error:
            return
        try:
            async with asyncio.timeout(_STEP_LIMIT_S):
                await step()
        except (LiandongError, TimeoutError) as error:
            what = str(error) or f"not done in {_STEP_LIMIT_S:g} s"
            self.told.error = f"{step.__name__.strip('_')}: {what}"
        if self._caller and self._caller.ended_by == "remote":
            self.told.ended_by_pbx = True
        if self.told.error:
            await self._give_up()

    async def _up(self) -> None:
        number = self.told.number
        self._caller = await self._crowd.callers.dial("12345", caller_id=number)
        self._operator = await self._crowd.rings("12345", number)
        await self._operator.until("up")
        await self._caller.until("up")

    async def _transfer(self) -> None:
        caller, operator = self._caller, self._operator
        assert caller
        assert operator
        audio = caller.media
        assert isinstance(audio, QuietMedia)
        for _ in range(_LOOKS):
            audio.listen()
            await asyncio.sleep(_BEFORE_S)
            audio.hear()
            if caller.hears_tone(OPERATOR_HZ):
                break
        else:
            raise LabError("the caller does not hear the operator")
        self.told.before_ms = caller.heard.largest_gap_ms()
        key = await operator.press(KEY, _TONE_MS, _KEY_GAP_MS)
        self._officer = officer = await self._crowd.rings("110", self.told.number)
        await asyncio.sleep(_RINGS_S)
        answered = stamp()
        await officer.answer()
        self.told.moments = Moments(key.at.wall, officer.invite_at.wall, answered.wall)
        await asyncio.sleep(_AFTER_S)
        if self._crowd.town.plan.gateway:
            await operator.until("ended")
        else:
            await operator.hang_up()
        audio.hear()
        self.told.gap_ms = caller.heard.largest_gap_ms(key.at)
        self.told.heard_target = caller.hears_tone(OFFICER_HZ)

    async def _end(self) -> None:
        assert self._caller
        assert self._officer
        if self._caller.ended:
            raise LabError("the caller's call had been ended")
        await self._caller.hang_up()
        if self._crowd.town.plan.gateway:
            await self._officer.until("ended")
        else:
            # Without a gateway nobody ends the leg of one who is left alone in a room.
            await self._officer.hang_up()

    async def _give_up(self) -> None:
        legs = [one for one in (self._caller, self._operator, self._officer) if one]
        await asyncio.gather(*(one.hang_up() for one in legs), return_exceptions=True)
        for one in legs:
            one.abandon()
