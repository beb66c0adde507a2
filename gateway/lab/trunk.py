"""Two switches joined by a trunk: what each of them is told about the other.

The centre that hands over is on the first switch, beside the gateway; the other centre's queue and
seats are on the second one, whose own dialplan files are the same.
"""

from typing import Literal

from gateway.lab.asterisk_lab import AsteriskLab

PEER = "peer"
"""The endpoint that leads to the other switch, on both."""
QUALIFY_S = 0.5
"""A switch that does not answer for so long is known to be away."""
Answers = Literal["person", "early", "early_mute"]
"""When the second switch answers: with its person; at once, and its queue gives the sign; at once,
and the person has to give it."""

_PJSIP = """
[{peer}](trunk)
context=from-peer
aors={peer}
from_user={peer}

[{peer}]
type=aor
contact=sip:{peer}@127.0.0.1:{port}
qualify_frequency=1
qualify_timeout={qualify_s}
"""

_TO_THE_OTHER = """
[globals]
LD_SIGN_{other}={sign}

[liandong-target]
exten => {other},1,Gosub(liandong-trunk,s,1(PJSIP/{other}@{peer}))
 same => n,Hangup(${{HANGUPCAUSE}})
"""
"""The admin's own two lines (docs/pbx.md), in place of the sample's local queue."""

_FROM_THE_OTHER = """
[globals]
LAB_REFUSE=0
LAB_ANSWERS={answers}

[from-peer]
exten => _X.,1,Set(LAB_CALL=${{FILTER(-A-Za-z0-9._,${{PJSIP_HEADER(read,X-Liandong-Call)}})}})
 same => n,UserEvent(LabPeer,Call: ${{LAB_CALL}})
 same => n,GotoIf($["${{LAB_REFUSE}}" != "0"]?refuse)
 same => n,GotoIf($["${{LAB_ANSWERS}}" != "person"]?early)
 same => n,Goto(liandong-peer,${{EXTEN}},1)
 same => n(early),Gosub(liandong-peer,in,1(${{EXTEN}},{home}))
 same => n,Answer()
 same => n,Set(LAB_SIGN=${{IF($["${{LAB_ANSWERS}}" = "early"]?liandong-sign)}})
 same => n,Queue(${{EXTEN}},nciF(liandong-room^left^1),,,300,,${{LAB_SIGN}})
 same => n,Goto(liandong-peer,over,1)
 same => n(refuse),Hangup(${{LAB_REFUSE}})
"""


def other_centre(home: str) -> str:
    """The centre on the second switch."""
    return "110" if home == "12345" else "12345"


def trunk_conf(port: int) -> str:
    """What pjsip.conf says of the other switch, at that SIP port."""
    return _PJSIP.format(peer=PEER, port=port, qualify_s=QUALIFY_S)


def first_conf(home: str, answers: Answers) -> str:
    """What extensions.conf of the first switch says of the centre that is elsewhere."""
    sign = "" if answers == "person" else "1"
    return _TO_THE_OTHER.format(other=other_centre(home), peer=PEER, sign=sign)


def second_conf(home: str, answers: Answers) -> str:
    """What extensions.conf of the second switch does with calls from the first."""
    return _FROM_THE_OTHER.format(home=home, answers=answers)


async def refuse(second: AsteriskLab, cause: int) -> None:
    """Let the second switch refuse every call with this Q.850 cause; 0: it takes calls again."""
    await second.cli(f"dialplan set global LAB_REFUSE {cause}")


async def answers(second: AsteriskLab, when: Answers) -> None:
    """From now on the second switch answers at this time."""
    await second.cli(f"dialplan set global LAB_ANSWERS {when}")


async def knows(first: AsteriskLab, *, there: bool) -> bool:
    """Whether the first switch knows by now that the second is there, or away."""
    shown = await first.cli("pjsip show contacts")
    return ("Avail" in shown) is there and ("Unavail" in shown) is not there
