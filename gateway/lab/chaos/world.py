"""The town of chaos: a proxy before AMI, a disk that can be filled, a clock of its own."""

import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from gateway.errors import LabError
from gateway.lab.chaos.proxy import AmiProxy, ami_proxy
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.script import phones
from gateway.lab.scene import until
from gateway.lab.town import ACCOUNTS, Progress, Town, TownPlan, town
from gateway.lab.witness import Witness

RING_S = 3
_CLOCK = Path(__file__).with_name("clock")
_DISK_MIB = 64
_AMI_SESSIONS = 2
"""Of one gateway: one for everything, one that rings targets."""
_WELL = {"switch", "redis", "speech", "ledger"}
"""Of `delivery` and `journal` it is right to complain for long after a fault."""


class World:
    """Everything a fault can reach."""

    def __init__(self, running: Town, witness: Witness, proxy: AmiProxy) -> None:
        self.town = running
        self.witness = witness
        self.proxy = proxy
        self.people: dict[str, Phone] = {}
        self.disk = running.folder / "disk"
        self.clock = running.folder / "clock"
        self.without: dict[str, str] = {}
        """Kinds of faults that cannot be made here, and what they would need."""
        self._starting = asyncio.Lock()

    @property
    def ledger(self) -> Path:
        return self.disk / "ledger.sqlite3"

    async def gateway_up(self) -> None:
        """Start the gateway if it is not running."""
        async with self._starting:
            if self.town.gateway is None or not self.town.gateway.running:
                await self.town.stop_gateway()
                await self.town.spawn_gateway()

    def signal(self, pids: list[int], number: signal.Signals) -> None:
        """Send `number` to those of `pids` that still run."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def pids(self, role: str) -> list[int]:
        """`serve` is the process above the roles."""
        if role == "serve":
            return [self.town.gateway.pid] if self.town.gateway else []
        return self.town.pids_of(role)

    async def well(self, timeout_s: float = 45.0) -> None:
        """Wait until the gateway is in control, hears and records. Raises LabError."""
        unwell = "it does not answer"

        async def is_well() -> bool:
            nonlocal unwell
            await self.gateway_up()
            try:
                async with self.town.client() as client:
                    parts = (await client.get("/health")).json()["components"]
            except (httpx.HTTPError, KeyError, ValueError) as error:
                unwell = type(error).__name__
                await asyncio.sleep(0.1)
                return False
            unwell = ", ".join(f"{p['name']}: {p['detail']}" for p in parts if not p["ok"])
            await asyncio.sleep(0.05)
            return all(part["ok"] for part in parts if part["name"] in _WELL)

        try:
            await until(is_well, "a gateway that is well", timeout_s)
        except LabError as error:
            raise LabError(f"{error} in {timeout_s:g} s ({unwell})") from error

    def sockets_left(self) -> int:
        """Connections that nobody needs without a call: AMI past a gateway's own, taps'."""
        heard = sum(map(_audio_sockets, self.pids("recognise")))
        return max(0, self.proxy.sessions - _AMI_SESSIONS) + heard

    async def rooms(self) -> int:
        """Conference rooms that are open on the switch."""
        shown = await self.town.pbx.cli("confbridge list")
        return sum(line.startswith("ld-") for line in shown.splitlines())


def _audio_sockets(pid: int) -> int:
    """Accepted connections of a recognition worker: established, on the port it listens at."""
    with contextlib.suppress(OSError):
        inodes = set()
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                inodes.add(link.readlink().name.removeprefix("socket:[").rstrip("]"))
        rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
        own = [row for row in rows if row[9] in inodes]
        listening = {row[1] for row in own if row[3] == "0A"}
        return sum(row[3] == "01" and row[1] in listening for row in own)
    return 0


@asynccontextmanager
async def world(rng: random.Random, progress: Progress) -> AsyncIterator[World]:
    """Start it all; leaves no process and no mount behind."""
    rings = {"extensions.conf": f"[globals]\nLD_RING_S={RING_S}"}
    plan = TownPlan(release="answered", ring_s=RING_S, gateway=False, overrides=rings)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(town(plan, progress))
        witness = stack.enter_context(Witness(running.pbx))
        ami_port = running.pbx.config.ami_port
        proxy = await stack.enter_async_context(ami_proxy(ami_port, rng))
        made = World(running, witness, proxy)
        _small_disk(made, stack)
        _own_clock(made)
        _rewrite(made, ami_port)
        progress("phones")
        accounts = [
            PhoneSettings(one.user, running.sip, one.password, register=one.kind == "seat")
            for one in ACCOUNTS
        ]
        made.people = await stack.enter_async_context(phones(accounts))
        progress("gateway")
        stack.push_async_callback(running.stop_gateway)
        await running.start_gateway()
        yield made


def _rewrite(made: World, ami_port: int) -> None:
    """Settings: by way of the proxy, journal and ledger on the small disk, the way back at once."""
    config = made.town.config
    text = config.read_text("utf-8")
    text = text.replace(f"port = {ami_port}\n", f"port = {made.proxy.port}\n")
    text = text.replace(str(made.town.ledger), str(made.ledger))
    text = text.replace(f"{made.town.folder}/journal", f"{made.disk}/journal")
    head, mark, tail = text.partition('source = "110"')
    tail = re.sub(r'release = "\w+"', 'release = "at_once"', tail, count=1)
    config.write_text(head + mark + tail, "utf-8")


def _small_disk(made: World, stack: AsyncExitStack) -> None:
    made.disk.mkdir(mode=0o700)
    mount, umount = shutil.which("mount"), shutil.which("umount")
    options = f"size={_DISK_MIB}m,mode=700"
    argv = [mount or "mount", "-t", "tmpfs", "-o", options, "liandong-chaos", str(made.disk)]
    if mount and umount and subprocess.run(argv, capture_output=True, check=False).returncode == 0:
        unmount = [umount, "--lazy", str(made.disk)]
        stack.callback(subprocess.run, unmount, capture_output=True, check=False)
    else:
        made.without["disk-full"] = "the right to mount a tmpfs (root)"


def _own_clock(made: World) -> None:
    made.clock.write_text("0", "ascii")
    made.town.gateway_env |= {"PYTHONPATH": str(_CLOCK), "LIANDONG_LAB_CLOCK": str(made.clock)}
