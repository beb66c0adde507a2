"""Small words for scripts and end-to-end tests: many phones at once, waiting, who hears whom."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from gateway.errors import PhoneTimeout
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingCall
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings

T = TypeVar("T")

TONES_HZ = (440, 620, 910, 1330, 1750, 2170)
"""Tones no two of which share a harmonic, for telling speakers apart."""
_LOOK_EVERY_S = 0.01


@asynccontextmanager
async def phones(accounts: Iterable[PhoneSettings]) -> AsyncIterator[dict[str, Phone]]:
    """Start a phone for each account and close them all at the end; the keys are user names."""
    started: dict[str, Phone] = {}
    try:
        for account in accounts:
            started[account.user] = phone = Phone(account)
            await phone.start()
        yield started
    finally:
        # All at once: where the PBX is gone each waits for it a few seconds.
        await asyncio.gather(*(phone.close() for phone in started.values()))


async def wait_for(
    condition: Callable[[], T | Awaitable[T]], timeout_s: float = 5.0, what: str = "a condition"
) -> T:
    """Return the first true value of `condition` (a function or coroutine function).

    Raises PhoneTimeout, which says `what` was waited for and what the last value was.
    """
    value: T | None = None
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                found = condition()
                value = await found if inspect.isawaitable(found) else found
                if value:
                    return value
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise PhoneTimeout(f"no {what} in {timeout_s:g} s; last seen: {value!r}") from None


async def connect(
    caller: Phone, callee: Phone, number: str, timeout_s: float = 5.0
) -> tuple[OutgoingCall, IncomingCall]:
    """Dial `number`, answer at `callee`, and return both calls once they are up and bridged.

    The legs are up a moment before the PBX joins them, and keys or a REFER sent in between are
    lost; the first audio at the callee tells that it has.
    """
    out = await caller.dial(number)
    incoming = await callee.next_call(timeout_s)
    await incoming.answer()
    await out.until("up", timeout_s)
    await incoming.heard.until_audio(timeout_s)
    return out, incoming


async def until_all_hear_each_other(calls: Sequence[PhoneCall], timeout_s: float = 5.0) -> None:
    """Let each call say a tone of its own until all the others hear it, then be silent again.

    Raises PhoneTimeout naming who does not hear whom.
    """
    tones = dict(zip(calls, TONES_HZ, strict=False))
    for call, freq in tones.items():
        call.tone(freq)
    try:
        await wait_for(lambda: not _deaf(tones), timeout_s, "sound between all")
    except PhoneTimeout:
        raise PhoneTimeout("; ".join(_deaf(tones))) from None
    finally:
        for call in calls:
            call.tone(None)


def _deaf(tones: dict[PhoneCall, int]) -> list[str]:
    return [
        f"{listener!r} does not hear {speaker!r} ({freq} Hz)"
        for speaker, freq in tones.items()
        for listener in tones
        if listener is not speaker and not listener.hears_tone(freq)
    ]
