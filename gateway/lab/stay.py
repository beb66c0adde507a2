"""`liandong lab up`: a town that stays, with scripted people and room for real ones."""

import asyncio
import contextlib
import socket
import sys
from contextlib import AsyncExitStack

from rich.console import Console
from rich.table import Table

from gateway.lab.dialogue import Turn, dialogue
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.town import ACCOUNTS, TOKENS, Town, TownPlan, operator_token, town

OFFICER = "2001"
_console = Console(highlight=False, soft_wrap=True)


async def stay_up(*, sip_port: int, api_port: int, people: bool) -> None:
    """Start a town, tell how to use it, and stay until cancelled."""
    plan = TownPlan(release="talk", sip_port=sip_port or _usual_sip_port(), api_port=api_port)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(town(plan, _starting))
        scripted = await _people(running, stack) if people else {}
        _tell(running, people=people)
        await _serve_enter(scripted)


def _starting(part: str) -> None:
    _console.print(f"[dim]starting {part}[/dim]")


def _usual_sip_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", 5060))
        except OSError:
            return 0
    return 5060


async def _people(running: Town, stack: AsyncExitStack) -> dict[str, Phone]:
    phones = {}
    for account in ACCOUNTS:
        if account.user in (OFFICER, "city"):
            settings = PhoneSettings(
                account.user, running.sip, account.password, register=account.kind == "seat"
            )
            phones[account.user] = await stack.enter_async_context(Phone(settings))
    phones[OFFICER].on_invite = _officer_answers
    return phones


def _officer_answers(call: IncomingCall) -> IncomingPolicy:
    turns = [turn for turn in dialogue("fight") if turn.speaker == "officer"]
    _keep(asyncio.create_task(_speak(call, turns)))
    return IncomingPolicy.answer(3.0)


async def _speak(call: PhoneCall, turns: list[Turn], pause_s: float = 5.0) -> None:
    """Say the turns with pauses for whoever is a person; stops when the call ends."""
    with contextlib.suppress(Exception):
        await call.until("up", 60)
        for turn in turns:
            await asyncio.sleep(1.0)
            await call.play(turn.path)
            await asyncio.sleep(pause_s)


_tasks: set[asyncio.Task[None]] = set()


def _keep(task: asyncio.Task[None]) -> None:
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _serve_enter(scripted: dict[str, Phone]) -> None:
    """Each line on the terminal: a citizen calls 12345. Without a terminal: just stay."""
    if not scripted or not sys.stdin.isatty():
        await asyncio.Event().wait()
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()

    def line() -> None:
        if sys.stdin.readline():
            pressed.set()
        else:
            loop.remove_reader(sys.stdin.fileno())

    loop.add_reader(sys.stdin.fileno(), line)
    try:
        while True:
            await pressed.wait()
            pressed.clear()
            call = await scripted["city"].dial("12345", caller_id="13812341234")
            turns = [turn for turn in dialogue("fight") if turn.speaker == "caller"]
            _keep(asyncio.create_task(_speak(call, turns)))
            _console.print("a citizen calls 12345; 1001 and 1002 ring")
    finally:
        loop.remove_reader(sys.stdin.fileno())


def _tell(running: Town, *, people: bool) -> None:
    host, port = running.sip
    table = Table(title=f"SIP accounts at {host}:{port} (UDP, A-law, RFC 4733 keys)")
    for column in ("user", "password", "who", "page token"):
        table.add_column(column)
    for account in ACCOUNTS:
        if account.kind == "seat":
            centre = "12345" if account.user.startswith("1") else "110"
            scripted = " (scripted)" if people and account.user == OFFICER else ""
            who = f"{centre} {account.display}{scripted}"
            table.add_row(account.user, account.password, who, operator_token(account.user))
    _console.print(table)
    _console.print("keys: *110 to 110, *12345 to 12345, *3 three-way, *0 back, *9 release")
    _console.print(f"page          {running.page_url}")
    _console.print(f"supervisor    token {TOKENS['supervisor']}")
    _console.print(f"API           {running.api_url}/api/v1 (docs at /console/docs.html)")
    _console.print(f"order system  {running.orders_url}/tickets")
    _console.print(f"settings      {running.config}  (liandong doctor --config ...)")
    if people:
        _console.print("Register a phone as 1001 or 1002, then press Enter here: a citizen calls.")
    _console.print("Ctrl-C stops everything.")
