"""Calls that came in while no gateway was there."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from calls.given import LI

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.errors import LiandongError, SwitchRefused, SwitchTimeout
from gateway.settings import LinkSettings
from gateway.telephony.ami_event import AmiReply
from gateway.telephony.ami_values import Headers
from gateway.telephony.asterisk import AsteriskSwitch
from gateway.telephony.fakes import FakeAmiClient
from gateway.telephony.port import Sighting
from gateway.telephony.reconcile import ChannelSeen
from gateway.telephony.strangers import strangers

from .test_reconcile import (
    CALLER,
    CITY,
    OFFICER,
    OFFICERS,
    OPERATOR,
    OPERATORS,
    SEATS,
    in_queue_bridge,
    in_room,
    row,
    seen,
)

BEGAN = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
MARKS = {
    "LD_CALLER": CITY,
    "LD_CALL": f"ld-{CALLER}",
    "LD_CENTRE": "12345",
    "LD_NUMBER": "13800000001",
}


class Pbx(FakeAmiClient):
    """Knows the variables of channels, by unique id; the dialplan's marks are inherited."""

    def __init__(self, variables: Mapping[str, Mapping[str, str] | LiandongError]) -> None:
        super().__init__()
        self._variables = variables
        self.answer("Getvar", self._getvar)

    def _getvar(self, headers: Headers) -> AmiReply:
        known = self._variables.get(str(headers["Channel"]), {})
        if isinstance(known, LiandongError):
            raise known
        return AmiReply({"Response": "Success", "Value": known.get(str(headers["Variable"]), "")})


async def found(
    rows: Mapping[str, ChannelSeen],
    variables: Mapping[str, Mapping[str, str] | LiandongError] | None = None,
    known: set[str] | None = None,
) -> list[Sighting]:
    pbx = Pbx(variables if variables is not None else dict.fromkeys(rows, MARKS))
    await pbx.start()
    return await strangers(pbx, rows, known or set(), SEATS, "Exercise")


def kinds(sightings: list[Sighting]) -> list[str]:
    return [type(one.event).__name__ for one in sightings]


async def test_a_caller_in_the_queue() -> None:
    [one] = await found(seen(row(CALLER, CITY, "Queue")))
    assert one.room == f"ld-{CALLER}"
    assert isinstance(one.event, e.CallArrived)
    assert one.event == e.CallArrived(
        one.event.at,
        room=f"ld-{CALLER}",
        channel=CITY,
        unique_id=CALLER,
        caller_number="13800000001",
        called_number="12345",
        centre="12345",
        recording=f"ld-{CALLER}.wav",
        message_status="Exercise",
    )


async def test_a_caller_with_an_operator() -> None:
    _, one = await found(in_queue_bridge())
    assert isinstance(one.event, e.AgentConnected)
    assert (one.event.unique_id, one.event.party.agent) == (OPERATOR, "a1001")
    assert one.room == f"ld-{CALLER}"


async def test_those_in_the_room_are_in_the_room() -> None:
    sightings = await found(in_room())
    assert kinds(sightings) == ["CallArrived", "AgentConnected", "RoomJoined", "RoomJoined"]
    inside = [one.event for one in sightings if isinstance(one.event, e.RoomJoined)]
    assert [one.unique_id for one in inside] == [OPERATOR, CALLER]


async def test_an_officer_behind_a_native_local_leg() -> None:
    local = row("1.7", "Local/110@liandong-native-00000003;1", "ConfBridge", "room")
    far = row("1.8", "Local/110@liandong-native-00000003;2", "Queue", "b9")
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    sightings = await found(in_room(local, far, officer))
    assert kinds(sightings) == [
        "CallArrived", "AgentConnected", "RoomJoined", "Asked", "RoomJoined", "RoomJoined",
    ]  # fmt: skip
    asked, joined = sightings[3].event, sightings[4].event
    assert isinstance(asked, e.Asked)
    assert (asked.unique_id, asked.target, asked.native) == (OPERATOR, "110", True)
    assert isinstance(joined, e.RoomJoined)
    assert (joined.unique_id, joined.party) == ("1.7", LI)


async def test_an_officer_whose_colleague_has_gone_is_on_the_call() -> None:
    local = row("1.7", "Local/110@liandong-native-00000003;1", "ConfBridge", "room")
    far = row("1.8", "Local/110@liandong-native-00000003;2", "Queue", "b9")
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    caller = row(CALLER, CITY, "ConfBridge", "room")
    sightings = await found(seen(caller, local, far, officer))
    assert kinds(sightings) == ["CallArrived", "AgentConnected", "RoomJoined", "RoomJoined"]
    connected = sightings[1].event
    assert isinstance(connected, e.AgentConnected)
    assert (connected.unique_id, connected.in_room, connected.late) == (OFFICER, True, True)


async def test_a_call_is_told_from_its_beginning_and_its_arrival_first() -> None:
    rows = in_room()
    entered = {one: replace(rows[one], entered=BEGAN) for one in (CALLER, OPERATOR)}
    later = str((BEGAN + timedelta(seconds=9)).timestamp())
    marks = {CALLER: MARKS | {"LD_BEGAN": later}, OPERATOR: MARKS}
    assert {one.event.at for one in await found(entered, marks)} == {BEGAN + timedelta(seconds=9)}
    unmarked = await found(entered)
    assert kinds(unmarked) == ["CallArrived", "AgentConnected", "RoomJoined", "RoomJoined"]
    assert {one.event.at for one in unmarked} == {BEGAN}


async def test_a_local_leg_whose_queue_still_rings_is_nobody() -> None:
    local = row("1.7", "Local/110@liandong-native-00000003;1", "ConfBridge", "room")
    far = row("1.8", "Local/110@liandong-native-00000003;2", "Queue")
    ringing = row(OFFICER, OFFICERS, "AppQueue")
    sightings = await found(in_room(local, far, ringing))
    agents = [one.event.unique_id for one in sightings if isinstance(one.event, e.AgentConnected)]
    assert agents == [OPERATOR]


async def test_calls_we_know_are_not_asked_about() -> None:
    pbx = Pbx({CALLER: MARKS})
    await pbx.start()
    rows = seen(row(CALLER, CITY, "Queue"), row("1.9", "AudioSocket/127.0.0.1:9-1", "ChanSpy"))
    assert await strangers(pbx, rows, {CALLER}, SEATS, "Actual") == []
    assert pbx.actions("Getvar") == []


@pytest.mark.parametrize("marks", [{}, {"LD_CALLER": "PJSIP/other-1", "LD_CALL": "ld-9.9"}])
async def test_a_channel_that_is_no_caller_of_ours(marks: dict[str, str]) -> None:
    assert await found(seen(row(CALLER, CITY, "Dial")), {CALLER: marks}) == []


async def test_a_caller_without_a_room_is_no_call() -> None:
    assert await found(seen(row(CALLER, CITY)), {CALLER: {"LD_CALLER": CITY}}) == []


@pytest.mark.parametrize("error", [SwitchRefused("No such channel"), SwitchTimeout("no answer")])
async def test_one_that_is_gone_meanwhile_does_not_hide_the_next(error: LiandongError) -> None:
    second = "PJSIP/city-00000002"
    marks = MARKS | {"LD_CALLER": second, "LD_CALL": "ld-2.1"}
    rows = seen(row(CALLER, CITY, "Queue"), row("2.1", second, "Queue"))
    [one] = await found(rows, {CALLER: error, "2.1": marks})
    assert one.room == "ld-2.1"


async def test_of_a_forged_number_only_the_digits_reach_an_action() -> None:
    forged = MARKS | {"LD_NUMBER": "1\r\nAction: Command"}
    [one] = await found(seen(row(CALLER, CITY, "Queue")), {CALLER: forged})
    assert isinstance(one.event, e.CallArrived)
    pbx = Pbx({})
    await pbx.start()

    async def no_tap(_command: c.OpenTap) -> None: ...

    link = LinkSettings(source="12345", target="110", dial="Local/110@liandong-target/n")
    ring = c.RingTarget(
        ref="t1",
        leg_id="call-1.target.2",
        room=one.room,
        caller_channel=one.event.channel,
        caller_number=one.event.caller_number,
        centre=one.event.centre,
        source="12345",
        target="110",
        ring_s=30,
    )
    await AsteriskSwitch(pbx, [link], no_tap).execute(ring)
    [sent] = pbx.actions("Originate")
    assert sent.headers["CallerID"] == "1"
    assert "__LD_NUMBER=1" in sent.headers["Variable"]


@pytest.mark.parametrize("room", ["ld-1.1\r\nAction: Command", "../../etc/passwd", "ld-1.1,x"])
async def test_a_forged_room_is_no_call(room: str) -> None:
    """It would name a recording's file, too."""
    forged = MARKS | {"LD_CALL": room}
    assert await found(seen(row(CALLER, CITY, "Queue")), {CALLER: forged}) == []


async def test_a_caller_on_hold_while_an_operator_consults() -> None:
    caller = row(CALLER, CITY, "Wait", context="liandong-hold")
    data = f"ld-{CALLER}-consult,liandong_bridge"
    operator = row(OPERATOR, OPERATORS, "ConfBridge", "second", data=data)
    marks = {CALLER: MARKS | {"SHARED(LD_ASIDE)": OPERATORS}, OPERATOR: MARKS}
    arrived, connected, joined = await found(seen(caller, operator), marks)
    assert kinds([arrived, connected, joined]) == ["CallArrived", "AgentConnected", "RoomJoined"]
    assert isinstance(joined.event, e.RoomJoined)
    assert joined.event.aside
