"""The PBX itself: rights, version, modules, clocks."""

from gateway.telephony import doctor_expect as expect
from gateway.telephony import doctor_parse as parse
from gateway.telephony.doctor_finding import Finding, fail, ok, warn
from gateway.telephony.doctor_witness import Witness, command


def check_rights(witness: Witness, user: str) -> list[Finding]:
    read, write = parse.rights(command(witness, f"manager show user {user}"))
    findings = []
    for name, have, need in (
        ("read", read, expect.READ_RIGHTS),
        ("write", write, expect.WRITE_RIGHTS),
    ):
        lacks = [] if "all" in have else [right for right in need if right not in have]
        findings += [
            fail(
                f"AMI right {name}={right}",
                f"user {user} lacks it; needed for: {need[right]}",
                f"manager.conf [{user}]: {name}={','.join(need)}; then `manager reload`",
            )
            for right in lacks
        ]
        if not lacks:
            findings.append(ok(f"AMI rights to {name}", ", ".join(need)))
    return findings


def check_timestamps(witness: Witness) -> Finding:
    shown = parse.fields(command(witness, "manager show settings"))
    if shown.get("Timestamp events") == "Yes":
        return ok("AMI timestamps", "timestampevents=yes")
    return fail(
        "AMI timestamps",
        "events carry no time, so a late key press cannot be told from a new one",
        "manager.conf [general]: timestampevents=yes; then `manager reload`",
    )


def check_version(witness: Witness) -> Finding:
    text = witness.ask("CoreSettings").headers.get("AsteriskVersion", "")
    number = parse.version(text)
    least = ".".join(map(str, expect.MIN_VERSION))
    if number is None:
        return warn("Asterisk version", f"{text!r} is no release", f"use a release from {least} on")
    if number < expect.MIN_VERSION:
        return fail("Asterisk version", text, f"upgrade to {least} or later")
    if number in expect.BROKEN_VERSIONS:
        remedy = "install another release of the same series, such as 22.10.1"
        return fail("Asterisk version", f"{text}: {expect.BROKEN_VERSIONS[number]}", remedy)
    return ok("Asterisk version", text)


def check_modules(witness: Witness) -> list[Finding]:
    running = {name for name, up in parse.modules(command(witness, "module show")).items() if up}
    findings = [
        fail(
            f"module {name}",
            f"not running; needed for: {why}",
            f"modules.conf: load={name}; then `module load {name}`",
        )
        for name, why in expect.MODULES.items()
        if name not in running
    ]
    if not running & set(expect.TIMING_MODULES):
        names = ", ".join(expect.TIMING_MODULES)
        findings.append(fail("module res_timing_*", "no timing source", f"load one of {names}"))
    return findings or [ok("modules", f"{len(expect.MODULES) + 1} needed, all running")]
