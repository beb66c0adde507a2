"""One round: a real call and a transfer with faults at their moments, and what came of it."""

import asyncio
import contextlib
import random
import time

from gateway.errors import LabError, LiandongError, PhoneError
from gateway.lab.chaos.faults import KINDS, mended
from gateway.lab.chaos.script import SEATS, Moment, Script
from gateway.lab.chaos.tally import Ring, Tally, left, rings, rooms_of, second_rings
from gateway.lab.chaos.world import World
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.phones.phone import Phone
from gateway.lab.scene import CITIZEN_HZ, CITIZEN_NUMBER, OFFICER_HZ, OPERATOR_HZ, until

STUCK_S = 60.0
_ROUND_S = 180.0
_PRESS_AGAIN_S = 4.5
"""An operator presses again when nothing rings: a press may go to nobody for 3 s (ADR 0002)."""
_GONE_S = 25.0
_BRIEF_S = 0.7
"""How long operator and target speak before the operator's next key."""


class Round:
    """`await Round(world, script, tally, rng).play()`."""

    def __init__(self, world: World, script: Script, tally: Tally, rng: random.Random) -> None:
        self._world = world
        self._script = script
        self._tally = tally
        self._rng = rng
        self._since = world.witness.mark()
        self._citizen: OutgoingCall
        self._operator: IncomingCall
        self._presses: list[float] = []

    async def play(self) -> None:
        """Play it to its end and count; a round that cannot be played is counted as such."""
        self._tally.rounds += 1
        try:
            async with asyncio.timeout(_ROUND_S):
                await self._play()
        except (LiandongError, TimeoutError) as error:
            self._note("not played", str(error) or f"longer than {_ROUND_S:g} s")
            self._tally.broken.append(str(self._script))
        finally:
            await self._clear()
            self._count()

    async def _play(self) -> None:
        await self._meet()
        faults = [asyncio.create_task(self._fault(one)) for one in self._script.faults]
        try:
            await self._transfer()
        finally:
            await asyncio.gather(*faults)
        await mended(self._world)
        await self._world.well()
        await self._someone_is_there()
        await self._end()

    async def _meet(self) -> None:
        """Citizen and operator talk; whoever else could be rung first is busy."""
        script, people = self._script, self._world.people
        for phone in people.values():
            phone.on_invite = IncomingPolicy.busy()
        people[script.operator].on_invite = IncomingPolicy.answer(0.0)
        people[script.officer].on_invite = script.policy
        self._citizen = await people["city"].dial(script.number, caller_id=CITIZEN_NUMBER)
        self._operator = await _next_live(people[script.operator], 10.0)
        await self._citizen.until("up")
        await self._operator.until("up")
        self._citizen.tone(CITIZEN_HZ)
        self._operator.tone(OPERATOR_HZ)
        await self._operator.heard.until_audio()
        await self._citizen.heard.until_audio()

    async def _fault(self, moment: Moment) -> None:
        await asyncio.sleep(moment.after_s)
        self._tally.faults[moment.kind] += 1
        async with KINDS[moment.kind](self._world, self._rng):
            await asyncio.sleep(moment.for_s)

    async def _transfer(self) -> None:
        script = self._script
        await asyncio.sleep(script.talk_s)
        officer = await self._ring()
        if officer is None:
            return
        self._tally.rung += 1
        if script.leaves_while_ringing:
            leaver = self._operator if script.leaves_while_ringing == "operator" else self._citizen
            await leaver.hang_up()
        with contextlib.suppress(PhoneError):
            await officer.until("up", 6.0)
            self._tally.answered += 1
            officer.tone(OFFICER_HZ)
            if script.then and not self._operator.ended:
                await asyncio.sleep(_BRIEF_S)
                self._presses.append(time.time())  # *3 rings where a fault has ended the talk aside
                await self._operator.press(script.then)

    async def _ring(self) -> IncomingCall | None:
        """The operator presses until the officer's phone rings; None: it does not, or is over."""
        phone = self._world.people[self._script.officer]
        for _ in range(2):
            if self._operator.ended or self._citizen.ended:
                return None
            with contextlib.suppress(PhoneError):
                self._presses.append(time.time())
                await self._operator.press(self._script.keys)
                return await phone.next_call(_PRESS_AGAIN_S)
        return None

    async def _someone_is_there(self) -> None:
        """Nobody is stuck: who is on the line hears a person, a queue or an announcement."""
        if self._citizen.ended:
            return
        try:
            await until(self._hears_something, "a sound", STUCK_S)
        except LabError:
            self._tally.stuck += 1
            self._note("stuck", f"the caller heard nothing for {STUCK_S:g} s")

    def _hears_something(self) -> bool:
        for call in self._live():  # a seat that a queue rang again answers by itself
            if call.state == "up" and call not in (self._citizen, self._operator):
                call.tone(OFFICER_HZ)
        return self._citizen.ended or self._citizen.rms(200) > 100

    async def _end(self) -> None:
        people = [call for call in self._live() if call is not self._citizen]
        last = people if self._script.first_to_hang_up == "people" else [self._citizen]
        first = [self._citizen] if last is people else people
        for calls in (last, first):
            await asyncio.gather(*(one.hang_up() for one in calls if one.state == "up"))
            await asyncio.sleep(0.5)

    def _live(self) -> list[PhoneCall]:
        return [call for phone in self._world.people.values() for call in phone.live_calls]

    async def _clear(self) -> None:
        """All faults mended, everyone at home, the switch empty: what is left is counted."""
        world = self._world
        for seats in SEATS.values():
            for user in seats:
                world.people[user].on_invite = IncomingPolicy.busy()
        with contextlib.suppress(LabError):
            await mended(world)
            await world.well()
        talking = [call for call in self._live() if call.state == "up"]
        await asyncio.gather(*(one.hang_up() for one in talking), return_exceptions=True)

        async def is_empty() -> bool:
            return not await world.witness.live_channels() and not world.sockets_left()

        with contextlib.suppress(LabError):
            await until(is_empty, "an empty PBX", _GONE_S)
        channels = await world.witness.live_channels()
        found = left(channels, await world.rooms(), world.sockets_left())
        if found:
            self._tally.left_behind += found
            self._note("left behind", f"{dict(found)}: {', '.join(channels)}")
        for call in self._live():
            call.abandon()
        for channel in channels:  # the next round must not count them again
            await world.town.pbx.cli(f"channel request hangup {channel}")

    def _count(self) -> None:
        world, script = self._world, self._script
        dropped = world.witness.dropped(self._since, world.people)
        if dropped:
            self._tally.dropped += len(dropped)
            self._note("dropped", ", ".join(dropped))
        seen = world.witness.seen[self._since :]
        self._tally.played |= dict.fromkeys(rooms_of(seen), self._name)
        rung = rings(seen, script.target)
        if again := second_rings(rung, self._presses):
            self._tally.second_rings += again
            self._note(
                "second ring", f"{script.target} was rung {len(rung)} times: {self._when(rung)}"
            )

    def _when(self, rung: list[Ring]) -> str:
        """Presses and rings in seconds after the first press."""
        first = self._presses[0] if self._presses else rung[0].began
        presses = ", ".join(f"{press - first:.2f}" for press in self._presses)
        spans = ", ".join(f"{ring.began - first:.2f} to {ring.ended - first:.2f}" for ring in rung)
        return f"pressed at {presses or 'no time'}, rang {spans} s"

    @property
    def _name(self) -> str:
        return f"call {self._tally.rounds}: {self._script}"

    def _note(self, what: str, details: str) -> None:
        self._tally.notes.append(
            f"call {self._tally.rounds}: {what}: {details}\n    {self._script}"
        )


async def _next_live(phone: Phone, timeout_s: float) -> IncomingCall:
    while (call := await phone.next_call(timeout_s)).ended:
        pass
    return call
