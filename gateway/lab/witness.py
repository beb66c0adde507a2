"""An independent witness on the PBX: its own AMI client (asterisk-ami), apart from the gateway's.

It says what the switch did, for the demo and the end-to-end tests: who was dropped, what is left.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from gateway.errors import LabError
from gateway.lab.asterisk_lab import AsteriskLab
from gateway.lab.drops import drops, phone_legs
from gateway.lab.phones.phone import Phone
from gateway.settings import SwitchSettings
from gateway.telephony.doctor_witness import AmiWitness


@dataclass(frozen=True)
class Seen:
    """One AMI event: `at` is seconds of time.time()."""

    name: str
    at: float
    headers: dict[str, str] = field(repr=False)

    def get(self, key: str) -> str:
        return self.headers.get(key, "")


class Witness(AmiWitness):
    """Use `with Witness(pbx) as witness:`; events are kept from then on."""

    def __init__(self, pbx: AsteriskLab) -> None:
        config = pbx.config
        settings = SwitchSettings(
            port=config.ami_port, user="witness", secret=SecretStr(config.ami_secret)
        )
        super().__init__(settings, on_event=self._keep)
        self._pbx = pbx
        self.seen: list[Seen] = []

    def _keep(self, event: Any) -> None:
        self.seen.append(Seen(event.name, time.time(), dict(event.keys)))

    def mark(self) -> int:
        """A place in the record, for `since`."""
        return len(self.seen)

    def named(self, name: str, since: int = 0) -> Iterator[Seen]:
        """Events called `name` from place `since` on."""
        return (event for event in self.seen[since:] if event.name == name)

    async def until(
        self, found: Callable[["Witness"], bool], what: str, timeout_s: float = 10.0
    ) -> None:
        """Wait until `found` is true of the record; raises LabError naming `what`."""
        deadline = time.monotonic() + timeout_s
        while not found(self):
            if time.monotonic() > deadline:
                raise LabError(f"the switch did not show: {what} (in {timeout_s:g} s)")
            await asyncio.sleep(0.01)

    async def live_channels(self) -> list[str]:
        """Names of every channel on the PBX now."""
        shown = await self._pbx.cli("core show channels concise")
        return [line.split("!")[0] for line in shown.splitlines() if "!" in line]

    def dropped(self, since: int = 0, phones: Mapping[str, Phone] | None = None) -> list[str]:
        """Channels of callers who were dropped (`gateway.lab.drops`) from place `since` on.

        `phones`, by user name, say who hung up; without them the switch's own record must do.
        """
        return drops(self.seen[since:], phone_legs(phones or {}))
