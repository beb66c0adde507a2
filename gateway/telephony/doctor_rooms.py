"""Room profiles, and the queues' members."""

import re
from collections.abc import Iterable

from gateway.telephony import doctor_expect as expect
from gateway.telephony import doctor_parse as parse
from gateway.telephony.doctor_finding import Finding, fail, ok, warn
from gateway.telephony.doctor_witness import Witness, command

_INCLUDE = (
    "confbridge.conf: #include liandong/confbridge_liandong.conf; "
    "then `module reload app_confbridge.so`"
)
_LOCAL_MEMBER = re.compile(r"^Local/|\(Local/")
"""`Name (Local/1001@from-queue/n from hint:1001@ext-local)`, or the interface where it has none."""


def check_profiles(witness: Witness) -> list[Finding]:
    findings = []
    for kind, profiles in (("user", expect.USER_PROFILES), ("bridge", expect.BRIDGE_PROFILES)):
        for profile, wanted in profiles.items():
            shown = parse.fields(command(witness, f"confbridge show profile {kind} {profile}"))
            findings.append(check_profile(profile, shown, wanted))
    return findings


def check_profile(profile: str, shown: dict[str, str], wanted: dict[str, str]) -> Finding:
    name = f"room profile {profile}"
    if shown.get("Name") != profile:
        return fail(name, "does not exist", _INCLUDE)
    wrong = [
        f"{field}: {shown.get(field, 'not shown')} (should be {value})"
        for field, value in wanted.items()
        if shown.get(field) != value
    ]
    if wrong:
        return fail(name, "; ".join(wrong), f"{_INCLUDE}, and nothing after it changes [{profile}]")
    return ok(name, ", ".join(f"{field} {value}" for field, value in wanted.items()))


def check_queue(queue: str, lines: Iterable[str]) -> Finding:
    """From `queue show NAME`: the queue exists, its members are phones, and none is rung in a call.

    A Local member (as FreePBX adds them) has its phone behind another channel: keys then come
    from a channel that the gateway does not know as the operator's.
    """
    name = f"queue {queue}"
    shown = list(lines)
    if not any(line.startswith(f"{queue} has ") for line in shown):
        return fail(name, "does not exist", f"queues.conf: [{queue}](liandong_queue), and members")
    members = parse.members(shown)
    if not members:
        return warn(name, "has no members now", "add members; then ringinuse can be checked too")
    local = [line for line in members if _LOCAL_MEMBER.search(line)]
    if local:
        return fail(
            name,
            f"{len(local)} of {len(members)} members are Local channels: their keys would do "
            "nothing, since they come from a phone behind the channel that is known",
            f"queues.conf [{queue}]: name the phones (member => PJSIP/1001), not Local/...; "
            "or wait for a later version",
        )
    ringing = [line for line in members if "(ringinuse disabled)" not in line]
    if ringing:
        return fail(
            name,
            f"{len(ringing)} of {len(members)} members are rung while they are in a call",
            f"queues.conf [{queue}]: ringinuse=no; then `queue reload all`",
        )
    return ok(name, f"{len(members)} members, ringinuse=no")
