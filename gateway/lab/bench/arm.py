"""One way to transfer a call, ready to be measured: a town, its phones, its witness.

The baseline runs in a town of its own whose gateway was never started, not in the gateway's town
with its keys forced native: there the taps, the recogniser and the journal would burden both arms
and their cost would vanish from the ratio. Dialplan, accounts, machine and minute are the same.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway.lab.bench.decisions import JournalReader
from gateway.lab.listener import Listener, listening
from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.script import phones
from gateway.lab.town import ACCOUNTS, Progress, Town, TownPlan, town
from gateway.lab.witness import Witness

CITIZEN, OPERATOR, OFFICERS = "city", "1001", ("2001", "2002")
BLIND_NUMBER = "9110"
_DIALPLAN = f"""
[from-trunk](+)
exten => {BLIND_NUMBER},1,Gosub(liandong-call,s,1(12345,110))
 same => n,Set(__TRANSFER_CONTEXT=liandong-target)
 same => n,Queue(12345,ct,,,300)
 same => n,Hangup()
"""
_FEATURES = """
[general](+)
transferannouncesound=
"""
_BLIND = {"extensions.conf": _DIALPLAN, "features.conf": _FEATURES}
"""Orientation only: Asterisk's own blind transfer (`#`, then the number) to the same queue."""


@dataclass
class Place:
    """A running town and everyone in it."""

    town: Town
    witness: Witness
    people: dict[str, Phone]
    listener: Listener | None = None
    journal: JournalReader | None = None


@dataclass(frozen=True)
class Arm:
    """`keys` are pressed one after another with a pause; the last one's end is what counts."""

    name: str
    title: str
    place: Place
    number: str = "12345"
    keys: tuple[str, ...] = ("*110",)
    room: bool = True
    """The three meet in a room."""


@asynccontextmanager
async def arms(starting: Progress) -> AsyncIterator[tuple[Arm, Arm, Arm]]:
    """Start both towns; yields the gateway's arm, the native one and the blind one."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(_place(TownPlan(release="talk"), starting))
        bare = TownPlan(gateway=False, speech=False, overrides=_BLIND)
        theirs = await stack.enter_async_context(_place(bare, starting))
        yield (
            Arm("gateway", "gateway", ours),
            Arm("native", "dialplan only", theirs),
            Arm("blind", "Asterisk's blind transfer", theirs, BLIND_NUMBER, ("#", "110"), False),
        )


@asynccontextmanager
async def _place(plan: TownPlan, starting: Progress) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(town(plan, starting))
        witness = Witness(running.pbx)
        stack.enter_context(witness)
        users = {CITIZEN, OPERATOR, *OFFICERS}
        accounts = [
            PhoneSettings(one.user, running.sip, one.password, register=one.kind == "seat")
            for one in ACCOUNTS
            if one.user in users
        ]
        people = await stack.enter_async_context(phones(accounts))
        people[OPERATOR].on_invite = IncomingPolicy.answer(0.0)
        place = Place(running, witness, people)
        if plan.gateway:
            place.listener = await stack.enter_async_context(listening(running))
            place.journal = JournalReader(running.folder / "journal")
        yield place
