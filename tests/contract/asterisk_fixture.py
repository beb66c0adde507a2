"""A minimal private Asterisk for contract tests: own directories, own ports, no AMI.

It loads only what SIP phones and a small dialplan need, so it boots in about a second; the full
lab is `gateway.lab.asterisk_lab`.
"""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.ids import new_id
from gateway.lab.phones import PhoneSettings
from gateway.lab.ports import free_port, free_udp_range
from gateway.lab.rootfs import asterisk_tools

PASSWORD = "open-sesame"
RTP_PORTS = 200

MODULES = """
[modules]
autoload=no
load=res_timing_timerfd.so
load=res_sorcery_config.so
load=res_sorcery_memory.so
load=res_sorcery_astdb.so
load=res_pjproject.so
load=res_pjsip.so
load=res_pjsip_session.so
load=res_pjsip_sdp_rtp.so
load=res_pjsip_registrar.so
load=res_pjsip_authenticator_digest.so
load=res_pjsip_endpoint_identifier_user.so
load=res_pjsip_caller_id.so
load=res_pjsip_rfc3326.so
load=res_pjsip_pubsub.so
load=res_pjsip_refer.so
load=res_rtp_asterisk.so
load=chan_pjsip.so
load=codec_alaw.so
load=codec_ulaw.so
load=bridge_simple.so
load=bridge_builtin_features.so
load=pbx_config.so
load=app_dial.so
load=app_echo.so
load=app_read.so
load=app_stack.so
load=func_callerid.so
load=func_channel.so
load=func_env.so
load=func_strings.so
"""

PJSIP = """
[global]
type=global
endpoint_identifier_order=username,ip,anonymous

[udp]
type=transport
protocol=udp
bind=127.0.0.1:{port}

[phone](!)
type=endpoint
context=phones
disallow=all
allow=alaw
dtmf_mode=rfc4733
direct_media=no
rtp_symmetric=yes
media_address=127.0.0.1
bind_rtp_to_media_address=yes
trust_id_inbound=yes
send_pai=yes
"""

ACCOUNT = """
[{user}](phone)
aors={user}
auth={user}
callerid="Seat {user}" <{user}>
[{user}]
type=auth
username={user}
password={password}
[{user}]
type=aor
max_contacts=1
qualify_frequency=60
remove_existing=yes
"""


@dataclass(frozen=True)
class MinimalAsterisk:
    """A running instance. `directory` is its private directory as this process sees it."""

    port: int
    directory: Path
    users: tuple[str, ...]
    _command: tuple[str, ...]

    def settings(self, user: str, **changes: object) -> PhoneSettings:
        """Return the settings of one of its accounts."""
        fields = {"user": user, "registrar": ("127.0.0.1", self.port), "password": PASSWORD}
        return PhoneSettings(**{**fields, **changes})  # type: ignore[arg-type]

    def cli(self, command: str) -> str:
        """Run one CLI command and return what it prints."""
        done = subprocess.run(
            [*self._command, "-rx", command],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return done.stdout + done.stderr


@contextlib.contextmanager
def minimal_asterisk(
    dialplan: str, users: tuple[str, ...], modules: tuple[str, ...] = ()
) -> Iterator[MinimalAsterisk]:
    """Run Asterisk with `dialplan` as extensions.conf; ``@DIR@`` there is its own directory."""
    tools = asterisk_tools()
    directory = tools.instance_dir(f"pbx-{new_id()[-12:]}")
    inside = tools.inside(directory)
    port = free_port(socket.SOCK_DGRAM)
    _write_config(directory, inside, port, dialplan, users, modules)
    command = (*tools.prefix, "asterisk", "-C", f"{inside}/asterisk.conf")
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            [*command, "-f", "-n"], stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    switch = MinimalAsterisk(port, directory, users, command)
    try:
        _wait_until_booted(switch, process)
        yield switch
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(directory)


def _write_config(
    directory: Path,
    inside: str,
    port: int,
    dialplan: str,
    users: tuple[str, ...],
    modules: tuple[str, ...],
) -> None:
    directories = {
        "astetcdir": "etc",
        "astrundir": "run",
        "astspooldir": "spool",
        "astlogdir": "log",
        "astdbdir": "db",
    }
    lines = ["[directories]"]
    for key, name in directories.items():
        (directory / name).mkdir()
        lines.append(f"{key} => {inside}/{name}")
    lines += ["[options]", "verbose = 3", ""]
    (directory / "asterisk.conf").write_text("\n".join(lines))
    etc = directory / "etc"
    rtp = free_udp_range(RTP_PORTS)
    loads = "".join(f"load={module}\n" for module in modules)
    accounts = "".join(ACCOUNT.format(user=user, password=PASSWORD) for user in users)
    files = {
        "modules.conf": MODULES + loads,
        "pjsip.conf": PJSIP.format(port=port) + accounts,
        "rtp.conf": f"[general]\nrtpstart={rtp}\nrtpend={rtp + RTP_PORTS - 1}\nicesupport=no\n",
        "extensions.conf": dialplan.replace("@DIR@", inside),
        "manager.conf": "[general]\nenabled=no\n",
        "logger.conf": "[logfiles]\nmessages => notice,warning,error,verbose\n",
    }
    for name, text in files.items():
        (etc / name).write_text(text)


def _wait_until_booted(switch: MinimalAsterisk, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        if "fully booted" in switch.cli("core waitfullybooted"):
            return
    pytest.fail(f"Asterisk did not start: {(switch.directory / 'output').read_text()[-2000:]}")
