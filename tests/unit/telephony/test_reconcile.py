"""What a gateway that was away reads off the switch's list of channels."""

import pytest
from calls.given import (
    CALLER,
    CALLER_LEG,
    LI,
    OFFICER,
    OPERATOR,
    OPERATOR_LEG,
    TARGET,
    ZHANG,
    Scene,
    given_call_waiting,
    given_early_answer,
    given_handed_over,
    given_held,
    given_ringing_consult,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    rules,
)

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import TransferState
from gateway.calls.state import CallState
from gateway.errors import SwitchTimeout
from gateway.settings import SeatSettings
from gateway.telephony.ami_event import AmiEvent, AmiReply
from gateway.telephony.fakes import FakeAmiClient
from gateway.telephony.reconcile import ChannelSeen, Snapshot, missed, snapshot, untapped
from gateway.telephony.seats import Seats

SEATS = Seats(
    SeatSettings(
        extension=party.extension,
        endpoint=f"PJSIP/{party.extension}",
        centre=party.centre,
        agent=party.agent,
        name=party.name,
    )
    for party in (ZHANG, LI)
)
CITY, OPERATORS, OFFICERS = "PJSIP/city-00000001", "PJSIP/1001-00000002", "PJSIP/2001-00000009"
TARGET_NAME = "Local/110@liandong-target-00000001;1"
TARGET_FAR = "Local/110@liandong-target-00000001;2"
ROOM = f"ld-{CALLER}"


def row(
    unique_id: str, channel: str, application: str = "", bridge: str = "", **more: str
) -> ChannelSeen:
    return ChannelSeen(unique_id, channel, application, more.pop("context", ""), bridge, **more)


def seen(*rows: ChannelSeen) -> Snapshot:
    return {one.unique_id: one for one in rows}


def in_queue_bridge(*more: ChannelSeen) -> Snapshot:
    caller = row(CALLER, CITY, "Queue", "b1")
    return seen(caller, row(OPERATOR, OPERATORS, "AppQueue", "b1"), *more)


def in_room(*more: ChannelSeen) -> Snapshot:
    caller = row(CALLER, CITY, "ConfBridge", "room", data=ROOM)
    return seen(caller, row(OPERATOR, OPERATORS, "ConfBridge", "room", data=ROOM), *more)


def kinds(events: list[e.Event]) -> list[str]:
    return [type(one).__name__ for one in events]


def catch_up(scene: Scene, rows: Snapshot) -> list[e.Event]:
    """Let the call take what it has missed; returns that."""
    events = missed(scene.state, rows, SEATS)
    for event in events:
        scene.take(event)
    return events


# --- snapshot ---------------------------------------------------------------------------------


async def the_snapshot(*events: AmiEvent) -> Snapshot:
    ami = FakeAmiClient()
    await ami.start()
    ami.answer("CoreShowChannels", AmiReply({"Response": "Success"}, events))
    return await snapshot(ami)


async def test_a_snapshot_has_every_channel_by_its_unique_id() -> None:
    told = {
        "Uniqueid": "1.1",
        "Channel": CITY,
        "Application": "ConfBridge",
        "Context": "liandong-room",
        "BridgeId": "b-1",
        "ApplicationData": (data := "ld-1.1,liandong_bridge"),
    }
    found = await the_snapshot(AmiEvent("CoreShowChannel", told))
    assert found == {"1.1": ChannelSeen("1.1", CITY, "ConfBridge", "liandong-room", "b-1", data)}


async def test_only_rows_of_the_list_count() -> None:
    stray = AmiEvent("Newchannel", {"Uniqueid": "9.9", "Channel": "PJSIP/x-1"})
    done = AmiEvent("CoreShowChannelsComplete", {"ListItems": "0"})
    assert await the_snapshot(stray, done) == {}


async def test_a_tap_says_to_whom_it_listens() -> None:
    told = {"Uniqueid": "1.5", "Channel": "AudioSocket/127.0.0.1:9-1", "Application": "ChanSpy"}
    spy = AmiEvent("CoreShowChannel", told | {"ApplicationData": f"{CITY},qEoS"})
    assert (await the_snapshot(spy))["1.5"].spied == CITY


async def test_a_switch_that_does_not_answer_is_an_error() -> None:
    ami = FakeAmiClient()
    await ami.start()
    ami.answer("CoreShowChannels", SwitchTimeout("no answer"))
    with pytest.raises(SwitchTimeout):
        await snapshot(ami)


# --- missed -----------------------------------------------------------------------------------


def test_nothing_was_missed_where_all_is_as_we_knew() -> None:
    assert missed(given_talking().state, in_queue_bridge(), SEATS) == []
    target = row(TARGET, TARGET_NAME, "ConfBridge", "room")
    far = row(f"{TARGET}.2", TARGET_FAR, "Queue", "b9")
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    state = given_three_way().state
    assert missed(state, in_room(target, far, officer), SEATS) == []


def test_channels_that_are_gone_are_told_elsewhere() -> None:
    assert missed(given_ringing_transfer().state, {}, SEATS) == []


def test_a_move_into_the_room_was_missed() -> None:
    scene = given_talking()
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    assert kinds(catch_up(scene, in_room())) == ["RoomJoined", "RoomJoined"]
    assert scene.state.caller is not None
    assert scene.state.caller.in_room


def test_a_leaving_of_the_room_was_missed() -> None:
    scene = given_handed_over()
    alone = row(CALLER, CITY, "Wait", context="liandong-alone")
    events = catch_up(scene, seen(alone, row(TARGET, TARGET_NAME, "ConfBridge", "room")))
    assert kinds(events) == ["RoomLeft", "CallerHeld"]
    assert scene.state.caller is not None
    assert not scene.state.caller.in_room


def test_a_held_caller_is_told_once() -> None:
    held = seen(row(CALLER, CITY, "Wait", context="liandong-alone"))
    assert missed(given_held().state, held, SEATS) == []


def test_a_queues_own_answer_is_no_person() -> None:
    scene = given_ringing_transfer()
    target = row(TARGET, TARGET_NAME, "ConfBridge", "room")
    far = row(f"{TARGET};2", TARGET_FAR, "Queue")
    assert kinds(catch_up(scene, in_room(target, far))) == ["RoomJoined"]
    assert scene.transfer.joined
    assert not scene.transfer.answered


def test_a_person_who_answered_at_the_target_was_missed() -> None:
    scene = given_early_answer()
    target = row(TARGET, TARGET_NAME, "ConfBridge", "room")
    far = row(f"{TARGET};2", TARGET_FAR, "Queue", "b9")
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    events = catch_up(scene, in_room(target, far, officer))
    assert kinds(events) == ["RoomJoined", "TargetAnswered"]
    assert scene.history[-1] is TransferState.THREE_WAY
    assert scene.state.agents[-1].party == LI


@pytest.mark.parametrize("answered_by", ["device", "agent"])
def test_a_phone_rung_directly_has_answered_once_it_is_in_the_room(answered_by: str) -> None:
    scene = given_ringing_transfer(rules(answered_by=answered_by))
    catch_up(scene, in_room(row(TARGET, OFFICERS, "ConfBridge", "room")))
    assert scene.transfer.answered is (answered_by == "device")


def test_an_operator_who_answered_unseen_is_on_the_call() -> None:
    scene = given_call_waiting()
    assert kinds(catch_up(scene, in_queue_bridge())) == ["AgentConnected"]
    [leg] = scene.state.agents
    assert (leg.id, leg.unique_id, leg.party) == (OPERATOR_LEG, OPERATOR, ZHANG)
    assert missed(scene.state, in_queue_bridge(), SEATS) == []


def test_an_operator_found_in_the_room_is_in_the_room() -> None:
    scene = given_call_waiting()
    events = catch_up(scene, in_room())
    assert kinds(events) == ["RoomJoined", "AgentConnected", "RoomJoined"]
    assert scene.state.agents[0].in_room


def test_other_peoples_bridges_are_not_ours() -> None:
    others = [row("2.1", "PJSIP/city-00000009", "Queue", "b2"), row("2.2", OFFICERS, "", "b2")]
    waiting = seen(row(CALLER, CITY, "Queue"), *others)
    assert missed(given_call_waiting().state, waiting, SEATS) == []
    no_bridge = seen(row(CALLER, CITY, "Queue"), row("3.1", OFFICERS, "Wait"))
    assert missed(given_call_waiting().state, no_bridge, SEATS) == []


def test_a_native_target_that_came_in_unseen_is_adopted() -> None:
    scene = given_talking()
    scene.asks(e.Ask.TRANSFER, OPERATOR, native=True)
    local = row("1.7", "Local/110@liandong-native-00000003;1", "ConfBridge", "room")
    catch_up(scene, in_room(local))
    assert scene.history[-1] is TransferState.THREE_WAY
    assert [leg.unique_id for leg in scene.state.agents] == [OPERATOR, "1.7"]
    far = row("1.8", "Local/110@liandong-native-00000003;2", "Queue", "b9")
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    assert missed(scene.state, in_room(local, far, officer), SEATS) == []


def test_a_person_behind_a_native_target_of_an_unseen_press_is_on_the_call() -> None:
    scene = given_talking()
    local = row("1.7", "Local/110@liandong-native-00000003;1", "ConfBridge", "room")
    far = row("1.8", "Local/110@liandong-native-00000003;2", "Queue", "b9")
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    catch_up(scene, in_room(local, far, officer))
    assert [leg.party for leg in scene.state.agents] == [ZHANG, LI]


# --- taps -------------------------------------------------------------------------------------


def taps(state: CallState, rows: Snapshot) -> list[c.OpenTap]:
    return sorted(untapped(state, rows), key=lambda tap: tap.leg_id)


def test_every_speaker_to_whom_nobody_listens_is_tapped() -> None:
    wanted = [c.OpenTap(OPERATOR_LEG, OPERATORS), c.OpenTap(CALLER_LEG, CITY)]
    assert taps(given_talking().state, in_queue_bridge()) == wanted


def test_a_tap_that_lives_is_left_alone() -> None:
    tap = row("1.5", "AudioSocket/127.0.0.1:9-1", "ChanSpy", data=f"{CITY},qEoS")
    assert taps(given_talking().state, in_queue_bridge(tap)) == [c.OpenTap(OPERATOR_LEG, OPERATORS)]


def test_nobody_listens_to_a_caller_who_waits() -> None:
    assert taps(given_call_waiting().state, seen(row(CALLER, CITY, "Queue"))) == []


def test_a_channel_that_is_gone_is_not_tapped() -> None:
    only_caller = seen(row(CALLER, CITY, "Queue"))
    assert taps(given_talking().state, only_caller) == [c.OpenTap(CALLER_LEG, CITY)]


def test_a_transfers_officer_is_tapped_at_the_phone() -> None:
    state = given_three_way().state
    phone = row(OFFICER, OFFICERS, "AppQueue", "b9")
    target = row(TARGET, TARGET_NAME, "ConfBridge", "room")
    assert c.OpenTap(TARGET, OFFICERS) in taps(state, in_room(target, phone))


# --- a consultation --------------------------------------------------------------------------

SECOND = "ld-1.1-consult,liandong_bridge,liandong_agent"


def in_second_room(*more: ChannelSeen) -> Snapshot:
    caller = row(CALLER, CITY, "Wait", context="liandong-hold")
    return seen(caller, row(OPERATOR, OPERATORS, "ConfBridge", "second", data=SECOND), *more)


def test_a_consultation_that_the_dialplan_began_is_taken_up() -> None:
    scene = given_talking()
    events = catch_up(scene, in_second_room(row("7.7", OFFICERS, "ConfBridge", "second")))
    assert kinds(events) == ["RoomJoined", "Asked", "CallerOnHold", "RoomJoined"]
    assert scene.history[-1] is TransferState.CONSULTING
    assert (scene.shown.via, scene.shown.target) == ("native", "110")
    assert scene.all(c.MoveToRoom) == []


def test_a_consultation_that_went_on_unseen_is_the_same() -> None:
    scene = given_ringing_consult()
    target = row(TARGET, TARGET_NAME, "ConfBridge", "second", data=SECOND)
    far = row(f"{TARGET};2", TARGET_FAR, "AppQueue", "b9")
    rows = in_second_room(target, far, row(OFFICER, OFFICERS, "AppQueue", "b9"))
    assert kinds(catch_up(scene, rows)) == ["RoomJoined", "TargetAnswered"]
    assert scene.history[-1] is TransferState.CONSULTING
    assert catch_up(scene, rows) == []


def test_an_operator_who_has_come_back_unseen_has_the_caller() -> None:
    scene = given_ringing_consult()
    catch_up(scene, in_room())
    assert scene.state.caller is not None
    assert scene.state.caller.in_room
    assert not scene.state.on_hold
