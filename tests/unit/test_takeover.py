"""What a gateway that starts, or was cut off, does about the calls that went on without it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calls.given import CALLER, OPERATOR, rules
from prometheus_client import REGISTRY

from gateway import takeover as module
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.commands import OpenTap
from gateway.calls.journal import Journal
from gateway.calls.registry import Registry
from gateway.calls.session import Tools
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.errors import LedgerError, SwitchRefused, SwitchTimeout
from gateway.settings import Settings
from gateway.takeover import Takeover
from gateway.telephony.ami_event import AmiEvent, AmiReply
from gateway.telephony.ami_values import Headers
from gateway.telephony.fakes import FakeAmiClient, FakeSwitch
from gateway.telephony.port import Sighting
from gateway.telephony.seats import Seats

CALL, ROOM, CITY = "call-1", f"ld-{CALLER}", "PJSIP/city-00000001"
OPERATORS = "PJSIP/1001-00000002"
TAP = OpenTap(f"{CALL}.agent.1", OPERATORS)


class Taps:
    """What the takeover asks of the taps."""

    def __init__(self) -> None:
        self.opened: list[OpenTap] = []
        self.lost: dict[str, datetime | None] = {}
        self.adopted: dict[OpenTap, str] = {}
        self.worker, self.asked = asyncio.Event(), asyncio.Event()
        self.worker.set()

    async def open(self, command: OpenTap, lost_at: datetime | None = None) -> None:
        self.opened.append(command)
        self.lost[command.leg_id] = lost_at

    def adopt(self, command: OpenTap, channel: str) -> None:
        self.adopted[command] = channel

    async def worker_within(self, wait_s: float) -> bool:
        self.asked.set()
        return await self.worker.wait()


class SlowAmi(FakeAmiClient):
    """Answers after everybody else has had their turn, as a network does."""

    async def send(
        self, action: str, headers: Headers | None = None, *, timeout: float | None = None
    ) -> AmiReply:
        for _ in range(20):
            await asyncio.sleep(0)
        return await super().send(action, headers, timeout=timeout)


class Gateway:
    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder)
        self.switch, self.ami, self.taps = FakeSwitch(), SlowAmi(), Taps()
        tools = Tools(self.switch, self.journal, lambda _fact, _view: None, rules())
        self.asks: list[asyncio.Task[None]] = []
        self.registry = Registry(tools, {}, look_again=self._look_again)
        parts: Any = (self.ami, self.registry, self.taps, Seats([]))
        self.takeover = Takeover(Settings(), *parts)
        self.offered: list[f.Fact] = []
        self.views: list[CallView] = []

    def _offer(self, fact: f.Fact, view: CallView) -> None:
        self.offered.append(fact)
        self.views.append(view)

    def _look_again(self) -> None:
        self.asks.append(asyncio.create_task(self.takeover.reconcile_soon()))

    async def recover(self, newest: datetime | Exception | None = None) -> None:
        self.takeover.recover(self.journal)
        await self.tell(newest)

    async def tell(self, newest: datetime | Exception | None) -> None:
        async def newest_at() -> datetime | None:
            if isinstance(newest, Exception):
                raise newest
            return newest

        ledger: Any = SimpleNamespace(newest_at=newest_at)
        recorder: Any = SimpleNamespace(offer=self._offer)
        await self.takeover.tell(ledger, recorder)

    def sees(self, *rows: dict[str, str]) -> None:
        events = tuple(AmiEvent("CoreShowChannel", one) for one in rows)
        self.ami.answer("CoreShowChannels", AmiReply({"Response": "Success"}, events))
        self.ami.answer("Getvar", AmiReply({"Response": "Success", "Value": ""}))

    async def settled(self) -> None:
        for view in self.registry.calls():
            session = self.registry.session_of_leg(view.id)
            assert session is not None
            await session.ask(e.Event(now()))


def a_call(at: datetime, *, operator: bool = True) -> list[f.Fact]:
    caller = f"{CALL}.caller.0"
    facts: list[f.Fact] = [
        f.CallStarted(
            call_id=CALL, at=at, room=ROOM, caller_number="1", called_number="", centre="12345"
        ),
        f.LegAdded(
            call_id=CALL,
            at=at,
            leg_id=caller,
            role=f.LegRole.CALLER,
            channel=CITY,
            unique_id=CALLER,
        ),
    ]
    if operator:
        added = f.LegAdded(
            call_id=CALL,
            at=at,
            leg_id=TAP.leg_id,
            role=f.LegRole.AGENT,
            channel=OPERATORS,
            unique_id=OPERATOR,
        )
        facts += [added, f.LegAnswered(call_id=CALL, at=at, leg_id=TAP.leg_id)]
    return facts


def write(folder: Path, facts: list[f.Fact]) -> None:
    journal = Journal(folder)
    for fact in facts:
        journal.fact(fact)
    journal.close()


CALLER_ROW = {"Uniqueid": CALLER, "Channel": CITY, "Application": "Queue", "BridgeId": "b1"}
OPERATOR_ROW = {"Uniqueid": OPERATOR, "Channel": OPERATORS, "BridgeId": "b1"}


@pytest.fixture
async def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    gateway = Gateway(tmp_path)
    await gateway.ami.start()
    yield gateway
    await gateway.registry.close()
    gateway.journal.close()


@pytest.mark.parametrize("newest", [LedgerError("down"), None])
async def test_without_sql_everything_is_told_again(
    gateway: Gateway, tmp_path: Path, newest: Exception | None
) -> None:
    facts = a_call(now() - timedelta(hours=3))
    write(tmp_path, facts)
    await gateway.recover(newest)
    assert gateway.offered == facts
    assert [view.id for view in gateway.registry.calls()] == [CALL]


async def test_an_sql_that_hangs_holds_nothing_up(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a_call(now()))

    async def at_once(waiting: Any, timeout: float) -> None:
        waiting.close()
        raise TimeoutError

    monkeypatch.setattr(asyncio, "wait_for", at_once)
    await gateway.recover()
    assert len(gateway.offered) == 4


async def test_only_facts_after_the_ledgers_newest_are_told_again(
    gateway: Gateway, tmp_path: Path
) -> None:
    at = now() - timedelta(hours=1)
    old = a_call(at)
    late = f.LegJoinedRoom(call_id=CALL, at=at + timedelta(minutes=9), leg_id=TAP.leg_id)
    overlap = f.LegJoinedRoom(call_id=CALL, at=at + timedelta(minutes=8), leg_id=TAP.leg_id)
    write(tmp_path, [*old, overlap, late])
    await gateway.recover(overlap.at + timedelta(seconds=30))
    assert gateway.offered == [overlap, late]


async def test_what_was_written_later_goes_too_though_it_tells_of_an_earlier_time(
    gateway: Gateway, tmp_path: Path
) -> None:
    """The dialplan's marks are read when a gateway comes back, minutes after."""
    at = now() - timedelta(hours=1)
    recorded = f.LegJoinedRoom(call_id=CALL, at=at + timedelta(minutes=8), leg_id=TAP.leg_id)
    found = f.LegLeftRoom(call_id=CALL, at=at + timedelta(minutes=3), leg_id=TAP.leg_id)
    write(tmp_path, [*a_call(at), recorded, found])
    await gateway.recover(recorded.at)
    assert gateway.offered == [recorded, found]


async def test_what_happens_while_the_ledger_is_asked_is_not_told_twice(
    gateway: Gateway, tmp_path: Path
) -> None:
    facts = a_call(now())
    write(tmp_path, facts)
    gateway.takeover.recover(gateway.journal)
    later = f.LegJoinedRoom(call_id=CALL, leg_id=TAP.leg_id)
    gateway.registry.record(later)
    gateway.journal.close()
    await gateway.tell(None)
    assert gateway.offered == facts
    [view] = gateway.registry.calls()
    assert gateway.views == [view] * len(facts)


async def test_calls_that_ended_long_ago_are_not_taken_over(
    gateway: Gateway, tmp_path: Path
) -> None:
    at = now() - timedelta(hours=1)
    ended = f.CallEnded(call_id=CALL, at=at, reason="caller_hung_up")
    write(tmp_path, [*a_call(at), ended])
    await gateway.recover()
    assert gateway.registry.calls() == []
    assert ended in gateway.offered


async def test_calls_that_ended_just_now_can_still_be_seen(
    gateway: Gateway, tmp_path: Path
) -> None:
    ended = f.CallEnded(call_id=CALL, at=now(), reason="caller_hung_up")
    write(tmp_path, [*a_call(now()), ended])
    await gateway.recover()
    assert [view.end_reason for view in gateway.registry.calls()] == ["caller_hung_up"]


async def test_a_call_that_ended_meanwhile_is_ended(gateway: Gateway, tmp_path: Path) -> None:
    write(tmp_path, a_call(now()))
    await gateway.recover()
    gateway.sees()
    await gateway.takeover.reconcile()
    await gateway.settled()
    [view] = gateway.registry.calls()
    assert view.ended_at is not None
    assert all(leg.ended_at for leg in view.legs.values())


async def test_an_operator_who_answered_meanwhile_is_on_the_call(
    gateway: Gateway, tmp_path: Path
) -> None:
    write(tmp_path, a_call(now(), operator=False))
    await gateway.recover()
    gateway.sees(CALLER_ROW, OPERATOR_ROW)
    await gateway.takeover.reconcile()
    await gateway.settled()
    [view] = gateway.registry.calls()
    assert view.legs[TAP.leg_id].unique_id == OPERATOR
    # The call itself has asked the switch for these taps: no second ones.
    assert gateway.taps.opened == []
    taps = await gateway.switch.until(OpenTap, 2)
    assert [tap.channel for tap in taps] == [CITY, OPERATORS]


async def test_an_officer_who_came_before_the_operator_left_has_the_call(
    gateway: Gateway, tmp_path: Path
) -> None:
    leg = f"{CALL}.target.2"
    at = now()
    asked = f.TransferRequested(
        call_id=CALL,
        at=at,
        transfer_id="t1",
        transfer_kind=f.TransferKind.ONE_KEY,
        source="12345",
        target="110",
        transferor_leg=TAP.leg_id,
    )
    rings = f.TransferChanged(call_id=CALL, at=at, transfer_id="t1", state=f.TransferState.RINGING)
    write(tmp_path, [*a_call(at), asked, rings])
    await gateway.recover()
    room = {"Application": "ConfBridge", "BridgeId": "room"}
    gateway.sees(
        CALLER_ROW | room,
        {"Uniqueid": leg, "Channel": "Local/110@t-1;1"} | room,
        {"Uniqueid": f"{leg};2", "Channel": "Local/110@t-1;2", "BridgeId": "b9"},
        {"Uniqueid": "1.9", "Channel": "PJSIP/2001-00000009", "BridgeId": "b9"},
    )
    await gateway.takeover.reconcile()
    await gateway.settled()
    [view] = gateway.registry.calls()
    assert view.transfer is not None
    assert view.transfer.state is f.TransferState.COMPLETED
    assert view.ended_at is None


async def test_a_stranger_is_taken_in(gateway: Gateway) -> None:
    gateway.sees(CALLER_ROW)
    value = {"LD_CALLER": CITY, "LD_CALL": ROOM, "LD_CENTRE": "12345"}
    gateway.ami.answer(
        "Getvar", lambda headers: AmiReply({"Value": value.get(str(headers["Variable"]), "")})
    )
    await gateway.takeover.reconcile()
    await gateway.settled()
    assert [view.room for view in gateway.registry.calls()] == [ROOM]


def shows_a_stranger(gateway: Gateway) -> None:
    gateway.sees(CALLER_ROW, OPERATOR_ROW)
    value = {"LD_CALLER": CITY, "LD_CALL": ROOM, "LD_CENTRE": "12345"}
    gateway.ami.answer(
        "Getvar", lambda headers: AmiReply({"Value": value.get(str(headers["Variable"]), "")})
    )


def presses(gateway: Gateway, *, age_s: float = 0.1, ref: str = "k1") -> None:
    asked = e.Asked(now(), ask=e.Ask.TRANSFER, ref=ref, target="110", unique_id=OPERATOR)
    gateway.registry.sight(Sighting(e.KeyPressed(now(), asked, age_s), room=ROOM))


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("liandong_keys_refused_total", {"reason": reason}) or 0.0


async def test_a_key_of_an_unknown_call_finds_the_call_and_acts(gateway: Gateway) -> None:
    await gateway.recover()
    shows_a_stranger(gateway)
    presses(gateway)
    await asyncio.gather(*gateway.asks)
    await gateway.settled()
    [view] = gateway.registry.calls()
    assert [transfer.id for transfer in view.transfers] == ["k1"]


async def test_a_key_that_is_too_old_by_then_is_discarded(gateway: Gateway) -> None:
    await gateway.recover()
    shows_a_stranger(gateway)
    before = refused("late")
    presses(gateway, age_s=2.5)
    await asyncio.gather(*gateway.asks)
    await gateway.settled()
    [view] = gateway.registry.calls()
    assert view.transfers == []
    assert refused("late") == before + 1


async def test_a_key_of_no_call_at_all_is_counted(gateway: Gateway) -> None:
    gateway.sees()
    before = refused("unknown call")
    presses(gateway)
    await asyncio.gather(*gateway.asks)
    assert refused("unknown call") == before + 1


async def test_many_such_keys_ask_the_switch_once(gateway: Gateway) -> None:
    gateway.sees()
    for number in range(20):
        presses(gateway, ref=f"k{number}")
    await asyncio.gather(*gateway.asks)
    assert len(gateway.ami.actions("CoreShowChannels")) == 1


async def test_keys_ask_no_oftener_than_the_limit(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.2)
    gateway.sees()
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(3):
        presses(gateway, ref=f"k{number}")
        await asyncio.gather(*gateway.asks)
    assert loop.time() - began >= 0.4
    assert len(gateway.ami.actions("CoreShowChannels")) == 3


async def test_what_changed_while_marks_were_read_is_not_told_as_it_was(
    gateway: Gateway, tmp_path: Path
) -> None:
    write(tmp_path, a_call(now()))
    await gateway.recover()
    room = {"Application": "ConfBridge", "ApplicationData": ROOM, "BridgeId": "b1"}
    rows = [(CALLER_ROW, OPERATOR_ROW), (CALLER_ROW | room, OPERATOR_ROW | room)]
    back, in_room = (
        AmiReply({"Response": "Success"}, tuple(AmiEvent("CoreShowChannel", row) for row in both))
        for both in rows
    )
    gateway.sees()
    gateway.ami.answer("CoreShowChannels", in_room, back)
    await gateway.takeover.reconcile()
    await gateway.settled()
    assert len(gateway.ami.actions("CoreShowChannels")) == 2
    [view] = gateway.registry.calls()
    assert [leg.joined_room_at for leg in view.legs.values()] == [None, None]


async def test_a_snapshot_that_fails_is_taken_again(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", (0.0, 0.0))
    write(tmp_path, a_call(now()))
    await gateway.recover()
    nobody = AmiReply({"Response": "Success"})
    gateway.ami.answer("CoreShowChannels", SwitchTimeout("silence"), SwitchRefused("no"), nobody)
    await gateway.takeover.reconcile()
    await gateway.settled()
    assert gateway.registry.calls()[0].ended_at is not None


async def test_a_snapshot_that_never_comes_ends_nothing(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", (0.0, 0.0))
    write(tmp_path, a_call(now()))
    await gateway.recover()
    gateway.ami.answer("CoreShowChannels", SwitchTimeout("silence"))
    await gateway.takeover.reconcile()
    await gateway.settled()
    assert len(gateway.ami.actions("CoreShowChannels")) == 3
    assert gateway.registry.calls()[0].ended_at is None


async def test_a_switch_that_does_not_answer_ends_nothing(gateway: Gateway, tmp_path: Path) -> None:
    write(tmp_path, a_call(now()))
    await gateway.recover()
    gateway.ami.link(up=False)
    await gateway.takeover.reconcile()
    await gateway.settled()
    assert gateway.registry.calls()[0].ended_at is None


async def test_who_waits_for_recognition_holds_no_other_reconciliation_up(
    gateway: Gateway, tmp_path: Path
) -> None:
    write(tmp_path, a_call(now()))
    await gateway.recover()
    gateway.sees(CALLER_ROW, OPERATOR_ROW)
    gateway.taps.worker.clear()
    first = asyncio.create_task(gateway.takeover.reconcile())
    await gateway.taps.asked.wait()
    gateway.sees()
    await gateway.takeover.reconcile()
    await gateway.settled()
    assert gateway.registry.calls()[0].ended_at is not None
    gateway.taps.worker.set()
    await first


async def test_taps_that_died_with_the_gateway_are_opened_again_once(
    gateway: Gateway, tmp_path: Path
) -> None:
    write(tmp_path, a_call(now()))
    await gateway.recover()
    gateway.sees(CALLER_ROW, OPERATOR_ROW)
    await gateway.takeover.reconcile()
    assert {tap.channel for tap in gateway.taps.opened} == {CITY, OPERATORS}
    gateway.taps.opened.clear()
    await gateway.takeover.reconcile()
    assert gateway.taps.opened == []


TAPS_ROW = {
    "Uniqueid": "1.9",
    "Channel": "AudioSocket/127.0.0.1:4573-0b9c6d3e-0000-4000-8000-000000000001",
    "Application": "ChanSpy",
    "ApplicationData": f"{OPERATORS},qEoS",
}


async def test_a_tap_that_lives_on_is_kept_and_what_nobody_heard_is_a_gap(
    gateway: Gateway, tmp_path: Path
) -> None:
    at = now() - timedelta(minutes=1)
    closed = f.SpeechClosed(call_id=CALL, at=at, leg_id=f"{CALL}.caller.0")
    write(tmp_path, [*a_call(at - timedelta(minutes=1)), closed])
    await gateway.recover()
    gateway.sees(CALLER_ROW, OPERATOR_ROW, TAPS_ROW)
    await gateway.takeover.reconcile()
    assert gateway.taps.adopted == {TAP: TAPS_ROW["Channel"]}
    assert gateway.taps.lost == {f"{CALL}.caller.0": at}


def words(utterance: str, text: str) -> f.UtteranceHeard:
    """What was heard of `TAP`."""
    return f.UtteranceHeard(
        call_id=CALL,
        utterance_id=utterance,
        leg_id=TAP.leg_id,
        start_ms=0,
        end_ms=900,
        text=text,
        text_raw=" ".join(text),
        model="m",
    )


async def test_what_was_said_to_nobody_is_recorded_once(gateway: Gateway, tmp_path: Path) -> None:
    heard = words("u1", "你好")
    gap = f.GapMarked(call_id=CALL, leg_id=TAP.leg_id, start_ms=900, end_ms=950, why="stalled")
    closed = f.SpeechClosed(call_id=CALL, leg_id=TAP.leg_id)
    write(tmp_path, [*a_call(now()), heard])
    await gateway.recover()
    for _ in range(2):
        for fact in (heard, gap, closed):
            gateway.registry.record_missed(fact)
    [view] = gateway.registry.calls()
    assert (view.utterances, view.gaps) == ([heard], [gap])
    assert view.speech_closed == {TAP.leg_id}


async def test_whoever_is_heard_again_has_more_to_say(gateway: Gateway, tmp_path: Path) -> None:
    closed = f.SpeechClosed(call_id=CALL, leg_id=TAP.leg_id)
    heard = words("u2", "在")
    write(tmp_path, [*a_call(now()), closed, heard])
    await gateway.recover()
    [view] = gateway.registry.calls()
    assert view.speech_closed == set()


async def test_what_may_have_been_missed_begins_before_the_newest_that_is_known(
    gateway: Gateway, tmp_path: Path
) -> None:
    at = now() - timedelta(hours=3)
    write(tmp_path, a_call(at))
    await gateway.recover()
    assert gateway.takeover.missed_since == at - timedelta(minutes=1)
