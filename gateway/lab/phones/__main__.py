"""One scripted phone by hand: ``python -m gateway.lab.phones --help``."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import PhoneError
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.udp import Address

_PATIENCE_S = 24 * 3600.0


def address(text: str) -> Address:
    """Read ``HOST:PORT``."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal():
        raise typer.BadParameter(f"{text!r} is not HOST:PORT, for example 127.0.0.1:5060")
    return host, int(port)


def say(text: str) -> None:
    """Print one line with the time."""
    print(f"{datetime.now(UTC):%H:%M:%S.%f} {text}", flush=True)


@dataclass(frozen=True)
class Script:
    """What is done in each call once it is up."""

    recording: Path | None
    keys: str
    tone_hz: int | None
    stay_s: float | None

    async def run(self, call: PhoneCall) -> None:
        await call.until("up", _PATIENCE_S)
        say(f"up: {call!r}")
        call.tone(self.tone_hz)
        if self.recording is not None:
            span = await call.play(self.recording)
            say(f"said {self.recording.name} in {span.end.ms_since(span.start):.0f} ms")
        if self.keys:
            pressed = await call.press(self.keys)
            say(f"pressed {pressed.digits}; last end packet first sent at {pressed.at.wall:.6f}")
        if self.stay_s is not None:
            await asyncio.sleep(self.stay_s)
            await call.hang_up()
        await call.until("ended", _PATIENCE_S)
        say(f"ended: {call!r}, largest gap heard {call.heard.largest_gap_ms():.1f} ms")


async def live(phone: Phone, script: Script, number: str, caller_id: str, trace: bool) -> None:
    """Be on the line until the call has ended, or for ever when waiting for calls."""
    async with phone:
        say(f"{phone!r} is at {phone.address[0]}:{phone.address[1]}; Ctrl-C ends")
        try:
            if number:
                await script.run(await phone.dial(number, caller_id=caller_id))
            else:
                await take_calls(phone, script)
        finally:
            if trace:
                print(phone.trace.render(full=True))


async def take_calls(phone: Phone, script: Script) -> None:
    """Run the script in every call that comes, several at once if need be."""

    async def take(call: IncomingCall) -> None:
        say(f"call from {call.from_display} <{call.from_number}>")
        try:
            await script.run(call)
        except PhoneError as error:
            say(str(error))

    async with asyncio.TaskGroup() as tasks:
        while True:
            tasks.create_task(take(await phone.next_call(_PATIENCE_S)))


def main(
    registrar: Annotated[str, typer.Option(help="The PBX's SIP address, HOST:PORT (loopback).")],
    user: Annotated[str, typer.Option(help="SIP user name.")],
    password: Annotated[str, typer.Option(help="SIP password.")] = "",
    register: Annotated[bool, typer.Option(help="Register first; a trunk does not.")] = True,
    answer: Annotated[
        float | None, typer.Option(help="Answer each call after this many seconds of ringing.")
    ] = None,
    reject: Annotated[int | None, typer.Option(help="Refuse each call with this status.")] = None,
    dial: Annotated[str, typer.Option(help="Call this number.")] = "",
    caller_id: Annotated[str, typer.Option(help="Number to show (P-Asserted-Identity).")] = "",
    play: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Raw 8 kHz A-law to say.")
    ] = None,
    press: Annotated[str, typer.Option(help="Keys to press once it has been said.")] = "",
    tone: Annotated[int | None, typer.Option(help="Say a tone of this many Hz.")] = None,
    stay: Annotated[
        float | None,
        typer.Option(help="Hang up after this many seconds; else wait for the other side."),
    ] = None,
    trace: Annotated[bool, typer.Option(help="Print the SIP messages at the end.")] = False,
) -> None:
    """Be one SIP phone: dial, or wait for calls until Ctrl-C.

    Example: --registrar 127.0.0.1:5060 --user 1001 --password secret --dial 12345 --press '*110'
    """
    settings = PhoneSettings(
        user=user, registrar=address(registrar), password=password, register=register
    )
    phone = Phone(settings)
    phone.on_invite = IncomingPolicy(answer_after_s=answer, status=reject)
    script = Script(play, press, tone, stay)
    try:
        asyncio.run(live(phone, script, dial, caller_id, trace))
    except PhoneError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    typer.run(main)
