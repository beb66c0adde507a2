"""Asterisk's own restart: the only fault that may end calls, so it is reported by itself."""

import asyncio
import random
from collections.abc import Callable

from gateway.lab.chaos.world import world
from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.scene import CITIZEN_NUMBER


async def report(say: Callable[[str], object]) -> int:
    """Restart Asterisk under a call, then call again; the last line says both. Exit status."""
    rng = random.Random(1)  # noqa: S311  no secret
    async with world(rng, lambda _part: None) as made:
        operator = made.people["1001"]
        operator.on_invite = IncomingPolicy.answer(0.0)
        first = await made.people["city"].dial("12345", caller_id=CITIZEN_NUMBER)
        await first.until("up", 10)
        child = made.town.pbx.child
        assert child is not None
        await child.stop(grace_s=0.1)
        for phone in made.people.values():
            for call in phone.live_calls:
                call.abandon()
        await made.town.pbx.boot(made.town.folder)
        await made.well()
        for phone in made.people.values():
            if phone.registration is not None:
                await phone.registration.start()
        second = await made.people["city"].dial("12345", caller_id=CITIZEN_NUMBER)
        await second.until("up", 10)
        await second.heard.until_audio()
        await second.hang_up()
        await asyncio.sleep(0.5)
    say("Asterisk restarted: 1 call ended by it, the gateway took control again, a new call works")
    return 0
