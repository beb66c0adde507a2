"""What the dialplan passes on of what strangers have sent: only what cannot mean anything else.

Our dialplan filters as well; an administrator's own lines before it may not.
"""

import re

from gateway.telephony.ami_event import AmiEvent

_ROOM = re.compile(r"ld-[A-Za-z0-9_.:@+-]{1,150}")
"""As the dialplan makes it (``ld-${UNIQUEID}``, at most 150 characters)."""
_NOT_DIALLED = re.compile(r"[^0-9+*#]")
_CODE = re.compile(r"[0-9]{0,12}")
_HOPS = re.compile(r"[0-9]{1,2}")
_MAX_DIGITS = 40
_STAMP = re.compile(r"[0-9]{1,11}(\.[0-9]{1,6})?")

_PRIVILEGE = re.compile(r"[a-z]{2,12}(,[a-z]{2,12})*,all")
_TIMESTAMP = re.compile(r"[0-9]{9,11}\.[0-9]{6}")
_UNSTAMPED = frozenset({"FullyBooted"})


def is_the_switchs_own(event: AmiEvent, *, stamped: bool) -> bool:
    """Whether an event has what Asterisk begins each with: Privilege, and Timestamp if `stamped`.

    Asterisk (22.10) writes a caller's number (From, P-Asserted-Identity), and a dialled one where
    an extension takes any text (``_X.``), into its events as they came, line ends included: a
    caller can add events of their own. A number has 79 bytes (AST_CHANNEL_NAME and
    AST_MAX_EXTENSION are 80); both headers and another channel's id do not fit into that.
    """
    if not _PRIVILEGE.fullmatch(event.get("Privilege")):
        return False
    unstamped = not stamped or event.name in _UNSTAMPED
    return unstamped or _TIMESTAMP.fullmatch(event.get("Timestamp")) is not None


def room_of(text: str) -> str:
    """The room's name, which names a file and enters dialplan expressions too; '' if it is none."""
    return text if _ROOM.fullmatch(text) else ""


def number_of(text: str) -> str:
    """The digits, plus, star and hash of a caller's or called number; at most 40 of them."""
    return _NOT_DIALLED.sub("", text)[:_MAX_DIGITS]


def target_of(text: str) -> str | None:
    """A centre's code, or '' where a key names none; None for anything else."""
    return text if _CODE.fullmatch(text) else None


def file_of(text: str) -> str:
    """The name of a recording in its own folder, or '': never a way out of it."""
    return text if room_of(text.removesuffix(".wav")) else ""


def stamp_of(text: str) -> float | None:
    """Epoch seconds as ``${STRFTIME(,,%s.%3q)}`` writes them; None for anything else."""
    return float(text) if _STAMP.fullmatch(text) else None


def hops_of(text: str) -> int:
    """How often another PBX says that it was handed over, 0 to 99; 0 for anything else."""
    return int(text) if _HOPS.fullmatch(text) else 0


def cause_of(text: str) -> int:
    """A Q.850 cause, 0 to 127; 0 for anything else."""
    known = text.isascii() and text.isdecimal() and len(text) <= 3
    return int(text) if known and int(text) < 128 else 0
