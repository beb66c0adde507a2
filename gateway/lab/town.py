"""A small town on loopback: PBX with two centres, Redis, gateway, order system, SIP accounts."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

import httpx

from gateway.errors import LabError
from gateway.lab.asterisk_lab import Account, AsteriskConfig, AsteriskLab
from gateway.lab.ports import free_port
from gateway.lab.processes import Child, children_of, spawn
from gateway.lab.redis_lab import RedisLab
from gateway.lab.town_settings import town_toml
from gateway.lab.trunk import (
    Answers,
    first_conf,
    knows,
    other_centre,
    second_conf,
    trunk_conf,
)
from gateway.speech.models.home import shipped_dir
from gateway.speech.models.registry import DEMO
from gateway.speech.vosk_engine import check_model
from gateway.supervised import role_of

ACCOUNTS = (
    Account("1001", "pw-1001", "seat", "张敏"),
    Account("1002", "pw-1002", "seat", "王芳"),
    Account("2001", "pw-2001", "seat", "李强"),
    Account("2002", "pw-2002", "seat", "赵军"),
    Account("city", "pw-city", "trunk"),
)
LINE = Account("1190", "pw-1190", "seat", "消防值班")
"""A phone that is no centre's seat: a line outside, where a plan has one (`fire`)."""
ORDER_SECRET = "whsec_" + b64encode(b"liandong-lab-order-secret").decode()
TOKENS = {role: f"liandong-lab-{role}" for role in ("supervisor", "admin", "system")}
MODEL_ENV = "LIANDONG_SPEECH__MODEL_DIR"
Progress = Callable[[str], None]


def is_seat(user: str) -> bool:
    """Whether this account is a seat of a centre."""
    return user.isdigit() and user != LINE.user


def further_seats(each: int) -> list[Account]:
    """What `each` seats a centre need beside the two of `ACCOUNTS`."""
    further = [first + at for first in (1001, 2001) for at in range(2, each)]
    return [Account(f"{user}", f"pw-{user}", "seat", f"座席{user}") for user in further]


def centre_of(seat: str) -> str:
    """The centre of a seat in the lab: 1xxx 12345, 2xxx 110."""
    return "12345" if seat.startswith("1") else "110"


def operator_token(extension: str) -> str:
    """The lab's API token of the operator at `extension`."""
    return f"liandong-lab-operator-{extension}"


def default_model() -> Path:
    """The speech model: $LIANDONG_SPEECH__MODEL_DIR, else the shipped demo model.

    Not the one chosen by `liandong models use`: what demo and tests hear must not depend on it.
    """
    named = os.environ.get(MODEL_ENV)
    return Path(named) if named else shipped_dir() / DEMO


@dataclass(frozen=True)
class TownPlan:
    """What differs between towns."""

    release: str = "talk"
    brief_s: float = 0.0
    ring_s: float = 20.0
    alive_s: float = 4.0
    target_context: str = "liandong-target"
    fire: str = ""
    """Phone of the fire brigade (119), which 12345 and 110 can bring in; '': there is none."""
    hunt: tuple[str, ...] = ()
    """Phones that 12345's key rings in turn where 110's queue gives nobody."""
    home: str = ""
    """Two switches: this centre is on the first, with the gateway, the other one behind a trunk on
    the second (`gateway.lab.trunk`); '': both centres are on one switch."""
    answers: Answers = "person"
    """When the second switch answers."""
    gateway: bool = True
    speech: bool = True
    """False: nobody is transcribed."""
    seats: int = 2
    """A centre. Where there are more than two, a call rings one of them and not all."""
    overrides: dict[str, str] = field(default_factory=dict)
    """Asterisk file name -> text appended (the first switch's)."""
    api_port: int = 0
    sip_port: int = 0


class Town:
    """Use `async with town(plan) as running:`."""

    def __init__(self, plan: TownPlan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.api_port = plan.api_port or free_port()
        self.orders_port = free_port()
        self.config = folder / "liandong.toml"
        self.redis: RedisLab
        self.pbx: AsteriskLab
        self.second: AsteriskLab | None = None
        """The other centre's switch."""
        self.orders: Child
        self.gateway: Child | None = None
        self.gateway_env: dict[str, str] = {}
        """Further environment of the gateway's processes."""

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def page_url(self) -> str:
        return f"{self.api_url}/console/"

    @property
    def orders_url(self) -> str:
        return f"http://127.0.0.1:{self.orders_port}"

    @property
    def sip(self) -> tuple[str, int]:
        return ("127.0.0.1", self.pbx.config.sip_port)

    def sip_of(self, user: str) -> tuple[str, int]:
        """The SIP address of the switch at which this account's phone is."""
        elsewhere = is_seat(user) and centre_of(user) != (self.plan.home or centre_of(user))
        switch = self.second if self.second and elsewhere else self.pbx
        return ("127.0.0.1", switch.config.sip_port)

    @property
    def accounts(self) -> list[Account]:
        """Everyone who has a phone here."""
        return [
            *ACCOUNTS,
            *further_seats(self.plan.seats),
            *([LINE] if LINE.user in self.plan.fire else []),
        ]

    def client(self, token: str = TOKENS["supervisor"]) -> httpx.AsyncClient:
        """An API client with `token`; close it."""
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(
            base_url=f"{self.api_url}/api/v1", headers=headers, timeout=5, trust_env=False
        )

    @property
    def ledger(self) -> Path:
        """The gateway's ledger, a SQLite file."""
        return self.folder / "ledger.sqlite3"

    @property
    def taken(self) -> Path:
        """Where the order system keeps each event it has taken, one JSON file a webhook-id."""
        return self.folder / "orders"

    async def start_redis(self) -> None:
        """Start Redis, empty; once started, always at the same port."""
        port = self.redis.port if hasattr(self, "redis") else 0
        self.redis = await RedisLab.start(self.folder, port)

    async def stop_redis(self) -> None:
        await self.redis.stop()

    async def start_orders(self) -> None:
        argv = [sys.executable, "-m", "gateway.lab.order_system"]
        argv += ["--port", str(self.orders_port), "--secret", ORDER_SECRET]
        argv += ["--out", str(self.taken)]
        self.orders = await spawn("orders", argv, self.folder / "orders.log")
        await self._until_http(f"{self.orders_url}/tickets", self.orders)

    async def stop_orders(self) -> None:
        await self.orders.stop()

    async def start_gateway(self) -> None:
        """Start `liandong serve` and wait until everything it says of itself is well."""
        child = await self.spawn_gateway()
        await self._until_http(f"{self.api_url}/healthz", child)

    async def spawn_gateway(self) -> Child:
        """Start `liandong serve` and wait for nothing."""
        argv = [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)]
        log = self.folder / "gateway.log"
        self.gateway = await spawn("gateway", argv, log, self.gateway_env)
        return self.gateway

    async def stop_gateway(self) -> None:
        if self.gateway is not None:
            await self.gateway.stop(grace_s=12)
            self.gateway = None

    async def crash_gateway(self) -> None:
        """SIGKILL the gateway's processes, all at once."""
        if self.gateway is None:
            return
        for pid in [self.gateway.pid, *children_of(self.gateway.pid)]:
            os.kill(pid, signal.SIGKILL)
        await self.stop_gateway()
        await self.gateway_gone()

    def kill_role(self, role: str) -> None:
        """SIGKILL one process of the gateway: control, recognise or deliver."""
        for pid in self.pids_of(role):
            os.kill(pid, signal.SIGKILL)

    def pids_of(self, role: str) -> list[int]:
        """The gateway's processes of this role that run now."""
        found = []
        with contextlib.suppress(OSError):  # the gateway has ended, or one of them does
            for pid in children_of(self.gateway.pid) if self.gateway else []:
                if role_of(pid) == role:
                    found.append(pid)
        return found

    async def gateway_gone(self, timeout_s: float = 10.0) -> None:
        """Wait until nobody answers at the API's address."""
        deadline = monotonic() + timeout_s
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while monotonic() < deadline:
                try:
                    await client.get(f"{self.api_url}/healthz")
                except httpx.HTTPError:
                    return
                await asyncio.sleep(0.02)
        raise LabError("the gateway still answers")

    async def _until_http(self, url: str, child: Child, timeout_s: float = 30.0) -> None:
        deadline = monotonic() + timeout_s
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while monotonic() < deadline and child.running:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(url)).status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise LabError(f"{child.name} did not get well:\n{child.tail(30)}")


@asynccontextmanager
async def town(plan: TownPlan, progress: Progress = lambda _line: None) -> AsyncIterator[Town]:
    """Start a town, stop it whatever happens, leave nothing behind.

    Raises ModelError before anything is started when there is no speech model to recognise with,
    LabError with the failing part's last log lines.
    """
    if plan.gateway and plan.speech:
        check_model(default_model())
    folder = Path(tempfile.mkdtemp(prefix="liandong-town-"))
    running = Town(plan, folder)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        await _start(running, stack, progress)
        yield running


async def _start(running: Town, stack: contextlib.AsyncExitStack, progress: Progress) -> None:
    plan = running.plan
    progress("Redis")
    await running.start_redis()
    stack.push_async_callback(running.stop_redis)
    progress("Asterisk")
    await _start_switches(running, stack)
    progress("order system")
    await running.start_orders()
    stack.push_async_callback(running.stop_orders)
    running.config.write_text(town_toml(running, default_model()), "utf-8")
    if plan.gateway:
        progress("gateway (control, recognition, delivery)")
        stack.push_async_callback(running.stop_gateway)
        await running.start_gateway()


async def _start_switches(running: Town, stack: contextlib.AsyncExitStack) -> None:
    plan = running.plan
    overrides = dict(plan.overrides)
    overrides["queues.conf"] = _members(plan.seats) + overrides.get("queues.conf", "")
    start = partial(_start_switch, running, stack)
    ports = [plan.sip_port or free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)]
    if not plan.home:
        running.pbx = await start(
            AsteriskConfig((), sip_port=ports[0], rings_one=plan.seats > 2, overrides=overrides)
        )
        return
    second = {
        "pjsip.conf": trunk_conf(ports[0]),
        "extensions.conf": second_conf(plan.home, plan.answers),
    }
    running.second = await start(AsteriskConfig((), "second", sip_port=ports[1], overrides=second))
    first = overrides
    first["pjsip.conf"] = trunk_conf(ports[1]) + first.get("pjsip.conf", "")
    first["extensions.conf"] = first_conf(plan.home, plan.answers) + first.get(
        "extensions.conf", ""
    )
    elsewhere = other_centre(plan.home)
    running.pbx = await start(
        AsteriskConfig((), sip_port=ports[0], overrides=first, elsewhere=elsewhere)
    )
    known = partial(knows, running.pbx, there=True)
    deadline = monotonic() + 10
    while not await known():
        if monotonic() > deadline:
            raise LabError("the two switches do not see each other")
        await asyncio.sleep(0.1)


def _members(each: int) -> str:
    """Lines of queues.conf: the further seats in their centres' queues."""
    lines = ""
    for centre in ("12345", "110"):
        lines += f"[{centre}](+)\n"
        for seat in further_seats(each):
            if centre_of(seat.user) == centre:
                lines += f"member => PJSIP/{seat.user},0,{seat.display},PJSIP/{seat.user}\n"
    return lines


async def _start_switch(
    running: Town, stack: contextlib.AsyncExitStack, config: AsteriskConfig
) -> AsteriskLab:
    config.accounts = tuple(running.accounts)
    switch = await AsteriskLab.start(config, running.folder)
    stack.push_async_callback(switch.stop)
    return switch
