"""`liandong demo` and `liandong lab`: the private PBX for trying, teaching and testing."""

import asyncio
import contextlib
import signal
import traceback
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from gateway.errors import LiandongError
from gateway.lab.demo import DEFAULT
from gateway.lab.demo import demo as play
from gateway.lab.demo_report import Report
from gateway.lab.dialogue import load, names
from gateway.lab.stay import stay_up

lab = typer.Typer(no_args_is_help=True, help="A private PBX with two centres, on loopback.")


def demo(
    dialogue: Annotated[
        str, typer.Option(help=f"Recorded call to play: {', '.join(names())}.", metavar="NAME")
    ] = DEFAULT,
    stay: Annotated[bool, typer.Option(help="Keep the page up afterwards.")] = False,
    brief: Annotated[bool, typer.Option(help="Do not print the whole ticket.")] = False,
) -> None:
    """Play one real call from ringing phone to delivered ticket and measure it."""
    report = Report(full_ticket=not brief)
    try:
        ok = bool(run(play(report, load(dialogue), stay=stay)))
    except typer.Exit:
        raise
    except Exception as error:  # whatever it is, the last line is the JSON object
        if not isinstance(error, LiandongError):
            traceback.print_exc()
        report.failed(error)
        raise typer.Exit(1) from error
    raise typer.Exit(0 if ok else 1)


@lab.command("up")
def up(
    sip_port: Annotated[int, typer.Option(help="SIP port; 0 chooses 5060 or a free one.")] = 0,
    api_port: Annotated[int, typer.Option(help="Port of page and API; 0 chooses.")] = 0,
    people: Annotated[
        bool, typer.Option(help="Scripted officer at 2001, citizens on Enter.")
    ] = True,
) -> None:
    """Start everything, print SIP accounts and addresses, and stay up until Ctrl-C."""
    run(stay_up(sip_port=sip_port, api_port=api_port, people=people))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work`; SIGTERM and Ctrl-C cancel it, so that everything it started is stopped."""

    async def main() -> Any:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        raise typer.Exit(130)

    return asyncio.run(main())
