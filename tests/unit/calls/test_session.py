"""The actor of a call with a switch that refuses, hangs or lies, and takers that fail."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import FailureReason, TransferState
from gateway.calls.journal import Journal
from gateway.calls.session import Session, Tools
from gateway.calls.view import CallView
from gateway.clock import now
from gateway.errors import (
    CallNotFound,
    SwitchRefused,
    SwitchTimeout,
    SwitchUnreachable,
    UnsafeValue,
)
from gateway.settings import LinkSettings
from gateway.telephony.ami_event import AmiReply
from gateway.telephony.ami_values import Headers
from gateway.telephony.asterisk import AsteriskSwitch
from gateway.telephony.fakes import FakeAmiClient, FakeSwitch

from .given import CALL, CALLER, OPERATOR, ROOM, ZHANG, rules


class Desk:
    """A session with all it works with; `facts` is what its listener heard."""

    def __init__(self, folder: Path, asterisk: AsteriskSwitch | None = None) -> None:
        self.folder = folder
        self.switch = FakeSwitch()
        self.journal = Journal(folder)
        self.facts: list[f.Fact] = []
        self.broken: set[str] = set()
        self.news = asyncio.Event()
        self.in_control = True
        tools = Tools(
            asterisk or self.switch,
            self.journal,
            self._hear,
            rules(),
            in_control=lambda: self.in_control,
        )
        self.session = Session(CALL, tools)
        self.session.start()

    def _hear(self, fact: f.Fact, view: CallView) -> None:
        assert view is self.session.view
        self.facts.append(fact)
        self.news.set()
        if fact.kind in self.broken:
            raise RuntimeError("this listener cannot take it")

    async def on(self, kind: type[e.Event], **fields: Any) -> None:
        await self.session.ask(kind(now(), **fields))

    async def settled(self) -> None:
        """Every command that was begun has ended, and its end has been taken."""
        while self.session._doing:
            await asyncio.gather(*self.session._doing)
        await self.session.ask(e.Event(now()))

    async def talking(self) -> None:
        await self.on(
            e.CallArrived,
            room=ROOM,
            channel="PJSIP/city-00000001",
            unique_id=CALLER,
            caller_number="13800000001",
            called_number="12345",
            centre="12345",
        )
        await self.on(
            e.AgentConnected, channel="PJSIP/1001-00000002", unique_id=OPERATOR, party=ZHANG
        )

    async def key(self, *, age_s: float = 0.0, native: bool = False, ref: str = "t1") -> None:
        asked = e.Asked(
            now(), ask=e.Ask.TRANSFER, ref=ref, target="110", unique_id=OPERATOR, native=native
        )
        await self.on(e.KeyPressed, asked=asked, age_s=age_s)

    def journalled(self) -> list[str]:
        """Commands and kinds of facts in the journal, in order."""
        self.journal.close()
        text = "".join(path.read_text("utf-8") for path in self.folder.iterdir())
        lines = [json.loads(line) for line in text.splitlines()]
        return [line.get("do") or line["kind"] for line in lines]

    @property
    def state(self) -> TransferState:
        assert self.session.view.transfer is not None
        return self.session.view.transfer.state


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    await desk.session.stop()
    desk.journal.close()


async def test_intent_is_in_the_journal_before_the_switch_is_told(desk: Desk) -> None:
    await desk.talking()
    await desk.settled()
    told: list[bytes] = []
    execute = desk.switch.execute

    async def look_first(command: c.SwitchCommand) -> None:
        told.append(b"".join(path.read_bytes() for path in desk.folder.iterdir()))
        await execute(command)

    desk.switch.execute = look_first  # type: ignore[method-assign]
    await desk.key()
    await desk.switch.until(c.MoveToRoom)
    assert b'"do": "MoveToRoom"' in told[0]


async def test_one_key_goes_from_move_to_ring(desk: Desk) -> None:
    await desk.talking()
    await desk.key()
    [ring] = await desk.switch.until(c.RingTarget)
    assert ring.target == "110"
    kinds = [type(one).__name__ for one in desk.switch.executed]
    assert kinds == ["OpenTap", "OpenTap", "MoveToRoom", "RingTarget"]
    assert desk.journalled()[-2:] == ["MoveToRoom", "RingTarget"]


@pytest.mark.parametrize(
    "error", [SwitchRefused("no"), SwitchUnreachable("down"), UnsafeValue("CR")]
)
async def test_nothing_rings_when_the_move_is_not_even_sent(desk: Desk, error: Exception) -> None:
    desk.switch.fail(c.MoveToRoom, error)
    await desk.talking()
    await desk.key()
    await desk.settled()
    assert desk.state is TransferState.RETURNED_TO_AGENT
    assert desk.session.view.transfers[0].steps[-1].reason is FailureReason.SWITCH_ERROR
    assert not desk.switch.all(c.RingTarget)


async def test_the_target_rings_while_the_move_is_still_unanswered(desk: Desk) -> None:
    desk.switch.hang(c.MoveToRoom)
    await desk.talking()
    await desk.key()
    await desk.switch.until(c.RingTarget)
    assert [type(one) for one in desk.switch.executed[-2:]] == [c.MoveToRoom, c.RingTarget]


async def test_a_move_refused_when_it_rings_already_drops_the_target(desk: Desk) -> None:
    desk.switch.hang(c.MoveToRoom)
    await desk.talking()
    await desk.key()
    [ring] = await desk.switch.until(c.RingTarget)
    desk.switch.fail(c.MoveToRoom, SwitchRefused("no such channel"))
    desk.switch.resume(c.MoveToRoom)
    [dropped] = await desk.switch.until(c.HangUp)
    assert dropped.unique_id == ring.leg_id
    assert desk.state is TransferState.RETURNED_TO_AGENT


async def test_a_refused_move_keeps_no_later_press_from_ringing(desk: Desk) -> None:
    desk.switch.fail(c.MoveToRoom, SwitchUnreachable("down"))
    await desk.talking()
    await desk.key()
    await desk.settled()
    desk.switch.fail(c.MoveToRoom, None)
    await desk.key(ref="t2")
    [ring] = await desk.switch.until(c.RingTarget)
    assert ring.ref == "t2"


@pytest.mark.parametrize("error", [SwitchTimeout("silence"), RuntimeError("a bug of ours")])
async def test_an_unknown_outcome_is_not_tried_again(desk: Desk, error: Exception) -> None:
    desk.switch.fail(c.RingTarget, error)
    await desk.talking()
    await desk.key()
    await desk.switch.until(c.RingTarget)
    await desk.settled()
    assert desk.state is TransferState.REQUESTED
    assert len(desk.switch.all(c.RingTarget)) == 1


async def test_a_switch_that_hangs_does_not_hold_the_call(desk: Desk) -> None:
    desk.switch.hang(c.MoveToRoom)
    await desk.talking()
    await desk.key()
    await desk.switch.until(c.MoveToRoom)
    await desk.on(e.HangupRequested, unique_id=CALLER)
    await desk.on(e.ChannelEnded, unique_id=CALLER, cause=16)
    assert desk.state is TransferState.CALLER_GONE
    [ring] = desk.switch.all(c.RingTarget)
    [dropped] = await desk.switch.until(c.HangUp)
    assert dropped.unique_id == ring.leg_id
    desk.switch.resume(c.MoveToRoom)
    await desk.settled()
    assert len(desk.switch.all(c.RingTarget)) == 1


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("liandong_keys_refused_total", {"reason": reason}) or 0.0


async def test_a_key_of_a_leg_that_is_not_there_is_counted(desk: Desk) -> None:
    before = refused("unknown leg")
    await desk.key()
    assert refused("unknown leg") == before + 1


async def test_a_key_that_does_not_fit_is_counted_but_not_the_same_press_again(desk: Desk) -> None:
    await desk.talking()
    before = refused("illegal")
    await desk.key()
    await desk.key()
    assert refused("illegal") == before
    await desk.key(ref="t2")
    assert refused("illegal") == before + 1
    assert len(desk.session.view.transfers) == 1


async def test_a_native_press_is_the_dialplans_own_affair(desk: Desk) -> None:
    before = refused("unknown leg")
    await desk.key(native=True)
    assert refused("unknown leg") == before


async def test_a_late_key_is_discarded_and_counted(desk: Desk) -> None:
    await desk.talking()
    before = refused("late")
    await desk.key(age_s=2.1)
    assert desk.session.late_keys == 1
    assert refused("late") == before + 1
    assert desk.session.view.transfers == []
    await desk.key(age_s=1.9)
    assert len(desk.session.view.transfers) == 1


async def test_a_native_press_is_news_at_any_age(desk: Desk) -> None:
    await desk.talking()
    await desk.key(age_s=60, native=True)
    assert desk.session.view.transfers[0].via == "native"
    assert not desk.switch.all(c.MoveToRoom)


@pytest.mark.parametrize("kind", ["transfer.requested", "leg.added", "call.started"])
async def test_a_listener_that_fails_does_not_keep_the_target_from_ringing(
    desk: Desk, kind: str
) -> None:
    desk.broken.add(kind)
    await desk.talking()
    await desk.key()
    await desk.switch.until(c.RingTarget)


async def test_one_bad_event_does_not_kill_the_actor(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.talking()

    def explode(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("gateway.calls.session.step", explode)
        await desk.key()
    await desk.key()
    await desk.switch.until(c.MoveToRoom)


async def test_deadlines_pass_by_the_clock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.calls.transfer.MOVE_WITHIN_S", 0.02)
    desk.switch.hang(c.MoveToRoom)
    await desk.talking()
    await desk.key()
    async with asyncio.timeout(5):
        while desk.state is not TransferState.RETURNED_TO_AGENT:
            await desk.news.wait()
            desk.news.clear()
    assert desk.session.view.transfers[0].steps[-1].reason is FailureReason.SWITCH_ERROR


async def test_a_deadline_waits_until_we_are_in_control(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.calls.transfer.MOVE_WITHIN_S", 0.0)
    monkeypatch.setattr("gateway.calls.session._DEADLINE_AGAIN_S", 0.001)
    looked = asyncio.Event()
    desk.switch.hang(c.MoveToRoom)
    await desk.talking()
    desk.in_control = False
    passes = desk.session._pass
    monkeypatch.setattr(desk.session, "_pass", lambda *key: (looked.set(), passes(*key)))
    await desk.key()
    await asyncio.wait_for(looked.wait(), 5)
    assert desk.state is not TransferState.RETURNED_TO_AGENT
    desk.in_control = True
    async with asyncio.timeout(5):
        while desk.state is not TransferState.RETURNED_TO_AGENT:
            await desk.news.wait()
            desk.news.clear()


async def test_whoever_asks_a_stopped_session_is_told(desk: Desk) -> None:
    await desk.session.stop()
    with pytest.raises(CallNotFound):
        await desk.talking()


async def test_stopping_in_the_middle_leaves_no_task(desk: Desk) -> None:
    desk.switch.hang(c.MoveToRoom)
    await desk.talking()
    await desk.key()
    await desk.switch.until(c.MoveToRoom)
    before = {task.get_name() for task in asyncio.all_tasks()}
    assert f"call-{CALL}" in before
    await desk.session.stop()
    assert f"call-{CALL}" not in {task.get_name() for task in asyncio.all_tasks()}
    assert not desk.session._armed


async def test_facts_of_other_parts_reach_view_journal_and_listener(desk: Desk) -> None:
    fact = f.SpeechClosed(call_id=CALL, leg_id=f"{CALL}.caller.0")
    desk.session.record(fact)
    assert desk.session.view.speech_closed == {fact.leg_id}
    assert desk.facts == [fact]
    assert desk.journalled() == ["speech.closed"]


async def test_a_session_is_over_when_its_last_leg_is_gone(desk: Desk) -> None:
    await desk.talking()
    await desk.on(e.ChannelEnded, unique_id=CALLER, cause=16)
    assert not desk.session.over
    await desk.on(e.ChannelEnded, unique_id=OPERATOR, cause=16)
    assert desk.session.over


# --- down to the wire -------------------------------------------------------------------------


async def _no_tap(_command: c.OpenTap) -> None:
    return None


class Wire(Desk):
    """A desk whose session speaks to an AMI connection."""

    def __init__(self, folder: Path) -> None:
        self.ami = FakeAmiClient()
        link = LinkSettings(source="12345", target="110", dial="Local/110@liandong-target/n")
        super().__init__(folder, AsteriskSwitch(self.ami, [link], _no_tap))

    def sent(self) -> list[str]:
        return [one.action for one in self.ami.sent]


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    wire = Wire(tmp_path)
    await wire.ami.start()
    await wire.talking()
    yield wire
    await wire.session.stop()
    await wire.ami.close()
    wire.journal.close()


async def test_the_redirect_goes_out_first_and_the_originate_right_behind(wire: Wire) -> None:
    await wire.key()
    await wire.settled()
    assert wire.sent() == ["Redirect", "Originate", "Setvar"]


async def test_a_redirect_refused_at_once_is_followed_by_nothing_that_rings(wire: Wire) -> None:
    wire.ami.answer("Redirect", SwitchRefused("Channel does not exist"))
    await wire.key()
    await wire.settled()
    assert wire.state is TransferState.RETURNED_TO_AGENT
    assert "Originate" not in wire.sent()


async def test_a_connection_that_comes_back_between_the_two_rings_nobody(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.ami.link(up=False)
    send = wire.ami.send

    async def back_after_this(action: str, headers: Headers) -> AmiReply:
        try:
            return await send(action, headers)
        finally:
            wire.ami.link(up=True)

    monkeypatch.setattr(wire.ami, "send", back_after_this)
    await wire.key()
    await wire.settled()
    assert wire.state is TransferState.RETURNED_TO_AGENT
    assert "Redirect" not in wire.sent()
    assert "Originate" not in wire.sent()


async def test_without_a_connection_a_press_sends_nothing(wire: Wire) -> None:
    wire.ami.link(up=False)
    await wire.key()
    await wire.settled()
    assert wire.state is TransferState.RETURNED_TO_AGENT
    assert wire.sent() == []
