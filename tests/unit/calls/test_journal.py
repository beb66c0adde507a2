"""The journal with a disk that hangs, fills up, breaks and comes back."""

import asyncio
import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.calls import facts as f
from gateway.calls.journal import BOUND_S, KEEP_DAYS, Journal
from gateway.clock import now

from .given import CALL

Write = Callable[[int, bytes], int]


class Disk:
    """Stands between the journal and the disk. Only what the journal writes comes through here."""

    def __init__(self, bound: Callable[[float], None]) -> None:
        self.bound = bound
        self.write: Write = os.write
        self.real = os.write
        self.free = threading.Event()

    def __call__(self, descriptor: int, data: bytes) -> int:
        return self.write(descriptor, data)

    def hang(self) -> None:
        def wait_and_write(descriptor: int, data: bytes) -> int:
            self.free.wait(10)
            return self.real(descriptor, data)

        self.write = wait_and_write
        self.bound(BOUND_S)

    def fill(self, room: int) -> None:
        """Take `room` more bytes, then no more."""
        left = room

        def write(descriptor: int, data: bytes) -> int:
            nonlocal left
            if left == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken = self.real(descriptor, data[:left])
            left -= taken
            return taken

        self.write = write

    def mend(self) -> None:
        self.write = self.real
        self.free.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    bound = partial(monkeypatch.setattr, "gateway.calls.journal.BOUND_S")
    disk = Disk(bound)
    bound(10.0)  # a disk that works is waited for, on a machine with much else to do too
    monkeypatch.setattr("gateway.calls.journal.os", SimpleNamespace(**vars(os) | {"write": disk}))
    yield disk
    disk.mend()


@pytest.fixture
def journal(tmp_path: Path, disk: Disk) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    disk.mend()
    journal.close()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def _rename(folder: Path, to: Path) -> None:
    folder.rename(to)


def _leg(number: int) -> f.Fact:
    return f.SpeechClosed(call_id=CALL, leg_id=f"{CALL}.agent.{number}")


def _legs(journal: Journal) -> list[str]:
    return [
        fact.leg_id.rsplit(".", 1)[1]
        for fact in journal.facts()
        if isinstance(fact, f.SpeechClosed)
    ]


async def test_an_intent_is_on_the_disk_when_it_returns(journal: Journal, tmp_path: Path) -> None:
    await journal.intent(CALL, "RingTarget", {"ref": "t1"})
    [path] = _files(tmp_path)
    assert b'"do": "RingTarget"' in path.read_bytes()
    assert (journal.late, journal.failures) == (0, 0)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_hanging_disk_holds_a_call_for_the_bound_only(journal: Journal, disk: Disk) -> None:
    disk.hang()
    began = time.monotonic()
    await journal.intent(CALL, "MoveToRoom", {"ref": "t1"})
    await journal.intent(CALL, "RingTarget", {"ref": "t1"})
    took = time.monotonic() - began
    # The upper bound allows for a machine with other work; without the bound it would be 10 s.
    assert 2 * BOUND_S <= took < 2 * BOUND_S + 5
    assert journal.late == 2


async def test_the_loop_goes_on_while_the_disk_hangs(journal: Journal, disk: Disk) -> None:
    disk.hang()
    intent = asyncio.create_task(journal.intent(CALL, "RingTarget", {}))
    turns = 0
    while not intent.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1


async def test_what_was_late_is_written_when_the_disk_goes_on(journal: Journal, disk: Disk) -> None:
    disk.hang()
    journal.fact(_leg(1))
    await journal.intent(CALL, "RingTarget", {})
    journal.fact(_leg(2))
    disk.mend()
    journal.close()
    assert _legs(journal) == ["1", "2"]


async def test_a_full_disk_is_counted_and_the_call_goes_on(journal: Journal, disk: Disk) -> None:
    disk.fill(0)
    await journal.intent(CALL, "RingTarget", {})
    assert (journal.failures, journal.late) == (1, 0)
    disk.mend()
    await journal.intent(CALL, "HangUp", {})
    assert journal.failures == 1


async def test_a_line_cut_off_by_a_full_disk_takes_no_other_with_it(
    journal: Journal, disk: Disk
) -> None:
    journal.fact(_leg(1))
    await journal.intent(CALL, "first", {})
    disk.fill(20)
    journal.fact(_leg(2))
    await journal.intent(CALL, "second", {})
    disk.mend()
    journal.fact(_leg(3))
    await journal.intent(CALL, "third", {})
    assert _legs(journal) == ["1", "3"]
    assert journal.failures == 2


async def test_a_short_write_is_finished(journal: Journal, disk: Disk) -> None:
    disk.write = lambda descriptor, data: disk.real(descriptor, data[:7])
    journal.fact(_leg(1))
    await journal.intent(CALL, "RingTarget", {})
    assert _legs(journal) == ["1"]
    assert journal.failures == 0


async def test_a_lost_directory_is_survived_and_no_foreign_descriptor_is_closed(
    journal: Journal, tmp_path: Path
) -> None:
    await journal.intent(CALL, "first", {})
    journal._shut()
    hidden = tmp_path.with_name("away")
    _rename(tmp_path, hidden)
    await journal.intent(CALL, "second", {})
    reader, writer = os.pipe()  # takes the number that the journal gave back
    await journal.intent(CALL, "third", {})
    assert journal.failures == 2
    os.write(writer, b"x")
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    os.close(writer)
    _rename(hidden, tmp_path)
    await journal.intent(CALL, "fourth", {})
    assert journal.failures == 2


async def test_damaged_lines_are_skipped(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.fact(_leg(1))
    await first.intent(CALL, "RingTarget", {})
    first.close()
    [path] = _files(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"kind":"no.such.fact"}\nnot json\n\xff\xfe\n\n{"kind":"speech.clos')
    again = Journal(tmp_path)
    again.fact(_leg(2))
    again.close()
    assert _legs(again) == ["1", "2"]


async def test_facts_come_back_as_they_were(journal: Journal) -> None:
    said = f.UtteranceHeard(
        call_id=CALL,
        utterance_id="u1",
        leg_id=f"{CALL}.caller.0",
        start_ms=0,
        end_ms=900,
        text='他说："在"门口\n"kind": "intent"',
        text_raw="",
        model="m",
        words=[("在", 0, 300, 0.9)],
    )
    journal.fact(said)
    await journal.intent(CALL, "RingTarget", {"ref": "t1"})
    assert list(journal.facts()) == [said]


def test_old_days_are_deleted_and_older_facts_not_told(tmp_path: Path) -> None:
    def day(ago: int) -> Path:
        path = tmp_path / f"journal-{now() - timedelta(days=ago):%Y%m%d}.jsonl"
        path.write_text(f.dump(_leg(ago)) + "\n", "utf-8")
        return path

    too_old, old, recent = day(KEEP_DAYS + 1), day(4), day(1)
    journal = Journal(tmp_path)
    journal.fact(_leg(0))
    journal.close()
    assert not too_old.exists()
    assert old.exists()
    assert recent.exists()
    assert _legs(journal) == ["1", "0"]


async def test_a_new_day_is_a_new_file(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.intent(CALL, "today", {})
    tomorrow = now() + timedelta(days=1)
    monkeypatch.setattr("gateway.calls.journal.now", lambda: tomorrow)
    await journal.intent(CALL, "tomorrow", {})
    assert len(_files(tmp_path)) == 2


async def test_orders_given_at_once_are_written_at_once(journal: Journal, tmp_path: Path) -> None:
    await journal.intents(CALL, [("MoveToRoom", {"ref": "t1"}), ("RingTarget", {"ref": "t1"})])
    [path] = _files(tmp_path)
    done = [json.loads(line)["do"] for line in path.read_bytes().splitlines()]
    assert done == ["MoveToRoom", "RingTarget"]


async def test_calls_are_found_by_what_was_told_of_them(journal: Journal) -> None:
    leg, ended = _leg(1), f.CallEnded(call_id="over", reason="lost")
    for fact in (leg, ended, f.SpeechClosed(call_id="over", leg_id="over.caller.0")):
        journal.fact(fact)
    await journal.intent("meant", "RingTarget", {})
    assert journal.calls(lambda _at, kind: kind == "call.ended") == {"over"}
    assert [fact.call_id for fact in journal.facts(start=journal.first(ended.at))] == ["over"] * 2
    assert journal.first(now()) == journal.end()
    assert journal.calls(lambda _at, _kind: True) == {CALL, "over"}
    assert [fact.call_id for fact in journal.facts(lambda call: call != "over")] == [CALL]


async def test_what_is_written_later_is_left_out(journal: Journal) -> None:
    before = journal.end()
    journal.fact(_leg(1))
    await journal.intent(CALL, "RingTarget", {})
    then = journal.end()
    journal.fact(_leg(2))
    await journal.intent(CALL, "RingTarget", {})
    told = [list(journal.facts(until=place)) for place in (before, then, None)]
    assert [len(facts) for facts in told] == [0, 1, 2]
    assert journal.calls(lambda _at, _kind: True, until=before) == set()


@pytest.mark.parametrize(
    "line",
    [
        b'{"call_id":"c","at":"yesterday","kind":"call.ended","reason":"x"}',
        b'{"call_id":"c","at":"2026-11-22T',
        b'{"call_id":"c\xff","at":"2026-11-22T10:00:00Z","kind":"call.ended","reason":"x"}',
        b'{"call_id":"c","at":"2026-11-22T10:00:00Z","kind":"call.\xffnded","reason":"x"}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_line_names_no_call(tmp_path: Path, line: bytes) -> None:
    journal = Journal(tmp_path)
    (tmp_path / f"journal-{now():%Y%m%d}.jsonl").write_bytes(line + b"\n")
    assert journal.calls(lambda _at, _kind: True) == set()
    assert list(journal.facts()) == []
    journal.close()


def test_a_moment_without_an_offset_is_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    line = b'{"call_id":"c","at":"2026-11-22T10:00:00","kind":"call.ended","reason":"x"}\n'
    (tmp_path / f"journal-{now():%Y%m%d}.jsonl").write_bytes(line)
    assert journal.calls(lambda at, _kind: at < now()) == set()
    assert journal.first(now() - timedelta(days=1)) == journal.end()
    journal.close()
