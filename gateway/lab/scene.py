"""People on the phone, for tests, matrix and chaos: a citizen, two operators, two officers.

Each speaks a tone of their own, so that who hears whom is measured and not believed.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from gateway.errors import LabError, SwitchUnreachable
from gateway.lab.asterisk_lab import AsteriskLab
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.town import Town, operator_token
from gateway.lab.witness import Witness
from gateway.telephony.reconcile import TAP_PREFIX

CITIZEN_HZ, OPERATOR_HZ, OFFICER_HZ = 440, 700, 1040
CITIZEN_NUMBER = "13812341234"
BUSY, DECLINE = IncomingPolicy.busy(), IncomingPolicy.reject(603)
RING_FOREVER = IncomingPolicy()
_BREATH_S = 3.0


async def until(
    true: Callable[[], Awaitable[bool] | bool], what: str, timeout_s: float = 10.0
) -> None:
    """Wait until `true()`; raises LabError saying that `what` never came."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = true()
        if found if isinstance(found, bool) else await found:
            return
        if time.monotonic() > deadline:
            raise LabError(f"never: {what}")
        await asyncio.sleep(0.02)


class Scene:
    """One call from arrival to its end, in a running town."""

    def __init__(self, town: Town, phones: dict[str, Phone], witness: Witness) -> None:
        self.town = town
        self.phones = phones
        self.witness = witness
        self.since = witness.mark()
        self.citizen: OutgoingCall
        self.operator: IncomingCall
        self.officer: IncomingCall

    def only(self, *extensions: str, answer_s: float = 0.0) -> None:
        """These phones answer, the others are busy."""
        for user, phone in self.phones.items():
            phone.on_invite = IncomingPolicy.answer(answer_s) if user in extensions else BUSY

    async def next_live_call(self, extension: str, timeout_s: float = 10.0) -> IncomingCall:
        """The next call at `extension` that has not been refused or given up already."""
        while (call := await self.phones[extension].next_call(timeout_s)).ended:
            pass
        return call

    async def given_call(self, number: str = "12345", operator: str = "1001") -> None:
        """A citizen talks to an operator; both hear each other."""
        self.phones[operator].on_invite = IncomingPolicy.answer(0.0)
        self.citizen = await self.phones["city"].dial(number, caller_id=CITIZEN_NUMBER)
        self.operator = await self.next_live_call(operator)
        await self.citizen.until("up")
        await self.operator.until("up")
        self.citizen.tone(CITIZEN_HZ)
        self.operator.tone(OPERATOR_HZ)
        await self.citizen.until_hears(OPERATOR_HZ)
        await self.operator.until_hears(CITIZEN_HZ)

    async def given_ringing_transfer(self, keys: str = "*110", officer: str = "2001") -> None:
        """The operator has pressed the key, and the officer's phone rings."""
        await self.operator.press(keys)
        self.officer = await self.next_live_call(officer)

    async def given_three_way(self, keys: str = "*110", officer: str = "2001") -> None:
        self.phones[officer].on_invite = IncomingPolicy.answer(0.2)
        await self.given_ringing_transfer(keys, officer)
        await self.officer.until("up")
        self.officer.tone(OFFICER_HZ)

    async def hears(self, listener: PhoneCall, *tones: int) -> None:
        """Each of `tones` is a good part of what `listener` hears; a voice never is."""
        for tone in tones:
            await until(partial(_hears, listener, tone), f"{tone} Hz at {listener!r}")

    def rings(self, target: str) -> int:
        """How often `target` has been rung: phones that ring already would not show it."""
        legs = (event.get("Channel") for event in self.witness.named("Newchannel", self.since))
        return sum(leg.startswith(f"Local/{target}@") and leg.endswith(";1") for leg in legs)

    async def hears_something_after(self, listener: PhoneCall, tone: int) -> None:
        """`tone` has gone, and it is not silence that came in its place."""
        enough = listener.heard.received + 25  # half a second that has nothing of before
        await until(lambda: listener.heard.received >= enough, "half a second more")
        await until(lambda: not listener.hears_tone(tone, 400), f"the end of {tone} Hz")
        await until(lambda: listener.rms(200) > 100, "a sound")

    async def until_heard(self, legs: int) -> None:
        """So many legs are listened to; on a machine that others keep busy it takes a while."""

        async def tapped() -> bool:
            names = await self.witness.live_channels()
            return sum(name.startswith(TAP_PREFIX) for name in names) == legs

        await until(tapped, f"taps on {legs} legs", 40)

    async def repeats_until(
        self, speaker: PhoneCall, recording: Path, heard: Callable[[], Awaitable[bool]]
    ) -> None:
        """Someone says the same until it is `heard`, and listens in between for an answer.

        Who draws no breath ends no utterance.
        """

        async def said() -> bool:
            await speaker.play(recording)
            with contextlib.suppress(LabError):
                await until(heard, "an answer", _BREATH_S)
                return True
            return False

        await until(said, f"{recording.stem}, said again and again", 40)

    async def view(self) -> dict[str, Any]:
        """The newest call of the town, as the API shows it."""
        async with self.town.client() as client:
            calls = (await client.get("/calls")).json()
            newest = max(calls, key=lambda call: call["id"])
            found: dict[str, Any] = (await client.get(f"/calls/{newest['id']}")).json()
            return found

    async def transcript(self, call_id: str) -> dict[str, Any]:
        """The transcript of a call, as the API shows it."""
        async with self.town.client() as client:
            found: dict[str, Any] = (await client.get(f"/calls/{call_id}/transcript")).json()
            return found

    async def until_transfer(self, state: str, reason: str | None = None) -> dict[str, Any]:
        """Wait until the transfer of the newest call is in `state`; returns the transfer."""
        found: dict[str, Any] = {}

        async def reached() -> bool:
            transfers = (await self.view())["transfers"]
            found.update(transfers[-1] if transfers else {})
            return bool(found) and found["state"] == state

        await until(reached, f"transfer {state}, was {found.get('state')}")
        seen = found["steps"][-1]["reason"]
        if reason is not None and seen != reason:
            raise LabError(f"transfer {state} because of {seen}, not {reason}")
        return found

    async def operator_api(self, extension: str = "1001") -> httpx.AsyncClient:
        return self.town.client(operator_token(extension))

    async def final_ticket(self) -> dict[str, Any]:
        """The final ticket of the newest call, as the order system has it."""
        call_id = (await self.view())["id"]
        found: dict[str, Any] = {}

        async def arrived() -> bool:
            found.clear()
            found.update(await self._ticket(call_id))
            return found.get("phase") == "final"

        await until(arrived, "final ticket at the order system", 15)
        return found

    async def _ticket(self, call_id: str) -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            tickets = (await client.get(f"{self.town.orders_url}/tickets")).json()
        return next((t for t in tickets if t["call"]["call_id"] == call_id), {})

    async def ends_clean(self) -> None:
        """Nobody was dropped, and no channel, tap or room is left, or LabError is raised."""

        async def empty() -> bool:
            return not await self.witness.live_channels()

        await until(empty, "an empty PBX")
        if dropped := self.witness.dropped(self.since, self.phones):
            raise LabError(f"dropped: {', '.join(dropped)}")


def _hears(listener: PhoneCall, tone: int) -> bool:
    return listener.heard.hears_tone(tone, min_share=0.3)


def _watching(pbx: AsteriskLab, stack: AsyncExitStack) -> Witness:
    """A witness on the PBX; one that was not answered in time, on a busy machine, asks again."""
    try:
        return stack.enter_context(Witness(pbx))
    except SwitchUnreachable:
        return stack.enter_context(Witness(pbx))


@asynccontextmanager
async def open_scene(town: Town) -> AsyncIterator[Scene]:
    """All phones registered; everyone but 1001 and 2001 busy. Clean at the end, or it fails."""
    async with AsyncExitStack() as stack:
        witness = _watching(town.pbx, stack)
        phones = {}
        for account in town.accounts:
            settings = PhoneSettings(
                account.user,
                town.sip_of(account.user),
                account.password,
                register=account.kind == "seat",
            )
            phones[account.user] = await stack.enter_async_context(Phone(settings))
        scene = Scene(town, phones, witness)
        scene.only("1001", "2001")
        yield scene
