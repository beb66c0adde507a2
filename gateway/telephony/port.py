"""The switch as call control sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.calls.commands import SwitchCommand
from gateway.calls.events import Event


@dataclass(frozen=True)
class Sighting:
    """Something seen on the switch. `unique_id` or `room` says which call it belongs to."""

    event: Event
    unique_id: str = ""
    room: str = ""


OnSighting = Callable[[Sighting], None]


class Switch(Protocol):
    """Carries out commands, in the order of the calls."""

    async def execute(self, command: SwitchCommand) -> None:
        """Do it; returns when the PBX has accepted it.

        Raises SwitchRefused (it said no), SwitchTimeout (unknown), SwitchUnreachable (not sent).
        """
        ...
