"""Each command as the AMI actions it becomes, header by header."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.calls import commands as c
from gateway.errors import SwitchError, SwitchRefused, SwitchTimeout, SwitchUnreachable, UnsafeValue
from gateway.settings import LinkSettings, PlaceSettings
from gateway.telephony.ami_event import AmiReply
from gateway.telephony.ami_values import Headers
from gateway.telephony.asterisk import AsteriskSwitch
from gateway.telephony.fakes import FakeAmiClient

LINK = LinkSettings(
    source="12345",
    target="110",
    dial="Local/110@liandong-target/n",
    ring_s=30,
    hunt=[PlaceSettings(dial="PJSIP/110@police", answered_by="device")],
)
RING = c.RingTarget(
    ref="t1",
    leg_id="call-1.target.2",
    room="ld-1.1",
    caller_channel="PJSIP/city-00000001",
    caller_number="13800000001",
    centre="12345",
    source="12345",
    target="110",
    ring_s=30.0,
)


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmiClient]:
    ami = FakeAmiClient()
    await ami.start()
    yield ami
    await ami.close()


@pytest.fixture
def taps() -> list[c.OpenTap]:
    return []


@pytest.fixture
def switch(ami: FakeAmiClient, taps: list[c.OpenTap]) -> AsteriskSwitch:
    async def open_tap(command: c.OpenTap) -> None:
        taps.append(command)

    return AsteriskSwitch(ami, [LINK], open_tap)


@pytest.fixture
async def ringing() -> AsyncIterator[FakeAmiClient]:
    ringing = FakeAmiClient()
    await ringing.start()
    yield ringing
    await ringing.close()


@pytest.fixture
def two_lines(ami: FakeAmiClient, ringing: FakeAmiClient) -> AsteriskSwitch:
    async def open_tap(command: c.OpenTap) -> None:
        del command

    return AsteriskSwitch(ami, [LINK], open_tap, ringing)


def _redirect(channel: str, context: str, exten: str) -> dict[str, str]:
    return {
        "Action": "Redirect",
        "Channel": channel,
        "Context": context,
        "Exten": exten,
        "Priority": "1",
    }


async def test_caller_and_operator_move_in_one_action(
    switch: AsteriskSwitch, ami: FakeAmiClient
) -> None:
    await switch.execute(c.MoveToRoom("t1", "1.1", "1.2"))
    [sent] = ami.sent
    assert sent.headers == _redirect("1.1", "liandong-room", "caller") | {
        "ExtraChannel": "1.2",
        "ExtraContext": "liandong-room",
        "ExtraExten": "agent",
        "ExtraPriority": "1",
    }


async def test_two_orders_given_together_go_out_in_their_order(
    switch: AsteriskSwitch, ami: FakeAmiClient
) -> None:
    """As a session gives them: a task each, none awaiting the other's answer."""
    move = asyncio.create_task(switch.execute(c.MoveToRoom("t1", "1.1", "1.2")))
    ring = asyncio.create_task(switch.execute(RING))
    await asyncio.gather(ring, move)
    assert [one.action for one in ami.sent] == ["Redirect", "Originate", "Setvar"]


async def test_a_target_is_rung_on_a_connection_of_its_own(
    two_lines: AsteriskSwitch, ami: FakeAmiClient, ringing: FakeAmiClient
) -> None:
    await asyncio.gather(
        two_lines.execute(c.MoveToRoom("t1", "1.1", "1.2")), two_lines.execute(RING)
    )
    assert [one.action for one in ami.sent] == ["Redirect", "Setvar"]
    assert [one.action for one in ringing.sent] == ["Originate"]


async def test_without_that_connection_it_is_rung_on_the_other(
    two_lines: AsteriskSwitch, ami: FakeAmiClient, ringing: FakeAmiClient
) -> None:
    ringing.link(up=False)
    await two_lines.execute(RING)
    ringing.link(up=True)
    ringing.answer("Originate", SwitchUnreachable("lost; nothing was sent"))
    await two_lines.execute(replace(RING, leg_id="call-1.target.3"))
    rung = [one.get("ChannelId") for one in ami.actions("Originate")]
    assert rung == ["call-1.target.2", "call-1.target.3"]


async def test_an_order_to_ring_of_unknown_outcome_is_not_given_twice(
    two_lines: AsteriskSwitch, ami: FakeAmiClient, ringing: FakeAmiClient
) -> None:
    ringing.answer("Originate", SwitchTimeout("unknown"))
    with pytest.raises(SwitchTimeout):
        await two_lines.execute(RING)
    assert not ami.actions("Originate")


async def test_a_ring_is_not_ended_before_it_was_ordered(
    two_lines: AsteriskSwitch,
    ami: FakeAmiClient,
    ringing: FakeAmiClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted = asyncio.Event()

    async def slow(action: str, headers: Headers) -> AmiReply:
        assert (action, headers["ChannelId"]) == ("Originate", RING.leg_id)
        await accepted.wait()
        return AmiReply({"Response": "Success"})

    monkeypatch.setattr(ringing, "send", slow)
    ring = asyncio.create_task(two_lines.execute(RING))
    over = asyncio.create_task(two_lines.execute(c.HangUp("t1", RING.leg_id)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not ami.actions("Hangup")
    accepted.set()
    await asyncio.gather(ring, over)
    assert ami.actions("Hangup")


async def test_the_target_is_rung_before_the_move_is_answered(
    switch: AsteriskSwitch, ami: FakeAmiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, send = asyncio.Event(), ami.send

    async def slow_redirect(action: str, headers: Headers) -> AmiReply:
        reply = await send(action, headers)
        if action == "Redirect":
            await answered.wait()
        return reply

    monkeypatch.setattr(ami, "send", slow_redirect)
    move = asyncio.create_task(switch.execute(c.MoveToRoom("t1", "1.1", "1.2")))
    await asyncio.create_task(switch.execute(RING))
    assert [one.action for one in ami.sent] == ["Redirect", "Originate", "Setvar"]
    assert not move.done()
    answered.set()
    await move


@pytest.mark.parametrize(
    ("command", "caller", "agent"),
    [
        (c.MoveAside("t1", "1.1", "1.2"), ("liandong-hold", "s"), ("liandong-room", "consult")),
        (
            c.MoveToRoom("t1", "1.1", "1.2", back=True),
            ("liandong-room", "back"),
            ("liandong-room", "agent"),
        ),
    ],
)
async def test_two_are_moved_in_one_action(
    switch: AsteriskSwitch,
    ami: FakeAmiClient,
    command: c.SwitchCommand,
    caller: tuple[str, str],
    agent: tuple[str, str],
) -> None:
    await switch.execute(command)
    [sent] = ami.actions("Redirect")
    names = ("Channel", "Context", "Exten", "Priority")
    first = {name: sent.headers[name] for name in names} | {"Action": "Redirect"}
    second = {name: sent.headers[f"Extra{name}"] for name in names} | {"Action": "Redirect"}
    assert first == _redirect("1.1", *caller)
    assert second == _redirect("1.2", *agent)


async def test_whom_an_operator_consults_is_rung_into_the_second_room(
    switch: AsteriskSwitch, ami: FakeAmiClient
) -> None:
    await switch.execute(replace(RING, aside=True))
    [sent] = ami.actions("Originate")
    assert sent.headers["Exten"] == "consulted"


@pytest.mark.parametrize(
    ("command", "context", "exten"),
    [
        (c.FetchCaller("t1", "1.1"), "liandong-room", "rejoin"),
        (c.HoldCaller("t1", "1.1"), "liandong-alone", "s"),
        (c.RequeueCaller("t1", "1.1", "12345"), "liandong-requeue", "12345"),
    ],
)
async def test_where_the_caller_is_taken(
    switch: AsteriskSwitch, ami: FakeAmiClient, command: c.SwitchCommand, context: str, exten: str
) -> None:
    await switch.execute(command)
    assert [one.headers for one in ami.sent] == [_redirect("1.1", context, exten)]


async def test_a_caller_is_marked_as_rung_for_before_they_are_held(
    switch: AsteriskSwitch, ami: FakeAmiClient
) -> None:
    await switch.execute(c.HoldCaller("t1", "1.1", 30.0))
    marked, moved = ami.sent
    assert marked.headers["Variable"] == "SHARED(LD_RING_UNTIL)"
    assert float(marked.headers["Value"]) >= time.time() + 30
    assert moved.headers == _redirect("1.1", "liandong-alone", "s")


async def test_a_target_is_rung_into_the_room(switch: AsteriskSwitch, ami: FakeAmiClient) -> None:
    await switch.execute(RING)
    [sent] = ami.actions("Originate")
    variables = sent.headers["Variable"]
    assert {key: value for key, value in sent.headers.items() if key != "Variable"} == {
        "Action": "Originate",
        "Channel": "Local/110@liandong-target/n",
        "ChannelId": "call-1.target.2",
        "Context": "liandong-room",
        "Exten": "target",
        "Priority": "1",
        "Timeout": "30000",
        "CallerID": "13800000001",
        "Async": "true",
    }
    assert set(variables) >= {
        "__LD_CALL=ld-1.1",
        "__LD_CALLER=PJSIP/city-00000001",
        "__LD_NUMBER=13800000001",
        "__LD_CENTRE=12345",
        "__LD_PEER=12345",
    }


async def test_the_dialplan_is_told_how_long_it_rings_by_the_switchs_clock(
    switch: AsteriskSwitch, ami: FakeAmiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.telephony.asterisk.time.time", lambda: 1000.0)
    ami.clock_offset_s = 500.0
    await switch.execute(RING)
    [sent] = ami.actions("Setvar")
    assert sent.headers == {
        "Action": "Setvar",
        "Channel": "PJSIP/city-00000001",
        "Variable": "SHARED(LD_RING_UNTIL)",
        "Value": "1531",
    }


async def test_a_mark_that_cannot_be_set_is_no_refusal_to_ring(
    switch: AsteriskSwitch, ami: FakeAmiClient
) -> None:
    ami.answer("Setvar", SwitchRefused("No such channel"))
    await switch.execute(RING)
    assert len(ami.actions("Originate")) == 1


@pytest.mark.parametrize("error", [SwitchRefused("no"), SwitchTimeout("silence")])
async def test_a_ring_that_fails_says_how(
    switch: AsteriskSwitch, ami: FakeAmiClient, error: SwitchError
) -> None:
    ami.answer("Originate", error)
    with pytest.raises(type(error)):
        await switch.execute(RING)


async def test_no_link_no_ring(switch: AsteriskSwitch, ami: FakeAmiClient) -> None:
    with pytest.raises(SwitchRefused, match="no link from 12345 to 119"):
        await switch.execute(replace(RING, target="119"))
    assert ami.sent == []


async def test_hang_up_is_an_ordinary_clearing(switch: AsteriskSwitch, ami: FakeAmiClient) -> None:
    await switch.execute(c.HangUp("call-1.target.2", "call-1.target.2"))
    [sent] = ami.sent
    assert sent.headers == {"Action": "Hangup", "Channel": "call-1.target.2", "Cause": "16"}


async def test_forgetting_clears_the_mark(switch: AsteriskSwitch, ami: FakeAmiClient) -> None:
    await switch.execute(c.ForgetRinging("call-1", "1.1"))
    [sent] = ami.sent
    assert (sent.get("Variable"), sent.get("Value")) == ("SHARED(LD_RING_UNTIL)", "0")


async def test_taps_are_opened_by_their_opener(
    switch: AsteriskSwitch, ami: FakeAmiClient, taps: list[c.OpenTap]
) -> None:
    tap = c.OpenTap("call-1.caller.0", "PJSIP/city-00000001")
    await switch.execute(tap)
    assert taps == [tap]
    assert ami.sent == []


@pytest.mark.parametrize("forged", ["138\r\nAction: Originate", "138\n", "138\r", "138\0"])
@pytest.mark.parametrize("where", ["caller_number", "caller_channel", "room", "centre"])
async def test_nothing_a_caller_sends_becomes_a_header(
    switch: AsteriskSwitch, ami: FakeAmiClient, forged: str, where: str
) -> None:
    with pytest.raises(UnsafeValue):
        await switch.execute(replace(RING, **{where: forged}))  # type: ignore[arg-type]
    assert ami.actions("Originate") == []
    assert all("\n" not in str(one.headers) for one in ami.sent)


@pytest.mark.parametrize(
    "command",
    [
        c.MoveToRoom("t1", "1.1", "1.2"),
        RING,
        c.HangUp("x", "1.2"),
        c.FetchCaller("t1", "1.1"),
        c.RequeueCaller("t1", "1.1", "12345"),
    ],
)
async def test_without_a_connection_nothing_is_sent_and_that_is_said(
    switch: AsteriskSwitch, ami: FakeAmiClient, command: c.SwitchCommand
) -> None:
    ami.link(up=False)
    with pytest.raises(SwitchUnreachable):
        await switch.execute(command)
    assert ami.sent == []


@pytest.mark.parametrize("field", ["caller_number", "caller_channel", "room"])
async def test_no_value_sets_a_second_variable(
    switch: AsteriskSwitch, ami: FakeAmiClient, field: str
) -> None:
    forged = {field: "138,LD_CENTRE=110"}
    with pytest.raises(UnsafeValue):
        await switch.execute(replace(RING, **forged))  # type: ignore[arg-type]
    assert ami.sent == []


async def test_a_further_place_is_rung_by_its_own_dial_string(
    switch: AsteriskSwitch, ami: FakeAmiClient
) -> None:
    await switch.execute(replace(RING, place=1))
    [originate] = [one for one in ami.sent if one.headers["Action"] == "Originate"]
    assert originate.headers["Channel"] == "PJSIP/110@police"


async def test_an_announcement_goes_to_one_ear(switch: AsteriskSwitch, ami: FakeAmiClient) -> None:
    await switch.execute(c.Tell("t1", "PJSIP/1001-00000002", "designation-asked"))
    [sent] = ami.actions("Originate")
    assert (sent.get("Channel"), sent.get("Context"), sent.get("Exten")) == (
        "Local/say@liandong-tell/n",
        "liandong-tell",
        "ear",
    )
    assert sent.headers["Variable"] == ["LD_EAR=PJSIP/1001-00000002", "__LD_SAY=designation-asked"]
