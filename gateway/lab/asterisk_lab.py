"""A private Asterisk for demo and tests: own ports, own folders, our dialplan files included."""

import asyncio
import contextlib
import shutil
import subprocess
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template
from time import monotonic

from gateway.errors import LabError
from gateway.ids import new_id
from gateway.lab.ports import free_port, free_udp_range
from gateway.lab.processes import Child, spawn
from gateway.lab.rootfs import Toolbox, asterisk_tools

RTP_PORTS = 800
_CLI_LIMIT_S = 15.0
DIALPLANS = Path(__file__).resolve().parents[2] / "dialplans"


@dataclass(frozen=True)
class Account:
    """A SIP account of the lab."""

    user: str
    password: str
    kind: str
    """seat | trunk"""
    display: str = ""


@dataclass
class AsteriskConfig:
    """What a lab Asterisk listens on. Zero ports are chosen."""

    accounts: tuple[Account, ...]
    name: str = "lab"
    ami_port: int = 0
    sip_port: int = 0
    ami_secret: str = "lab-secret"  # noqa: S105
    rtp_start: int = 0
    with_dialplans: bool = True
    elsewhere: str = ""
    """A centre that is on another PBX: the sample's way to it as a target is left out."""
    rings_one: bool = False
    """A call in a queue rings one of its phones, and not all at a time."""
    overrides: dict[str, str] = field(default_factory=dict)
    """File name -> text appended to it."""


class AsteriskLab:
    """Start with `await AsteriskLab.start(config, log_dir)`; stop with `await stop()`."""

    def __init__(self, config: AsteriskConfig, tools: Toolbox, folder: Path) -> None:
        self.config = config
        self.tools = tools
        self.folder = folder
        self.child: Child | None = None

    @property
    def recordings(self) -> Path:
        return self.folder / "spool/monitor"

    @property
    def cdr_file(self) -> Path:
        return self.folder / "log/cdr-csv/Master.csv"

    @property
    def messages(self) -> Path:
        return self.folder / "log/messages"

    @classmethod
    async def start(cls, config: AsteriskConfig, log_dir: Path) -> "AsteriskLab":
        tools = asterisk_tools()
        config.ami_port = config.ami_port or free_port()
        config.sip_port = config.sip_port or free_port(2)
        config.rtp_start = config.rtp_start or free_udp_range(RTP_PORTS)
        lab = cls(config, tools, tools.instance_dir(f"{config.name}-{new_id()[-12:]}"))
        try:
            lab._write()
            await lab.boot(log_dir)
        except BaseException:
            await lab.stop()
            raise
        return lab

    async def boot(self, log_dir: Path) -> None:
        """Run the daemon and wait until it is fully booted."""
        conf = self.tools.inside(self.folder / "etc/asterisk.conf")
        argv = [*self.tools.prefix, "asterisk", "-f", "-C", conf]
        self.child = await spawn("asterisk", argv, log_dir / f"asterisk-{self.config.name}.log")
        deadline = monotonic() + 30
        while monotonic() < deadline and self.child.running:
            with contextlib.suppress(LabError):
                if "fully booted" in await self.cli("core waitfullybooted"):
                    return
            await asyncio.sleep(0.05)
        raise LabError(f"the lab's Asterisk did not start: {self.child.tail()}")

    async def cli(self, command: str) -> str:
        """Run one console command; for the lab and tests only (the gateway uses AMI).

        Raises LabError when it does not end: the console of a daemon that is dying may hang.
        """
        conf = self.tools.inside(self.folder / "etc/asterisk.conf")
        process = await asyncio.create_subprocess_exec(
            *self.tools.prefix,
            *("asterisk", "-C", conf, "-rx", command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), _CLI_LIMIT_S)
        except TimeoutError as error:
            raise LabError(f"the console did not end: {command}") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return out.decode(errors="replace")

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self) -> None:
        for part in ("etc", "lib/sounds/en", "spool/monitor", "run", "log/cdr-csv", "moh"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        # Without its XML documentation Asterisk refuses to start ("Stasis initialization failed").
        (self.folder / "lib/documentation").symlink_to("/usr/share/asterisk/documentation")
        values = {
            "dir": self.tools.inside(self.folder),
            "modules": self.tools.modules_dir,
            "name": self.config.name,
            "ami_port": str(self.config.ami_port),
            "ami_secret": self.config.ami_secret,
            "sip_port": str(self.config.sip_port),
            "rtp_start": str(self.config.rtp_start),
            "rtp_end": str(self.config.rtp_start + RTP_PORTS - 1),
        }
        for template in resources.files("gateway.lab.asterisk").iterdir():
            if template.name.endswith(".conf"):
                text = Template(template.read_text("utf-8")).substitute(values)
                if not self.config.with_dialplans:
                    text = _without_includes(text)
                (self.folder / "etc" / template.name).write_text(text, "utf-8")
        with (self.folder / "etc/pjsip.conf").open("a", encoding="utf-8") as file:
            file.writelines(_account(account) for account in self.config.accounts)
        self._copy_dialplans()
        for name, text in self.config.overrides.items():
            with (self.folder / "etc" / name).open("a", encoding="utf-8") as file:
                file.write("\n" + text + "\n")

    def _copy_dialplans(self) -> None:
        if not self.config.with_dialplans:
            return
        shutil.copytree(DIALPLANS, self.folder / "etc/liandong")
        if self.config.elsewhere:
            centres = self.folder / "etc/liandong/extensions_centres.conf"
            text = without_target(centres.read_text("utf-8"), self.config.elsewhere)
            centres.write_text(text, "utf-8")
        if self.config.rings_one:
            # Of an option that stands twice app_queue takes the first: appending would not do.
            queues = self.folder / "etc/liandong/queues_liandong.conf"
            text = queues.read_text("utf-8").replace("strategy=ringall", "strategy=rrmemory")
            queues.write_text(text, "utf-8")
        sounds = DIALPLANS / "sounds"
        if sounds.is_dir():
            shutil.copytree(sounds, self.folder / "lib/sounds/liandong")
            shutil.copytree(sounds, self.folder / "lib/sounds/en/liandong")
            shutil.copy(sounds / "hold.alaw", self.folder / "moh")


def _without_includes(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#include"))


def without_target(text: str, code: str) -> str:
    """The sample centres less the extension that rings `code` as a target."""
    kept, context, inside = [], "", False
    for line in text.splitlines():
        if line.startswith("["):
            context = line
        if not line.startswith(" same"):
            inside = context == "[liandong-target]" and line.startswith(f"exten => {code},")
        if not inside:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _account(account: Account) -> str:
    aor = "max_contacts=1\nremove_existing=yes\nqualify_frequency=0\n"
    display = f'callerid="{account.display}" <{account.user}>\n' if account.kind == "seat" else ""
    return (
        f"\n[{account.user}]({account.kind})\nauth={account.user}\naors={account.user}\n{display}"
        f"\n[{account.user}]\ntype=auth\nauth_type=userpass\nusername={account.user}\n"
        f"password={account.password}\n"
        f"\n[{account.user}]\ntype=aor\n{aor}"
    )
