"""The people of one row and what they do by hand: ask for the verb, answer, refuse, leave."""

import asyncio
from functools import partial

from gateway.errors import LabError
from gateway.ids import new_id
from gateway.lab import trunk
from gateway.lab.matrix.table import Row
from gateway.lab.phones.call import CallState, PhoneCall
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.scene import (
    BUSY,
    CITIZEN_HZ,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    until,
)
from gateway.lab.town import LINE

TONES = {"C": CITIZEN_HZ, "O": OPERATOR_HZ, "T": OFFICER_HZ, "F": 1480, "N": 1850}
"""What each party says, in Hz: by this it is known who hears whom."""
SEATS = {"12345": ("1001", "1002"), "110": ("2001", "2002")}
_CAUSES = {"486": 17, "404": 1, "503": 34, "603": 21}
"""Q.850 causes with which the second switch refuses; of 603 it makes 403."""


class Play:
    """One call in the making. `calls`: everyone's phone call by letter, ended ones included."""

    def __init__(self, scene: Scene, row: Row) -> None:
        self.scene = scene
        self.row = row
        self.operator_at, self.next_at = SEATS[row.home]
        self.target_at = LINE.user if row.verb == "119" else SEATS[row.target][0]
        self.key = "*119" if row.verb == "119" else f"*{row.target}"
        self.letter = "F" if row.verb == "119" else "T"
        self.calls: dict[str, PhoneCall] = {}
        self.aside: PhoneCall
        """The operator's own call to the other centre."""

    @property
    def second_seat(self) -> str:
        return SEATS[self.row.target][1]

    @property
    def alone(self) -> bool:
        """The operator goes with the verb: the caller waits for the target alone."""
        return self.row.at_once or self.row.verb == "REFER"

    @property
    def by_rest(self) -> bool:
        return self.row.verb.endswith(" REST")

    async def begin(self) -> None:
        """Citizen and operator talk; for a further line, the other centre's person too."""
        self.scene.only(self.operator_at)
        await self.scene.given_call(self.row.home, operator=self.operator_at)
        self.calls |= {"C": self.scene.citizen, "O": self.scene.operator}
        if self.row.verb == "119":
            await self.three_talk()

    async def three_talk(self) -> None:
        """The three-way key has been pressed and the other centre's person has answered."""
        await self.scene.given_three_way("*3", SEATS[self.row.target][0])
        self.calls["T"] = self.scene.officer
        await self.scene.until_transfer("three_way")
        await self.scene.hears(self.scene.officer, CITIZEN_HZ, OPERATOR_HZ)

    async def four_talk(self) -> None:
        """And then the fire brigade has been brought in."""
        await self.three_talk()
        self.scene.phones[LINE.user].on_invite = IncomingPolicy.answer(0.1)
        await self.scene.operator.press("*119")
        fireman = await self.scene.next_live_call(LINE.user)
        await fireman.until("up")
        fireman.tone(TONES["F"])
        self.calls["F"] = fireman
        await self.scene.hears(fireman, CITIZEN_HZ, OPERATOR_HZ)

    async def two_consult(self) -> None:
        """The operator talks to the other centre's person, the citizen hears music."""
        await self.scene.given_three_way(f"*7{self.row.target}", SEATS[self.row.target][0])
        self.calls["T"] = self.scene.officer
        await self.scene.until_transfer("consulting")
        await self.scene.hears(self.scene.officer, OPERATOR_HZ)

    # --- asking ------------------------------------------------------------------------------

    async def ask(self, verb: str = "") -> None:
        """The operator asks for the row's verb, or for another one."""
        verb = verb or self.row.verb
        name, _, by_rest = verb.partition(" ")
        if by_rest:
            await self._post(name)
        elif verb == "REFER":
            referral = await self.scene.operator.refer(self.row.target)
            if referral.status != 202:
                raise LabError(f"the switch answered {referral.status} to REFER")
            await self.scene.operator.hang_up()
        else:
            key = f"*7{self.row.target}" if name == "consult" else KEYS.get(name, self.key)
            await self.scene.operator.press(key)

    async def _post(self, name: str, seat: str = "") -> None:
        view = await self.scene.view()
        call = view["id"]
        async with await self.scene.operator_api(seat or self.operator_at) as api:
            if name == "drop":
                body = {"leg_id": view["transfers"][-1]["target_leg"]}
                answer = await api.post(f"/calls/{call}/drop", json=body)
            elif name in ("back", "release", "join"):
                answer = await api.post(f"/calls/{call}/{name}")
            else:
                body = {"target": self.row.target}
                body |= {"kind": KINDS[name]} if name in KINDS else {}
                headers = {"Idempotency-Key": new_id()}
                answer = await api.post(f"/calls/{call}/transfers", json=body, headers=headers)
        if answer.status_code >= 500:
            raise LabError(f"the API answered {answer.status_code} to {name}")

    async def ask_and_ring(self) -> IncomingCall:
        """Ask; the target's phone rings and goes on ringing."""
        self.scene.phones[self.target_at].on_invite = RING_FOREVER
        await self.ask()
        return await self.rung()

    async def rung(self) -> IncomingCall:
        """The target's phone rings; an operator let go with the key has gone; never silence."""
        ringing = await self.scene.next_live_call(self.target_at)
        self.calls[self.letter] = ringing
        if self.row.at_once and not self.row.either:
            await self.scene.operator.until("ended")
        if self.scene.operator.ended or self.row.verb.startswith("consult"):
            await self.caller_is_not_in_silence()
        return ringing

    async def ask_and_answer(self) -> IncomingCall:
        """Ask; the person at the target answers and is heard by the caller."""
        ringing = await self.ask_and_ring()
        await self.answers(ringing)
        return ringing

    async def answers(self, ringing: IncomingCall) -> None:
        await ringing.answer()
        ringing.tone(TONES[self.letter])
        aside = self.row.verb.startswith("consult") and not self.scene.operator.ended
        beside = self.scene.operator if aside else self.scene.citizen
        await self.scene.hears(beside, TONES[self.letter])

    def let_target_answer(self, after_s: float) -> None:
        self.scene.phones[self.target_at].on_invite = IncomingPolicy.answer(after_s)

    async def target_is_up(self) -> None:
        """The target's phone has rung and answered by itself."""
        ringing = await self.rung()
        await ringing.until("up")
        ringing.tone(TONES[self.letter])

    async def comes_back(self) -> None:
        """The other centre's person hands the citizen back, to the next operator."""
        self.scene.only(self.next_at)
        await self.calls["T"].press(f"*{self.row.home}")
        await self.next_has_caller()
        await self.calls["T"].until("ended")
        await self.scene.hears(self.scene.citizen, TONES["N"])

    async def asks_a_third_time(self) -> None:
        """The next operator asks for the other centre again: a supervisor is to say whose it is."""
        if self.by_rest:
            await self._post("transfer", self.next_at)
        else:
            await self.calls["N"].press(self.key)

        async def asked() -> bool:
            return (await self.scene.view())["designation"] is not None

        await until(asked, "the question whose call it is")

    async def calls_there_by_phone(self) -> None:
        """The operator's phone calls the other centre by itself, and its person answers."""
        self.let_target_answer(0.1)
        self.aside = await self.scene.phones[self.operator_at].dial(self.row.target)
        person = await self.scene.next_live_call(self.target_at)
        for call, tone in ((self.aside, OPERATOR_HZ), (person, TONES["T"])):
            await call.until("up")
            call.tone(tone)
        self.calls["T"] = person
        await self.scene.hears(person, OPERATOR_HZ)

    async def connects_the_two(self) -> None:
        """REFER with Replaces: citizen and person talk, the operator's two calls are over."""
        referral = await self.scene.operator.refer(self.row.target, replaces=self.aside)
        if referral.status != 202:
            raise LabError(f"the switch answered {referral.status} to REFER")
        await self.aside.until("ended")
        await self.scene.operator.hang_up()
        await self.scene.hears(self.scene.citizen, TONES["T"])

    # --- refusing and leaving ----------------------------------------------------------------

    async def refuse(self, status: str) -> None:
        """The next call to the target is refused with this SIP status."""
        second = self.scene.town.second
        if second is not None and self.row.verb != "119":
            await trunk.refuse(second, _CAUSES[status])
            return
        refusal = BUSY if status == "486" else IncomingPolicy.reject(int(status))
        others = [] if self.row.verb == "119" else [self.second_seat]
        for user in (self.target_at, *others):
            self.scene.phones[user].on_invite = refusal

    async def let_next_answer(self) -> None:
        """From now on an operator who is free takes whom the queue gives."""
        phone = self.scene.phones[self.next_at]
        phone.on_invite = IncomingPolicy.answer(0.1)
        self.scene.phones[self.operator_at].on_invite = BUSY

    async def next_has_caller(self) -> None:
        again = await self.scene.next_live_call(self.next_at, 20)
        await again.until("up")
        again.tone(TONES["N"])
        self.calls["N"] = again

    async def next_has_caller_or_call_is_over(self) -> None:
        """The queue gives the caller to the next operator, unless they have talked already."""
        phone = self.scene.phones[self.next_at]

        def decided() -> bool:
            taken = any(call.state is CallState.UP for call in phone.live_calls)
            return self.scene.citizen.ended or taken

        await until(decided, "the caller with somebody, or the end of the call", 20)
        if not self.scene.citizen.ended:
            await self.next_has_caller()

    async def caller_is_not_in_silence(self) -> None:
        """The operator has gone while it rings: the caller hears something else than before."""
        await self.scene.hears_something_after(self.scene.citizen, OPERATOR_HZ)

    async def mute_the_second_switch(self) -> None:
        """Its queue gives no sign by itself: the person has to."""
        if self.scene.town.second is not None:
            await trunk.answers(self.scene.town.second, "early_mute")

    async def trunk_goes_down(self) -> None:
        """The second switch is killed, and the first one has noticed."""
        second = self.scene.town.second
        if second is None or second.child is None:
            raise LabError("there is no trunk on one switch")
        await second.child.stop(0)
        first = self.scene.town.pbx
        await until(partial(trunk.knows, first, there=False), "the trunk is down")

    async def end(self) -> None:
        """Everyone puts down the phone, what was broken is mended; nothing may be left anywhere."""
        second = self.scene.town.second
        if second is not None:
            if second.child is None or not second.child.running:
                await second.boot(self.scene.town.folder)
                first = self.scene.town.pbx
                await until(partial(trunk.knows, first, there=True), "the trunk is up again")
            await trunk.refuse(second, 0)
            await trunk.answers(second, self.scene.town.plan.answers)
        self.scene.only()
        for phone in (self.scene.phones["city"], *self.scene.phones.values()):
            await asyncio.gather(*(call.hang_up() for call in phone.live_calls))
        await self.scene.ends_clean()


KEYS = {"three-way": "*3", "back": "*0", "release": "*9", "join": "*3", "drop": "*6"}
"""Verbs whose key names no centre."""
KINDS = {"three-way": "three_way", "consult": "consult"}
"""Verbs that are another kind of transfer for the API."""
