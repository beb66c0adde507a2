"""What a call may wait for: the journal's file, but neither the disk nor any listener."""

import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls import journal as journal_module
from gateway.calls.journal import Journal
from gateway.calls.session import Session, Tools
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.lab.phones.script import wait_for
from gateway.telephony.fakes import FakeSwitch

from .given import CALL, CALLER, OPERATOR, ROOM, ZHANG, rules


class Disk:
    """Stands in for fdatasync: says when it was asked, and can be slow or refuse."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.free = threading.Event()
        self.free.set()
        self.error: OSError | None = None

    def fdatasync(self, descriptor: int) -> None:
        self.asked.set()
        assert self.free.wait(10)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        os.fsync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(journal_module.os, "fdatasync", disk.fdatasync)
    return disk


@pytest.fixture
def journal(tmp_path: Path, disk: Disk) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    disk.free.set()
    journal.close()


def written(folder: Path) -> str:
    return "".join(path.read_text("utf-8") for path in folder.iterdir())


async def test_an_intent_waits_for_the_file_not_for_the_disk(
    journal: Journal, disk: Disk, tmp_path: Path
) -> None:
    disk.free.clear()
    await journal.intent(CALL, "RingTarget", {"ref": "t1"})
    assert journal.late == 0
    assert '"do": "RingTarget"' in written(tmp_path)
    assert disk.asked.wait(5), "what is written must reach the disk by itself"


async def test_what_is_written_next_does_not_wait_until_the_disk_has_synced(
    journal: Journal, disk: Disk
) -> None:
    disk.free.clear()
    await journal.intent(CALL, "MoveToRoom", {"ref": "t1"})
    assert disk.asked.wait(5)
    await journal.intent(CALL, "RingTarget", {"ref": "t1"})
    assert journal.late == 0


async def test_a_busy_journal_reaches_the_disk_too(journal: Journal, disk: Disk) -> None:
    ended = f.CallEnded(call_id=CALL, reason="caller_hung_up")
    give_up = time.monotonic() + 5
    while not disk.asked.is_set() and time.monotonic() < give_up:
        journal.fact(ended)
    assert disk.asked.is_set()


async def test_a_disk_that_refuses_is_counted_and_the_journal_goes_on(
    journal: Journal, disk: Disk, tmp_path: Path
) -> None:
    disk.error = OSError(5, "input/output error")
    await journal.intent(CALL, "MoveToRoom", {"ref": "t1"})
    await wait_for(lambda: journal.failures, what="a failure that is counted")
    await journal.intent(CALL, "RingTarget", {"ref": "t1"})
    assert '"do": "RingTarget"' in written(tmp_path)


class Listener:
    """Notes how many orders the switch had when each fact was told."""

    def __init__(self, switch: FakeSwitch) -> None:
        self.switch = switch
        self.told: dict[str, list[c.MoveToRoom]] = {}

    def hear(self, fact: f.Fact, view: CallView) -> None:
        assert view.transfer or not fact.kind.startswith("transfer.")
        self.told[fact.kind] = list(self.switch.all(c.MoveToRoom))


@pytest.fixture
async def pressed(tmp_path: Path) -> AsyncIterator[Listener]:
    """An operator who talks with a caller has pressed the key."""
    switch, journal = FakeSwitch(), Journal(tmp_path)
    listener = Listener(switch)
    session = Session(CALL, Tools(switch, journal, listener.hear, rules()))
    session.start()
    arrived = {"room": ROOM, "channel": "PJSIP/city-1", "unique_id": CALLER}
    numbers = {"caller_number": "13800000001", "called_number": "12345", "centre": "12345"}
    await session.ask(e.CallArrived(now(), **arrived, **numbers))
    await session.ask(e.AgentConnected(now(), "PJSIP/1001-2", OPERATOR, ZHANG))
    await session.ask(
        e.Asked(now(), ask=e.Ask.TRANSFER, ref="t1", target="110", unique_id=OPERATOR)
    )
    yield listener
    await session.stop()
    journal.close()


async def test_the_switch_has_its_orders_before_anybody_is_told(pressed: Listener) -> None:
    assert len(pressed.told["transfer.requested"]) == 1
