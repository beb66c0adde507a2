"""The town of the fuzzer: a line to the world outside, and an eye on every process."""

import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.errors import LabError
from gateway.lab.fuzz import tally as t
from gateway.lab.fuzz.payloads import OUTSIDE
from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.processes import children_of
from gateway.lab.scene import BUSY, CITIZEN_HZ, OPERATOR_HZ, RING_FOREVER, Scene, open_scene, until
from gateway.lab.town import Progress, Town, TownPlan, town

ROLES = ("control", "recognise", "deliver")
_CARRIER = "carrier"
_PASSWORD = "pw-carrier"  # noqa: S105  of the lab

_DIALPLAN = f"""
[globals]
LD_REFER_CONTEXT=

; What an administrator's phones may dial: the world outside.
[from-seats]
exten => _[0+]X.,1,Dial(PJSIP/${{EXTEN}}@{_CARRIER},20)

; A way in that takes any text for a number.
[from-trunk]
exten => _9.,1,Progress()
 same => n,Gosub(liandong-call,s,1(12345,110))
 same => n,Goto(liandong-queue-12345,s,1)
"""

_PJSIP = f"""
[{_CARRIER}](endpoint)
context=from-carrier
auth={_CARRIER}
aors={_CARRIER}

[{_CARRIER}]
type=auth
auth_type=userpass
username={_CARRIER}
password={_PASSWORD}

[{_CARRIER}]
type=aor
max_contacts=1
remove_existing=yes
"""


class World:
    """What a batch works with. `carrier` takes every call that leaves the house."""

    def __init__(self, scene: Scene, carrier: Phone, rng: random.Random) -> None:
        self.scene = scene
        self.town: Town = scene.town
        self.carrier = carrier
        self.rng = rng

    @property
    def outside(self) -> int:
        """Calls that have left the house."""
        return len(self.carrier.calls)

    def pids(self) -> dict[str, int]:
        """Gateway, its roles and the PBX by name; 0: it does not run."""
        child, pbx = self.town.gateway, self.town.pbx.child
        found = {"serve": child.pid if child and child.running else 0}
        found |= {role: next(iter(self.town.pids_of(role)), 0) for role in ROLES}
        return found | {"asterisk": pbx.pid if pbx and pbx.running else 0}

    def memory_mib(self) -> dict[str, float]:
        """Resident memory of each process and its children's."""
        return {
            name: sum(map(_rss_mib, [pid, *(children_of(pid) if name == "asterisk" else [])]))
            for name, pid in self.pids().items()
            if pid
        }

    def log(self) -> str:
        return (self.town.folder / "gateway.log").read_text("utf-8", errors="replace")

    async def forged_calls(self) -> int:
        """Calls of no centre that the gateway shows: each of ours comes in at one."""
        async with self.town.client() as client:
            return sum(not call["centre"] for call in (await client.get("/calls")).json())

    async def talking(self) -> None:
        """Citizen and operator talk to each other."""
        self.scene.only("1001", "2001")
        self.scene.phones["2001"].on_invite = RING_FOREVER
        await self.scene.given_call()

    def still_talking(self) -> bool:
        """Neither has been parted from the other."""
        operator, citizen = self.scene.operator, self.scene.citizen
        return (
            operator.state == "up"
            and citizen.state == "up"
            and citizen.hears_tone(OPERATOR_HZ, 300)
            and operator.hears_tone(CITIZEN_HZ, 300)
        )

    async def goodbye(self) -> None:
        """Everyone hangs up; the PBX is empty afterwards."""
        for phone in self.scene.phones.values():
            phone.on_invite = BUSY
        citizens = self.scene.phones["city"].live_calls
        others = [
            call
            for user, phone in self.scene.phones.items()
            if user != "city"
            for call in phone.live_calls
        ]
        for call in (*citizens, *others):
            with contextlib.suppress(LabError):
                await call.hang_up()

        async def empty() -> bool:
            return not await self.scene.witness.live_channels()

        await until(empty, "an empty PBX", 20)

    async def normal_transfer(self) -> float:
        """One transfer as on any day; returns key to ringing phone, ms."""
        await self.talking()
        key = await self.scene.operator.press("*110")
        officer = await self.scene.next_live_call("2001")
        await officer.answer()
        await officer.heard.until_audio()
        await self.goodbye()
        return (officer.invite_at.wall - key.at.wall) * 1000

    async def control(self) -> None:
        """The eye sees: a seat's own call to the world outside reaches the carrier, once."""
        mark = self.scene.witness.mark()
        call = await self.scene.phones["1002"].dial(OUTSIDE)
        await until(lambda: self.outside == 1, "the seat's own call outside")
        await until(lambda: call.ended, "its end")
        seen = t.unplanned(self.scene.witness.seen[mark:])
        if not any(_CARRIER in name for name in seen):
            raise LabError("the witness does not see a call outside")


@asynccontextmanager
async def world(rng: random.Random, progress: Progress) -> AsyncIterator[World]:
    """Start it all; leaves no process behind."""
    plan = TownPlan(
        release="answered",
        ring_s=10,
        overrides={"extensions.conf": _DIALPLAN, "pjsip.conf": _PJSIP},
    )
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(town(plan, progress))
        progress("phones")
        scene = await stack.enter_async_context(open_scene(running))
        settings = PhoneSettings(_CARRIER, running.sip, _PASSWORD)
        carrier = await stack.enter_async_context(Phone(settings))
        carrier.on_invite = IncomingPolicy.reject(603)
        yield World(scene, carrier, rng)


def _rss_mib(pid: int) -> float:
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        return pages * 4096 / 2**20
    return 0.0
