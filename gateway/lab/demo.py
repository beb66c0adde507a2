"""`liandong demo`: one real call from a ringing phone to a delivered ticket, measured.

Everything is real: Asterisk, SIP phones with RFC 4733 keys, Vosk, Redis, SQL, the order system.
What is said, and when the key is pressed, is a recorded dialogue's.
"""

import asyncio
from datetime import datetime
from typing import Any

import httpx

from gateway.lab.demo_report import Report
from gateway.lab.demo_show import Show
from gateway.lab.demo_verdict import checks, final_ms
from gateway.lab.dialogue import CENTRE_OF, Dialogue
from gateway.lab.listener import listening
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.script import phones, wait_for
from gateway.lab.town import ACCOUNTS, TownPlan, town
from gateway.lab.witness import Witness

CITIZEN = "13812341234"
DEFAULT = "fight"
_SEATS = {"12345": "1001", "110": "2001"}
_OTHERS = ("1002", "2002")
_ROLE = {centre: speaker for speaker, centre in CENTRE_OF.items()}
_RINGS_S = 2.0


async def demo(report: Report, script: Dialogue, *, stay: bool = False) -> bool:
    """Play the call; returns whether all of it happened. `stay`: keep the page up until Ctrl-C."""
    async with town(TownPlan(release="talk"), report.starting) as running:
        report.ready(running)
        accounts = [
            PhoneSettings(a.user, running.sip, a.password, register=a.kind == "seat")
            for a in ACCOUNTS
        ]
        with Witness(running.pbx) as witness:
            async with listening(running) as listener, phones(accounts) as people:
                show = Show(running, listener, witness, report, people, script)
                await _call(show)
                ok = await _account(show)
        if stay:
            report.staying(running)
            await asyncio.Event().wait()
    return ok


async def _call(show: Show) -> None:
    """The call itself, turn by turn."""
    voices = await _answered(show)
    agent = voices[_ROLE[show.script.source]]
    for turn in show.script.turns:
        await show.say(voices[turn.speaker], turn)
        if turn.then == "transfer" and show.script.target:
            voices[_ROLE[show.script.target]] = await _link(show, agent, show.script.target)
        elif turn.then == "release":
            await agent.hang_up()
            await show.until("transfer.changed", state="completed")
            show.report.step("release", f"{show.script.source} leaves; the others go on")
    citizen = voices["caller"]
    await asyncio.sleep(0.5)
    await citizen.hang_up()
    show.hung_up_at = citizen.at[citizen.state].wall
    show.report.step("end", "the citizen hangs up")
    last = voices[_ROLE[show.script.target or show.script.source]]
    await last.until("ended")


async def _answered(show: Show) -> dict[str, PhoneCall]:
    """The citizen's call and the first agent's, connected, by speaker."""
    people, source = show.people, show.script.source
    seat = _SEATS[source]
    for user in _OTHERS:
        people[user].on_invite = IncomingPolicy.busy()
    people[seat].on_invite = IncomingPolicy.answer(0.5)
    citizen = await people["city"].dial(source, caller_id=CITIZEN)
    show.report.step("call", f"citizen calls {source}: {show.script.about}")
    agent = await people[seat].next_call()
    await agent.until("up")
    await show.until("leg.answered")
    show.report.step("answer", f"{_ROLE[source]} {seat} answers")
    return {"caller": citizen, _ROLE[source]: agent}


async def _link(show: Show, agent: PhoneCall, target: str) -> IncomingCall:
    """Press the key to `target`; returns its agent's call once the three talk."""
    phone = show.people[_SEATS[target]]
    phone.on_invite = IncomingPolicy.answer(_RINGS_S)
    key = await agent.press(f"*{target}")
    show.report.step("key", f"{_ROLE[show.script.source]} presses *{target}")
    call = await phone.next_call(10)
    show.transfer_ms = call.invite_at.ms_since(key.at)
    shown = "shown" if call.from_number == CITIZEN else f"NOT shown ({call.from_number})"
    show.report.step(
        f"{target} ringing",
        f"INVITE {show.transfer_ms:.1f} ms after the key; citizen's number {shown}",
    )
    await show.until("transfer.changed", state="ringing")
    await call.until("up", 10)
    await show.until("transfer.changed", state="three_way")
    show.report.step("three-way", f"{target} has answered: citizen, operator and officer talk")
    return call


async def _account(show: Show) -> bool:
    """Wait for the ticket, then say what happened."""
    delivered = await _delivered(show)
    show.report.step("ticket delivered", "signature checked by the order system")
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        tickets: list[dict[str, Any]] = (await client.get(f"{show.town.orders_url}/tickets")).json()
    ticket = tickets[-1]
    result = {
        "transfer_ms": None if show.transfer_ms is None else round(show.transfer_ms, 1),
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
