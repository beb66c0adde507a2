"""By SIP: callers' names and numbers, headers, raw datagrams, transfers, forwarding, keys."""

import asyncio
import contextlib

from gateway.errors import LabError, PhoneError
from gateway.lab.fuzz.payloads import (
    CALL_FORGED,
    FRAUD,
    KEYS,
    OUTSIDE,
    TEXTS,
    datagrams,
    one_line,
    texts,
    user_part,
)
from gateway.lab.fuzz.tally import Batch
from gateway.lab.fuzz.world import World
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.phones.udp import open_port
from gateway.lab.scene import BUSY, CITIZEN_NUMBER, until

_SETTLES_S = 0.6
"""So long after a refused key or transfer nothing has rung: ten times what a ring takes."""
_ANSWER_S = 1.0
_APART_S = 0.08
_HEADERS = ("user-to-user", "x-liandong-urgent", "x-liandong-call", "diversion", "alert-info")


async def callers(world: World, batch: Batch) -> None:
    """Names, numbers and headers of citizens; one of them is served and transferred."""
    world.scene.only()
    leaving: list[asyncio.Task[None]] = []
    for text in texts(world.rng, 40):
        caller = f"sip:{user_part(text)}@127.0.0.1"
        leaving.append(asyncio.create_task(_call_in(world, text, caller, "12345")))
        await asyncio.sleep(_APART_S)
    for text in (*TEXTS, CALL_FORGED):
        number = f"9{user_part(text)}"
        leaving.append(asyncio.create_task(_call_in(world, text, CITIZEN_NUMBER, number)))
        await asyncio.sleep(_APART_S)
    batch.sent += len(leaving)
    await asyncio.wait(leaving, timeout=_ANSWER_S)
    for call in world.scene.phones["city"].live_calls:
        call.abandon()  # what is no SIP to the switch gets no answer
    await asyncio.gather(*leaving)
    await world.goodbye()
    await _served(world)


async def _call_in(world: World, text: str, caller_id: str, number: str) -> None:
    headers = {name: one_line(text)[:2000] for name in _HEADERS}
    host, port = world.town.sip
    call = await world.scene.phones["city"].dial(
        f"sip:{number}@{host}:{port}",
        caller_id=caller_id,
        caller_name=one_line(text)[:2000],
        headers=headers,
    )
    with contextlib.suppress(PhoneError):
        await call.until("early", _ANSWER_S)
    with contextlib.suppress(PhoneError):
        await call.hang_up()


async def _served(world: World) -> None:
    scene = world.scene
    scene.only("1001", "2001")
    scene.phones["2001"].on_invite = IncomingPolicy()
    scene.citizen = await scene.phones["city"].dial(
        "12345", caller_id="sip:1,s,1@127.0.0.1", caller_name='${EXTEN}", <sip:110@x>;$[1/0]'
    )
    scene.operator = await scene.next_live_call("1001")
    await scene.operator.until("up")
    await scene.operator.heard.until_audio()
    await scene.given_ringing_transfer()
    await world.goodbye()


async def raw(world: World, batch: Batch) -> None:
    """Datagrams to the SIP port that are no SIP, or nearly."""
    host, port = world.town.sip
    stranger = open_port("127.0.0.1", lambda *_: None)
    try:
        for data in datagrams(world.rng, 400, f"{host}:{port}"):
            stranger.send(data, (host, port))
            batch.sent += 1
            await asyncio.sleep(0.002)
    finally:
        stranger.close()


async def refer(world: World, batch: Batch) -> None:
    """The phones' own Transfer key: outside numbers get an error, and nobody loses anybody."""
    await world.talking()
    operator, citizen = world.scene.operator, world.scene.citizen
    odd = [user_part(text) for text in TEXTS if "\0" not in text]
    for call, targets in ((operator, [*FRAUD, *odd]), (citizen, FRAUD)):
        for target in targets:
            await _refer(world, batch, call, target)
    await until(world.still_talking, "operator and citizen still talk", 5)
    await world.goodbye()
    await _back_in_the_queue(world, batch)
    await _with_a_context(world, batch)


async def _refer(world: World, batch: Batch, call: PhoneCall, target: str) -> None:
    batch.sent += 1
    if call.ended:
        raise LabError(f"the call had ended before {target!r} was asked for")
    host, port = world.town.sip
    status = 0
    with contextlib.suppress(TimeoutError, LabError):
        async with asyncio.timeout(_ANSWER_S):
            referral = await call.refer(f"sip:{target}@{host}:{port}")
            status = referral.status
            if status == 202:  # what became of it is told by NOTIFY (RFC 3515)
                await until(lambda: max(referral.progress, default=0) >= 200, "a NOTIFY")
                status = max(referral.progress)
    if status >= 400 or status == 0:
        batch.refused[f"REFER {status or 'unanswered'}"] += 1
    else:
        batch.silent.append(f"REFER to {target!r}: {status}")


async def _back_in_the_queue(world: World, batch: Batch) -> None:
    """As short as a centre's code, and none: the caller is back where the operator finds them."""
    await world.talking()
    batch.sent += 1
    await world.scene.operator.refer("999")
    again = await world.scene.next_live_call("1001")
    await again.until("up")
    batch.refused["back in the queue"] += 1
    await world.goodbye()


async def _with_a_context(world: World, batch: Batch) -> None:
    """Where phones may transfer to what they may dial, the caller's phone still may not."""
    await world.town.pbx.cli("dialplan set global LD_REFER_CONTEXT from-seats")
    try:
        for target in (OUTSIDE, f"+{OUTSIDE[2:]}", "110", "0,s,1"):
            await world.talking()
            batch.sent += 1
            await world.scene.citizen.refer(f"sip:{target}@127.0.0.1")
            await asyncio.sleep(_SETTLES_S)
            batch.refused["hung up"] += int(world.scene.operator.ended)
            await world.goodbye()
        for target in ("4711", "0,s,1", "1001x"):
            await world.talking()
            batch.sent += 1
            referral = await world.scene.operator.refer(f"sip:{target}@127.0.0.1")
            if referral.status < 400:
                await (await world.scene.next_live_call("1001")).until("up")
            batch.refused["back in the queue" if referral.status < 400 else "REFER"] += 1
            await world.goodbye()
    finally:
        await world.town.pbx.cli("dialplan set global LD_REFER_CONTEXT ''")
        await world.town.pbx.cli("dialplan reload")


async def redirects(world: World, batch: Batch) -> None:
    """Phones that answer 302 do not choose whom the switch dials, nor how often."""
    scene = world.scene
    host, port = world.town.sip
    for target in (OUTSIDE, "s", "110", "12345", "1002", f"110&PJSIP/{OUTSIDE}@carrier"):
        moved = IncomingPolicy(status=302, ring=False, contact=f"<sip:{target}@{host}:{port}>")
        for phone in scene.phones.values():
            phone.on_invite = moved
        mark = scene.witness.mark()
        before = len(scene.phones["1001"].calls)
        citizen = await scene.phones["city"].dial("12345", caller_id=CITIZEN_NUMBER)
        await until(
            lambda many=before: len(scene.phones["1001"].calls) > many,  # type: ignore[misc]
            "a phone that answers 302",
        )
        await asyncio.sleep(_SETTLES_S)
        rung = sum(
            one.get("Channel").startswith("PJSIP/")
            for one in scene.witness.named("Newchannel", mark)
        )
        batch.sent += 1
        if rung > 1 + 2 * 4 or citizen.ended:
            batch.silent.append(f"302 to {target!r}: {rung} phones rung")
        else:
            batch.refused["302 ignored"] += 1
        for phone in scene.phones.values():
            phone.on_invite = BUSY
        await world.goodbye()


async def keys(world: World, batch: Batch) -> None:
    """Feature codes that are none ring nobody; one without a link is refused with a tone."""
    scene = world.scene
    await world.talking()
    for code in KEYS:
        mark = scene.witness.mark()
        await scene.operator.press(code, 60, 60)
        await asyncio.sleep(_SETTLES_S)
        batch.sent += 1
        made = [one.get("Channel") for one in scene.witness.named("Newchannel", mark)]
        told = any(name.startswith("Local/say@liandong-tell-") for name in made)
        rung = [name for name in made if name.startswith(("PJSIP/", "Local/"))]
        if any("say@liandong-tell-" not in name for name in rung):
            batch.silent.append(f"{code} rang somebody")
        else:
            batch.refused["tone" if told else "no feature"] += 1
    for code in ("*119", "*7119"):
        mark = scene.witness.mark()
        await scene.operator.press(code)
        batch.sent += 1
        await scene.witness.until(
            lambda seen, since=mark: any(  # type: ignore[misc]
                "say@liandong-tell" in one.get("Channel") for one in seen.named("Newchannel", since)
            ),
            f"a tone for {code}",
        )
        batch.refused["tone"] += 1
    await until(world.still_talking, "operator and citizen still talk", 5)
    await world.goodbye()
