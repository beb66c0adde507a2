"""What the demo has at hand while it plays, and the words its script is written in."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from gateway.lab.demo_report import Report
from gateway.lab.dialogue import Dialogue, Turn
from gateway.lab.listener import Arrival, Listener
from gateway.lab.phones.call import PhoneCall
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.script import wait_for
from gateway.lab.town import Town
from gateway.lab.witness import Witness

_PAUSE_S = 0.7


@dataclass
class Spoken:
    """A turn as it was spoken: `end` is when the speech ended, seconds of time.time()."""

    turn: Turn
    start: float
    end: float


@dataclass
class Show:
    """What the demo has seen so far of the call `script`."""

    town: Town
    listener: Listener
    witness: Witness
    report: Report
    people: dict[str, Phone]
    script: Dialogue
    spoken: list[Spoken] = field(default_factory=list)
    transfer_ms: float | None = None
    """From the end of the key's last digit to the INVITE; None while no key was pressed."""
    hung_up_at: float = 0.0

    async def say(self, call: PhoneCall, turn: Turn) -> None:
        """Speak one turn and pause as people do."""
        span = await call.play(turn.path)
        end = span.end_wall - turn.trailing_silence_s
        self.spoken.append(Spoken(turn, span.start_wall, end))
        await asyncio.sleep(_PAUSE_S)

    def dropped(self) -> list[str]:
        """Channels of callers who were dropped."""
        return self.witness.dropped(phones=self.people)

    async def until(self, kind: str, timeout_s: float = 10.0, **fields: Any) -> Arrival:
        """Wait for an event of the call on the live stream."""

        def found() -> Arrival | None:
            for arrival in self.listener.of(kind):
                if all(arrival.data.get(name) == value for name, value in fields.items()):
                    return arrival
            return None

        arrival = await wait_for(found, timeout_s, f"{kind} {fields or ''}")
        assert arrival is not None
        return arrival
