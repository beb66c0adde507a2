"""`liandong doctor`: what a live PBX and its surroundings lack, and how to mend it."""

import json
from collections.abc import Callable
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from gateway.errors import SwitchError, SwitchRefused, SwitchUnreachable
from gateway.settings import Settings
from gateway.telephony import doctor_expect as expect
from gateway.telephony import doctor_parse as parse
from gateway.telephony.doctor_control import check_controller
from gateway.telephony.doctor_dialplan import examine_dialplan
from gateway.telephony.doctor_finding import Finding, exit_status, fail, ok
from gateway.telephony.doctor_keys import examine_keys
from gateway.telephony.doctor_rooms import check_profiles, check_queue
from gateway.telephony.doctor_services import (
    check_ledger,
    check_orders,
    check_redis,
    check_speech_model,
)
from gateway.telephony.doctor_switch import (
    check_modules,
    check_rights,
    check_timestamps,
    check_version,
)
from gateway.telephony.doctor_witness import AmiWitness, Witness, command

__all__ = ["Finding", "examine", "examine_switch", "exit_status", "render", "to_json"]

_MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


def examine(settings: Settings) -> list[Finding]:
    """Look at everything `settings` name; changes nothing.

    Blocking, up to about a minute when nothing answers: from async code, call it in a thread.
    """
    return [
        *_connect_and_examine(settings),
        check_redis(settings.redis),
        check_ledger(settings.ledger),
        check_speech_model(settings.speech),
        check_orders(settings.orders),
    ]


def _connect_and_examine(settings: Settings) -> list[Finding]:
    switch = settings.switch
    where = f"{switch.host}:{switch.port}"
    try:
        with AmiWitness(switch) as witness:
            return [ok("AMI", f"logged in at {where}"), *examine_switch(witness, settings)]
    except SwitchRefused as error:
        remedy = (
            f"manager.conf: [{switch.user}] with the secret of [switch] and a permit= for this "
            "host (see liandong/manager_liandong.conf); then `manager reload`"
        )
        return [fail("AMI log-in", f"{where}: {error}", remedy)]
    except SwitchUnreachable as error:
        remedy = "start the PBX; manager.conf [general]: enabled=yes; check [switch] host and port"
        return [fail("AMI", str(error), remedy)]


def examine_switch(witness: Witness, settings: Settings) -> list[Finding]:
    """Everything that is asked of the PBX over one logged-in connection."""
    answer = witness.ask("Command", {"Command": "core show version"})
    if not answer.ok and not any(answer.lines):
        user = settings.switch.user
        lacks = fail(
            "AMI right write=command",
            f"user {user} lacks it, so nothing else of the PBX could be looked at",
            f"manager.conf [{user}]: write={','.join(expect.WRITE_RIGHTS)}; then `manager reload`",
        )
        return [lacks]
    findings: list[Finding] = []
    for look in (_switch, _dialplan, _rooms):
        findings += _guarded(look, witness, settings)
    return findings


def _guarded(
    look: Callable[[Witness, Settings], list[Finding]], witness: Witness, settings: Settings
) -> list[Finding]:
    try:
        return look(witness, settings)
    except SwitchError as error:
        return [fail("AMI", str(error), "is the PBX overloaded? run the doctor again")]


def _switch(witness: Witness, settings: Settings) -> list[Finding]:
    return [
        *check_rights(witness, settings.switch.user),
        check_timestamps(witness),
        check_version(witness),
        *check_modules(witness),
        check_controller(witness),
    ]


def _dialplan(witness: Witness, settings: Settings) -> list[Finding]:
    plan = parse.dialplan(command(witness, "dialplan show"))
    features = command(witness, "features show")
    menu = command(witness, f"confbridge show menu {expect.MENU}")
    return [*examine_dialplan(plan, settings), *examine_keys(features, menu, plan, settings)]


def _rooms(witness: Witness, settings: Settings) -> list[Finding]:
    queues = [centre.queue for centre in settings.centres if centre.queue]
    return [
        *check_profiles(witness),
        *(check_queue(queue, command(witness, f"queue show {queue}")) for queue in queues),
    ]


def render(findings: list[Finding]) -> Table:
    """A table for a terminal."""
    bad = sum(finding.status == "fail" for finding in findings)
    doubtful = sum(finding.status == "warn" for finding in findings)
    title = f"liandong doctor: {len(findings)} checks, {bad} failed, {doubtful} warnings"
    table = Table("", "check", "seen", "remedy", title=title, title_justify="left")
    for finding in findings:
        cells = (finding.name, finding.detail, finding.remedy)
        table.add_row(_MARKS[finding.status], *(escape(cell) for cell in cells))
    return table


def to_json(findings: list[Finding]) -> str:
    """`{"ok": bool, "findings": [{name, status, detail, remedy}]}`."""
    body = {"ok": exit_status(findings) == 0, "findings": [asdict(f) for f in findings]}
    return json.dumps(body, ensure_ascii=False, indent=2)
