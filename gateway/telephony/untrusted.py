"""What the dialplan passes on of what strangers have sent: only what cannot mean anything else.

Our dialplan filters as well; an administrator's own lines before it may not.
"""

import re

_ROOM = re.compile(r"ld-[A-Za-z0-9_.:@+-]{1,150}")
"""As the dialplan makes it (``ld-${UNIQUEID}``, at most 150 characters)."""
_NOT_DIALLED = re.compile(r"[^0-9+*#]")
_CODE = re.compile(r"[0-9]{0,12}")
_HOPS = re.compile(r"[0-9]{1,2}")
_MAX_DIGITS = 40
_STAMP = re.compile(r"[0-9]{1,11}(\.[0-9]{1,6})?")


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
