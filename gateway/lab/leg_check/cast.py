"""Who is on the phone in the calls of the check, and what they do by hand."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from gateway.errors import LabError
from gateway.lab.drops import CALLER
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.script import phones
from gateway.lab.scene import until
from gateway.lab.town import LINE, Town, centre_of, is_seat
from gateway.lab.trunk import other_centre

TALK_S = 0.8
"""How long people talk between one thing and the next."""
ANSWERS, RINGS = IncomingPolicy.answer(0.2), IncomingPolicy()


class Cast:
    """Every phone of a town. What a centre does for a caller is said beforehand (`policy`)."""

    def __init__(self, running: Town, people: dict[str, Phone]) -> None:
        self.town = running
        self.people = people
        self.policy: dict[tuple[str, str], IncomingPolicy] = {}
        self._rung: defaultdict[tuple[str, str], asyncio.Queue[IncomingCall]]
        self._rung = defaultdict(asyncio.Queue)
        for user, phone in people.items():
            if user != CALLER:
                phone.on_invite = partial(self._invited, centre_of(user) if is_seat(user) else user)

    def _invited(self, centre: str, call: IncomingCall) -> IncomingPolicy:
        self._rung[centre, call.from_number].put_nowait(call)
        return self.policy.get((centre, call.from_number), ANSWERS)

    async def rings(self, centre: str, number: str, timeout_s: float = 15.0) -> IncomingCall:
        """The next call at `centre` for this caller. Raises LabError."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._rung[centre, number].get()
        except TimeoutError:
            raise LabError(f"nothing rings at {centre} for this caller") from None


@asynccontextmanager
async def cast(running: Town) -> AsyncIterator[Cast]:
    """Start every phone of the town; closed at the end."""
    settings = [
        PhoneSettings(one.user, running.sip, one.password, register=one.kind == "seat")
        for one in running.accounts
    ]
    async with AsyncExitStack() as stack:
        yield Cast(running, await stack.enter_async_context(phones(settings)))


class One:
    """One call: a citizen calls `home`, whose operators can ask for `away`."""

    def __init__(self, cast: Cast, number: str, home: str) -> None:
        self.cast = cast
        self.number = number
        self.home = home
        self.away = other_centre(home)
        self.citizen: OutgoingCall
        self.operator: IncomingCall
        self.officer: IncomingCall

    def let(self, centre: str, policy: IncomingPolicy) -> None:
        """What the phones of `centre` do when they are rung for this caller."""
        self.cast.policy[centre, self.number] = policy

    async def dial(self) -> None:
        self.citizen = await self.cast.people[CALLER].dial(self.home, caller_id=self.number)

    async def begin(self) -> None:
        """An operator has answered, and the two have talked for a moment."""
        await self.dial()
        self.operator = await self.up(self.home)
        await self.citizen.until("up")
        await self.talk()

    async def up(self, centre: str) -> IncomingCall:
        """The next call at `centre` that is answered."""
        while True:
            call = await self.cast.rings(centre, self.number)
            if not call.ended:
                await call.until("up", 15)
                return call

    async def talk(self, seconds: float = TALK_S) -> None:
        await asyncio.sleep(seconds)

    async def asks(self, code: str = "") -> None:
        """The operator presses a key; none named: the one for the other centre."""
        await self.operator.press(code or f"*{self.away}")

    async def meets(self, code: str = "") -> None:
        """The key is pressed, a person at the other centre answers, and all have talked."""
        await self.asks(code)
        self.officer = await self.up(self.away)
        await self.talk()

    async def line(self) -> IncomingCall:
        """The fire brigade is brought in."""
        await self.asks("*119")
        call = await self.up(LINE.user)
        await self.talk()
        return call

    async def ringing(self, code: str = "") -> IncomingCall:
        """The key is pressed; the other centre's phone rings and goes on ringing."""
        self.let(self.away, RINGS)
        await self.asks(code)
        return await self.cast.rings(self.away, self.number)

    async def until_quiet(self) -> None:
        """Nobody is on the line or rung for this caller any more."""

        def quiet() -> bool:
            calls = [one for phone in self.cast.people.values() for one in phone.live_calls]
            mine = (one for one in calls if isinstance(one, IncomingCall))
            return not any(one.from_number == self.number for one in mine)

        await until(quiet, "the end of every leg", 15)

    async def over(self, *calls: PhoneCall) -> None:
        """Those hang up, and the citizen's call has ended."""
        for call in calls:
            await call.hang_up()
        await self.citizen.until("ended", 15)
