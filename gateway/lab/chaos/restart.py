"""Asterisk's own restart: the only fault that may end calls, so it is reported by itself."""

import json
import os
import random
import signal
import time
from collections.abc import Callable

from gateway.errors import LabError
from gateway.lab.chaos.world import World, world
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.scene import CITIZEN_NUMBER, until

_TICKETS_S = 60.0


async def report(say: Callable[[str], object]) -> int:
    """Kill Asterisk while a target rings, start it, transfer anew. Returns the exit status."""
    async with world(random.Random(1), lambda _part: None) as made:  # noqa: S311  no secret
        for user, policy in (("1001", IncomingPolicy.answer(0.0)), ("2001", IncomingPolicy())):
            made.people[user].on_invite = policy
        await _transfer(made)
        await _kill(made)
        began = time.monotonic()
        assert made.town.pbx.child is not None
        await made.town.pbx.boot(made.town.folder)
        booted = time.monotonic()
        for phone in made.people.values():
            if phone.registration is not None:
                await phone.registration.refresh()
        await made.well()
        well = time.monotonic()
        citizen, operator, officer = await _transfer(made)
        await officer.answer()
        await officer.heard.until_audio()
        for call in (operator, citizen):
            await call.hang_up()
        await officer.until("ended", 10.0)
        lost = await _tickets_lost(made, 2)
        say(
            f"Asterisk killed while 110 rang: 1 call ended by it (allowed), up again in "
            f"{booted - began:.1f} s, the gateway in control {well - booted:.1f} s later, the key "
            f"rings 110 again, tickets lost {lost}"
        )
        return 1 if lost else 0


async def _transfer(made: World) -> tuple[OutgoingCall, IncomingCall, IncomingCall]:
    """A call, and the key: returns citizen, operator and the officer's ringing phone."""
    citizen = await made.people["city"].dial("12345", caller_id=CITIZEN_NUMBER)
    operator = await made.people["1001"].next_call(10.0)
    await operator.heard.until_audio()
    await operator.press("*110")
    return citizen, operator, await made.people["2001"].next_call(10.0)


async def _kill(made: World) -> None:
    child = made.town.pbx.child
    assert child is not None
    os.killpg(child.pid, signal.SIGKILL)
    await child.process.wait()
    for phone in made.people.values():
        for call in phone.live_calls:
            call.abandon()


async def _tickets_lost(made: World, calls: int) -> int:
    """Of `calls` calls, how many have no final ticket."""

    def final() -> set[str]:
        taken = [json.loads(path.read_text("utf-8")) for path in made.town.taken.glob("*.json")]
        return {one["data"]["ticket_id"] for one in taken if one["data"]["phase"] == "final"}

    try:
        await until(lambda: len(final()) >= calls, "the tickets", _TICKETS_S)
    except LabError:
        return calls - len(final())
    return 0
