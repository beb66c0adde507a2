"""What the PBX says over AMI, free of the client library's types."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

Parsed = Mapping[str, str | list[str]]
"""Headers as panoramisk parses them: a list where a header was repeated."""


class _HeaderAccess:
    __slots__ = ()
    headers: Mapping[str, str]
    repeated: Mapping[str, tuple[str, ...]]

    def get(self, key: str, default: str = "") -> str:
        """Return the header's value (the last one if repeated). Case-sensitive."""
        return self.headers.get(key, default)

    def all(self, key: str) -> tuple[str, ...]:
        """Return every value of a header that may be repeated, in order."""
        if key in self.repeated:
            return self.repeated[key]
        return (self.headers[key],) if key in self.headers else ()


# Headers stay out of repr: they carry names and numbers, which must not reach a log.
@dataclass(frozen=True, slots=True)
class AmiEvent(_HeaderAccess):
    """One AMI event; `received` is `time.monotonic()` seconds at its arrival here."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    received: float = field(default_factory=time.monotonic)
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def timestamp(self) -> float | None:
        """Seconds since the epoch by the PBX's clock, where `timestampevents=yes`."""
        try:
            return float(self.headers["Timestamp"])
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class AmiReply(_HeaderAccess):
    """The answer to one action; `events` is filled by list actions only."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    events: tuple[AmiEvent, ...] = ()
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)


def split(items: Parsed) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Split possibly repeated headers into (last value of each, every value of the repeated)."""
    # panoramisk adds an empty `content` to every message.
    own = {key: value for key, value in items.items() if key != "content"}
    last = {key: value[-1] if isinstance(value, list) else value for key, value in own.items()}
    repeated = {key: tuple(value) for key, value in own.items() if isinstance(value, list)}
    return last, repeated


def event_of(items: Parsed) -> AmiEvent:
    """Make an event of parsed headers.

    A dialplan's UserEvent can add a second `Event` header: the first one is the switch's own.
    """
    last, repeated = split(items)
    name = repeated["Event"][0] if "Event" in repeated else last["Event"]
    return AmiEvent(name, last, repeated=repeated)
