"""A town with many seats, the phones of all, and who of them rings for which caller."""

import asyncio
import contextlib
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from gateway.lab.drops import CALLER
from gateway.lab.load.pump import PumpClient, connected
from gateway.lab.load.quiet import QuietMedia
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.script import phones
from gateway.lab.processes import spawn
from gateway.lab.town import ACCOUNTS, Progress, Town, TownPlan, centre_of, further_seats, town
from gateway.lab.witness import Witness

CALLER_HZ, OPERATOR_HZ, OFFICER_HZ = 450, 650, 850
_FILES = 8192
"""Sockets: four of each call at each of its phones, and more than ten at the PBX."""


def plan(seats: int, *, gateway: bool) -> TownPlan:
    """A town with `seats` at each centre."""
    accounts = [*ACCOUNTS, *further_seats(seats)]
    overrides = {
        # The audio of a phone is sent from the pump's socket, and goes to the phone's own.
        "pjsip.conf": "".join(f"[{one.user}](+)\nrtp_symmetric=no\n" for one in accounts),
        "asterisk.conf": f"[options](+)\nmaxfiles={_FILES}\n",
    }
    return TownPlan(
        release="answered", gateway=gateway, speech=False, seats=seats, overrides=overrides
    )


class Crowd:
    """Everyone on the phone. Operators answer at once; officers ring until they are answered."""

    def __init__(self, running: Town, witness: Witness, pump: PumpClient) -> None:
        self.town = running
        self.witness = witness
        self.pump = pump
        self.people: dict[str, Phone] = {}
        self._rung: dict[tuple[str, str], asyncio.Future[IncomingCall]] = {}

    @property
    def callers(self) -> Phone:
        """The trunk that all callers come through."""
        return self.people[CALLER]

    def media(self, host: str, tone_hz: int) -> QuietMedia:
        return QuietMedia(host, self.pump, tone_hz)

    def rings(self, centre: str, number: str) -> asyncio.Future[IncomingCall]:
        """The call that rings at `centre` for the caller with `number`, now or later."""
        key = (centre, number)
        if key not in self._rung:
            self._rung[key] = asyncio.get_running_loop().create_future()
        return self._rung[key]

    def answer(self, centre: str, call: IncomingCall) -> IncomingPolicy:
        """What a seat does when it is rung."""
        rung = self.rings(centre, call.from_number)
        if not rung.done():
            rung.set_result(call)
        return IncomingPolicy.answer(0.0) if centre == "12345" else IncomingPolicy()


@asynccontextmanager
async def crowd(seats: int, starting: Progress, *, gateway: bool) -> AsyncIterator[Crowd]:
    """Start the town and all of its phones; stop them whatever happens."""
    _allow_files()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(town(plan(seats, gateway=gateway), starting))
        witness = Witness(running.pbx)
        stack.enter_context(witness)
        starting("audio")
        pump = await stack.enter_async_context(_pump(running.folder))
        made = Crowd(running, witness, pump)
        starting("phones")
        made.people = await stack.enter_async_context(phones(_settings(made)))
        for user, phone in made.people.items():
            if user != CALLER:
                phone.on_invite = partial(made.answer, centre_of(user))
        yield made


def _settings(made: Crowd) -> list[PhoneSettings]:
    tones = {"12345": OPERATOR_HZ, "110": OFFICER_HZ}
    return [
        PhoneSettings(
            one.user,
            made.town.sip,
            one.password,
            register=one.kind == "seat",
            expires_s=3600,
            media=partial(
                made.media,
                tone_hz=tones[centre_of(one.user)] if one.kind == "seat" else CALLER_HZ,
            ),
        )
        for one in made.town.accounts
    ]


@asynccontextmanager
async def _pump(folder: Path) -> AsyncIterator[PumpClient]:
    path = folder / "pump"
    child = await spawn(
        "pump", [sys.executable, "-m", "gateway.lab.load.pump", str(path)], folder / "pump.log"
    )
    try:
        client = await connected(path)
        listening = asyncio.create_task(client.listen(), name="pump-answers")
        try:
            yield client
        finally:
            await client.close()
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await listening
    finally:
        await child.stop()


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
