"""`liandong demo`: one real call from a ringing phone to a delivered ticket, measured.

Everything is real: Asterisk, SIP phones with RFC 4733 keys, Vosk, Redis, SQL, the order system.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from gateway.lab.demo_report import Report
from gateway.lab.dialogue import Turn, dialogue
from gateway.lab.listener import Arrival, Listener, listening
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.dtmf import KeyPress
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.script import phones, wait_for
from gateway.lab.town import ACCOUNTS, Town, TownPlan, town
from gateway.lab.witness import Witness

CITIZEN = "13812341234"
KEY = "*110"
_PAUSE_S = 0.7
_SPEAKERS = {("caller", None), ("agent", "12345"), ("agent", "110")}


@dataclass
class Spoken:
    """A turn as it was spoken: `end` is when the speech ended, seconds of time.time()."""

    turn: Turn
    start: float
    end: float


@dataclass
class Show:
    """What the demo has seen so far."""

    town: Town
    listener: Listener
    witness: Witness
    report: Report
    people: dict[str, Phone]
    spoken: list[Spoken] = field(default_factory=list)
    transfer_ms: float = -1.0
    hung_up_at: float = 0.0

    async def say(self, call: PhoneCall, turn: Turn) -> None:
        """Speak one turn and pause as people do."""
        span = await call.play(turn.path)
        end = span.end_wall - turn.trailing_silence_s
        self.spoken.append(Spoken(turn, span.start_wall, end))
        await asyncio.sleep(_PAUSE_S)

    def dropped(self) -> list[str]:
        """Channels of callers who were dropped."""
        return self.witness.dropped(phones=self.people)

    async def until(self, kind: str, timeout_s: float = 10.0, **fields: Any) -> Arrival:
        """Wait for an event of the call on the live stream."""

        def found() -> Arrival | None:
            for arrival in self.listener.of(kind):
                if all(arrival.data.get(name) == value for name, value in fields.items()):
                    return arrival
            return None

        arrival = await wait_for(found, timeout_s, f"{kind} {fields or ''}")
        assert arrival is not None
        return arrival


async def demo(report: Report, *, stay: bool = False) -> bool:
    """Play the call; returns whether all of it happened. `stay`: keep the page up until Ctrl-C."""
    async with town(TownPlan(release="talk"), report.starting) as running:
        report.ready(running)
        accounts = [
            PhoneSettings(a.user, running.sip, a.password, register=a.kind == "seat")
            for a in ACCOUNTS
        ]
        with Witness(running.pbx) as witness:
            async with listening(running) as listener, phones(accounts) as people:
                show = Show(running, listener, witness, report, people)
                await _call(show)
                ok = await _account(show)
        if stay:
            report.staying(running)
            await asyncio.Event().wait()
    return ok


async def _call(show: Show) -> None:
    """The call itself."""
    turns = {turn.id: turn for turn in dialogue("fight")}
    people, report = show.people, show.report
    people["1001"].on_invite = IncomingPolicy.answer(0.5)
    people["1002"].on_invite = people["2002"].on_invite = IncomingPolicy.busy()
    people["2001"].on_invite = IncomingPolicy.answer(2.0)
    citizen = await people["city"].dial("12345", caller_id=CITIZEN)
    report.step("call", "citizen calls 12345")
    operator = await people["1001"].next_call()
    await operator.until("up")
    await show.until("leg.answered")
    report.step("answer", "operator 1001 answers")
    before = ["fight-01-operator", "fight-02-caller", "fight-03-operator", "fight-04-caller"]
    for name in [*before, "fight-05-operator"]:
        await show.say(operator if name.endswith("operator") else citizen, turns[name])
    key = await operator.press(KEY)
    report.step("key", f"operator presses {KEY}")
    officer = await _ring(show, key)
    await officer.until("up", 10)
    await show.until("transfer.changed", state="three_way")
    report.step("three-way", "110 has answered: citizen, operator and officer talk")
    await show.say(officer, turns["fight-06-officer"])
    await show.say(citizen, turns["fight-07-caller"])
    await operator.hang_up()
    await show.until("transfer.changed", state="completed")
    report.step("release", "the operator leaves; citizen and 110 go on")
    after = ["fight-08-officer", "fight-09-caller", "fight-10-officer", "fight-11-caller"]
    for name in after:
        await show.say(officer if name.endswith("officer") else citizen, turns[name])
    await asyncio.sleep(0.5)
    await citizen.hang_up()
    show.hung_up_at = citizen.at[citizen.state].wall
    report.step("end", "the citizen hangs up")
    await officer.until("ended")


async def _ring(show: Show, key: KeyPress) -> IncomingCall:
    officer = await show.people["2001"].next_call(10)
    show.transfer_ms = officer.invite_at.ms_since(key.at)
    shown = "shown" if officer.from_number == CITIZEN else f"NOT shown ({officer.from_number})"
    show.report.step(
        "110 ringing", f"INVITE {show.transfer_ms:.1f} ms after the key; citizen's number {shown}"
    )
    await show.until("transfer.changed", state="ringing")
    return officer


async def _account(show: Show) -> bool:
    """Wait for the ticket, then say what happened."""
    delivered = await _delivered(show)
    show.report.step("ticket delivered", "signature checked by the order system")
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        tickets: list[dict[str, Any]] = (await client.get(f"{show.town.orders_url}/tickets")).json()
    ticket = tickets[-1]
    result = {
        "transfer_ms": round(show.transfer_ms, 1),
        "final_ms": final_ms(show),
        "ticket_ms": round((delivered - show.hung_up_at) * 1000, 1),
        "callers_dropped": len(show.dropped()),
    }
    return show.report.account(ticket, result, checks(show, ticket))


async def _delivered(show: Show) -> float:
    """When the order system had taken the final ticket, seconds of time.time()."""
    queued = await show.until("ticket.queued", 10, phase="final")
    ending = f"_r{queued.data['revision']}"
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:

        async def taken() -> float:
            receipts = (await client.get(f"{show.town.orders_url}/receipts")).json()
            found = [
                datetime.fromisoformat(one["at"]).timestamp()
                for one in receipts
                if one["what"] == "taken" and one["webhook_id"].endswith(ending)
            ]
            return found[0] if found else 0.0

        return await wait_for(taken, 15, "final ticket at the order system")


def finals(show: Show) -> list[float | None]:
    """For each spoken turn: end of speech to its last final utterance, in ms; None: there is none.

    An utterance belongs to the turn of its own speaker that it overlaps most.
    """
    last: list[float | None] = [None] * len(show.spoken)
    started = {one.data["call_id"]: one for one in show.listener.of("call.started")}
    speakers = {one.data["leg_id"]: _speaker(one.data) for one in show.listener.of("leg.added")}
    for heard in show.listener.of("utterance.heard"):
        zero = datetime.fromisoformat(started[heard.data["call_id"]].data["at"]).timestamp()
        start, end = (zero + heard.data[key] / 1000 for key in ("start_ms", "end_ms"))
        shared = [
            min(end, one.end) - max(start, one.start)
            if one.turn.speaker == speakers.get(heard.data["leg_id"])
            else 0.0
            for one in show.spoken
        ]
        best = max(range(len(shared)), key=shared.__getitem__, default=0)
        if shared and shared[best] > 0:
            ms = (heard.at - show.spoken[best].end) * 1000
            last[best] = max(ms, last[best] or ms)
    return last


def _speaker(leg: dict[str, Any]) -> str:
    if leg["role"] == "caller":
        return "caller"
    return "operator" if leg["centre"] == "12345" else "officer"


def final_ms(show: Show) -> float | None:
    """The worst of all turns; None when any turn has no final utterance, so none is left out."""
    times = [ms for ms in finals(show) if ms is not None]
    return round(max(times), 1) if times and len(times) == len(dialogue("fight")) else None


def checks(show: Show, ticket: dict[str, Any]) -> dict[str, bool]:
    """What must be true of the whole path, by name."""
    transcript = ticket["transcript"]
    heard = {(line["role"], line["centre"]) for line in transcript["utterances"]}
    suggestion = ticket.get("suggestion") or {}
    states = [step["state"] for step in ticket["transfers"][0]["steps"]]
    return {
        "every speaker transcribed": heard >= _SPEAKERS,
        "every turn has its final words": final_ms(show) is not None,
        "suggestion is 110 with evidence": suggestion.get("platform") == "110"
        and bool(suggestion.get("evidence")),
        "transfer completed": states[-1] == "completed",
        "preliminary ticket came first": _in_order(show),
        "recording unbroken": ticket["recording"]["unbroken"] is True,
        "nobody dropped": not show.dropped(),
    }


def _in_order(show: Show) -> bool:
    queued = [one.data["phase"] for one in show.listener.of("ticket.queued")]
    return queued[:2] == ["preliminary", "final"]
