"""What AMI said of a whole transfer, played through Sightings into a Registry with a FakeSwitch."""

import asyncio
import json
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from gateway.calls import events as e
from gateway.calls.facts import Fact
from gateway.calls.journal import Journal
from gateway.calls.registry import Registry
from gateway.calls.session import Tools
from gateway.calls.state import Rules
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.settings import SeatSettings
from gateway.telephony.ami_event import AmiEvent
from gateway.telephony.fakes import FakeSwitch
from gateway.telephony.seats import Seats
from gateway.telephony.sightings import Sightings

from .script import RECORDINGS

SEATS = [
    SeatSettings(extension=one, endpoint=f"PJSIP/{one}", centre=centre, agent=f"a{one}", name=one)
    for one, centre in (("1001", "12345"), ("1002", "12345"), ("2001", "110"), ("2002", "110"))
]


def load(name: str) -> list[AmiEvent]:
    """The events of recordings/transfer-<name>.jsonl."""
    text = (RECORDINGS / f"transfer-{name}.jsonl").read_text("utf-8")
    found = [json.loads(line)["event"] for line in text.splitlines()]
    return [AmiEvent(event["Event"], event) for event in found]


def call_id(events: Iterable[AmiEvent]) -> str:
    """The id that the gateway gave the recorded call."""
    named = (event.get("Uniqueid") for event in events)
    return next(one.split(".target.")[0] for one in named if ".target." in one)


class Replay:
    """A control process's ears and hands around one recorded call."""

    def __init__(self, events: list[AmiEvent], folder: Path, patch: pytest.MonkeyPatch) -> None:
        recorded = call_id(events)
        patch.setattr("gateway.calls.session.new_id", lambda: recorded)
        self.facts: list[Fact] = []
        self.switch = FakeSwitch()
        self.journal = Journal(folder)
        rules = {("12345", "110"): Rules(ring_s=3.0)}
        tools = Tools(self.switch, self.journal, lambda fact, _: self.facts.append(fact), rules)
        self.registry = Registry(tools, {})
        self._offset = 0.0
        self.sightings = Sightings(Seats(SEATS), clock_offset_s=lambda: self._offset)

    async def __aenter__(self) -> "Replay":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.registry.close()
        self.journal.close()

    async def play(self, events: Iterable[AmiEvent]) -> None:
        """Deliver `events` with the PBX's clock as it was, each taken before the next comes."""
        for event in events:
            if (stamp := event.timestamp) is not None:
                self._offset = stamp - time.time()
            for sighting in self.sightings.of(event):
                self.registry.sight(sighting)
            await self._settle()

    async def _settle(self) -> None:
        for view in self.registry.calls():
            session = self.registry.session_of_leg(view.id)
            assert session is not None
            await session.ask(e.Event(now()))
            while session._doing:
                await asyncio.gather(*session._doing)
                await session.ask(e.Event(now()))

    @property
    def view(self) -> CallView:
        [view] = self.registry.calls()
        return view
