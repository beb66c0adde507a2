"""What the control process does with events while it is not sure to be in control."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import steady
from gateway.control import Control
from gateway.settings import JournalSettings, LedgerSettings, Settings
from gateway.telephony.ami_event import AmiEvent
from gateway.telephony.port import Sighting


class Desk:
    """A control process that is not run; `seen` is what its calls were told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ledger = LedgerSettings(url=f"sqlite+aiosqlite:///{folder}/ledger.sqlite3")
        self.control = Control(
            Settings(ledger=ledger, journal=JournalSettings(directory=folder / "journal"))
        )
        self.seen: list[str] = []
        self.looks = 0
        monkeypatch.setattr(self.control.registry, "sight", self._sight)
        monkeypatch.setattr(self.control.takeover, "reconcile", self._look)

    def _sight(self, sighting: Sighting) -> None:
        self.seen.append(sighting.room)

    async def _look(self) -> None:
        self.looks += 1

    def held(self, *, in_control: bool) -> None:
        self.control.claim._confirmed = steady() if in_control else float("-inf")

    def event(self, room: str) -> None:
        headers = {"UserEvent": "LiandongHeld", "Call": room}
        self.control._on_ami(AmiEvent("UserEvent", headers))


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, monkeypatch)
    yield desk
    await desk.control._stop()


async def test_a_stand_by_takes_nothing_in(desk: Desk) -> None:
    desk.held(in_control=False)
    desk.event("ld-1")
    desk.held(in_control=True)
    desk.control._recovered = True
    desk.control._catch_up()
    assert desk.seen == []


async def test_what_comes_while_an_earlier_gateways_calls_are_taken_over_waits(desk: Desk) -> None:
    desk.held(in_control=True)
    desk.event("ld-1")
    assert desk.seen == []
    desk.control._recovered = True
    desk.control._catch_up()
    desk.event("ld-2")
    assert desk.seen == ["ld-1", "ld-2"]


async def test_one_that_hung_believes_only_once_it_has_looked(desk: Desk) -> None:
    desk.control._recovered = True
    desk.held(in_control=False)
    desk.event("ld-1")
    desk.event("ld-2")
    assert desk.seen == []
    desk.control.claim._confirm(steady())
    assert desk.seen == ["ld-1", "ld-2"]
    await asyncio.sleep(0)
    assert desk.looks == 1
