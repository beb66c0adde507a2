"""One transfer, driven by phones and measured: call, talk, key, ring, answer, three-way, end."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

import httpx

from gateway.errors import LiandongError
from gateway.lab.bench.arm import CITIZEN, OFFICERS, OPERATOR, Arm, Place
from gateway.lab.bench.stages import Moments, stages
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.dtmf import KeyPress
from gateway.lab.phones.incoming import IncomingCall
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.script import wait_for
from gateway.lab.phones.stamp import Stamp, stamp
from gateway.lab.witness import Witness
from gateway.tickets.signing import webhook_id

CALL_LIMIT_S = 30.0
_RINGS_S = 0.2
_TALK_S = 0.4
"""Long enough after 110 has come in for a pause in the caller's audio to show."""
_PROMPT_S = 0.3
_TONE_MS = 160
"""Well over the 80 ms (AST_MIN_DTMF_DURATION) to which Asterisk stretches shorter keys: it would
add up to one audio frame, 20 ms, to both arms and so flatter the ratio of the two."""

_numbers = count(13800000001)


@dataclass
class Transfer:
    """What came of one call: milliseconds by stage, or why it failed."""

    arm: str
    ms: dict[str, float] = field(default_factory=dict)
    error: str = ""
    dropped: int = 0
    """Callers the PBX ended although a person was still with them."""


async def measure(arm: Arm, speech: Path) -> Transfer:
    """Make one call and transfer it while the caller says `speech`; leaves an empty PBX."""
    place, result = arm.place, Transfer(arm.name)
    mark = place.witness.mark()
    try:
        async with asyncio.timeout(CALL_LIMIT_S):
            result.ms = await _call(arm, speech, mark)
    except (LiandongError, TimeoutError) as error:
        result.error = str(error) or f"the call took longer than {CALL_LIMIT_S:g} s"
        await _clear(place)
    result.dropped = len(place.witness.dropped(mark))
    return result


async def _call(arm: Arm, speech: Path, mark: int) -> dict[str, float]:
    place = arm.place
    arrivals = len(place.listener.arrivals) if place.listener else 0
    citizen, operator = await connect(arm)
    talking = asyncio.create_task(_talk(citizen, speech))
    try:
        key = await _press(arm, operator)
        officer, invite = await _rung(place)
        await asyncio.sleep(_RINGS_S)
        answer = stamp()
        await officer.answer()
        if arm.room:
            await place.witness.until(lambda seen: _joined(seen, mark, 3), "three in the room")
        await asyncio.sleep(_TALK_S)
        gap = citizen.heard.largest_gap_ms(key.at)
        await operator.hang_up()
        await citizen.hang_up()
        if place.listener:
            await officer.until("ended")
        else:
            # Without a gateway nobody ends the leg of one who is left alone in a room.
            await officer.hang_up()
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    ended = citizen.at[citizen.state].wall
    moments = Moments(key.at.wall, invite.wall, answer.wall if arm.room else 0.0)
    ms = {"caller_gap": gap}
    if place.listener:
        ms["hangup_ticket"] = (await _ticket_at(place, arrivals) - ended) * 1000
    await empty(place, mark)
    decided = place.journal.decisions() if place.journal else None
    return ms | stages(moments, place.witness.seen[mark:], decided)


async def connect(arm: Arm) -> tuple[OutgoingCall, IncomingCall]:
    """A citizen calls, the operator answers, they hear each other."""
    people = arm.place.people
    citizen = await people[CITIZEN].dial(arm.number, caller_id=str(next(_numbers)))
    operator = await next_live_call(people[OPERATOR])
    await citizen.until("up")
    await operator.until("up")
    # The legs are up a moment before the PBX joins them, and keys in between are lost.
    await operator.heard.until_audio()
    await citizen.heard.until_audio()
    return citizen, operator


async def next_live_call(phone: Phone, timeout_s: float = 10.0) -> IncomingCall:
    """The next call at `phone` that has not ended already (left over from a failed one)."""
    while (call := await phone.next_call(timeout_s)).ended:
        pass
    return call


async def _talk(citizen: PhoneCall, speech: Path) -> None:
    while True:
        await citizen.play(speech)


async def _press(arm: Arm, operator: PhoneCall) -> KeyPress:
    *before, last = arm.keys
    for keys in before:
        await operator.press(keys, _TONE_MS)
        await asyncio.sleep(_PROMPT_S)
    return await operator.press(last, _TONE_MS)


async def _rung(place: Place) -> tuple[IncomingCall, Stamp]:
    """Both phones of 110 ring: the first one's call, and when the first INVITE came."""
    first, second = [await next_live_call(place.people[user]) for user in OFFICERS]
    return first, min(first.invite_at, second.invite_at)


def _joined(witness: Witness, mark: int, how_many: int) -> bool:
    return sum(1 for _ in witness.named("ConfbridgeJoin", mark)) >= how_many


async def _ticket_at(place: Place, arrivals: int) -> float:
    """When the order system had taken the final ticket, Unix seconds."""
    assert place.listener is not None
    heard = place.listener.arrivals

    def queued() -> str:
        for one in heard[arrivals:]:
            if one.kind == "ticket.queued" and one.data["phase"] == "final":
                return webhook_id(one.data["ticket_id"], one.data["revision"])
        return ""

    wanted = await wait_for(queued, 10, "final ticket queued")
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:

        async def taken() -> float:
            receipts = (await client.get(f"{place.town.orders_url}/receipts")).json()
            for one in reversed(receipts):
                if one["what"] == "taken" and one["webhook_id"] == wanted:
                    return datetime.fromisoformat(one["at"]).timestamp()
            return 0.0

        return await wait_for(taken, 10, "final ticket at the order system")


async def empty(place: Place, mark: int) -> None:
    """Wait until no channel made since `mark` is left, taps included."""

    def alive(witness: Witness) -> set[str]:
        made = {one.get("Uniqueid") for one in witness.named("Newchannel", mark)}
        return made - {one.get("Uniqueid") for one in witness.named("Hangup", mark)}

    await place.witness.until(lambda witness: not alive(witness), "an empty PBX")


async def _clear(place: Place) -> None:
    """After a failure: end what is left, so that the next call begins on an empty PBX."""
    for phone in place.people.values():
        await asyncio.gather(*(one.hang_up() for one in phone.live_calls), return_exceptions=True)
        for call in phone.live_calls:
            call.abandon()

    async def quiet() -> bool:
        return not await place.witness.live_channels()

    settled: bool = await wait_for(quiet, 20, "an empty PBX after a failed call")
    assert settled
