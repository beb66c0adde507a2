"""One AMI event at a time: what it means for a call, and what means nothing."""

import time
from typing import Any

import pytest

from gateway.calls import events as e
from gateway.calls.facts import FailureReason
from gateway.settings import SeatSettings
from gateway.telephony.ami_event import AmiEvent
from gateway.telephony.port import Sighting
from gateway.telephony.seats import Seats
from gateway.telephony.sightings import Sightings

CALL = "0197a000-0000-7000-8000-000000000001"
TARGET, FAR = f"{CALL}.target.2", f"{CALL}.target.2;2"
SEATS = [
    SeatSettings(extension="1001", endpoint="PJSIP/1001", centre="12345", agent="a1", name="张敏"),
    SeatSettings(extension="2001", endpoint="PJSIP/2001", centre="110", agent="a2", name="李强"),
]


class Ear:
    """Sightings with a clock of its own: the PBX is `offset` seconds ahead of us."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset
        self.sightings = Sightings(Seats(SEATS), clock_offset_s=lambda: self.offset)

    def of(self, name: str, **headers: str) -> list[Sighting]:
        return self.sightings.of(AmiEvent(name, {"Event": name, **headers}))

    def one(self, name: str, **headers: str) -> tuple[Any, Sighting]:
        [sighting] = self.of(name, **headers)
        return sighting.event, sighting

    def calls(self, phone: str, caller: str = FAR, channel: str = "PJSIP/2001-9") -> list[Sighting]:
        return self.of("DialBegin", Uniqueid=caller, DestUniqueid=phone, DestChannel=channel)

    def rings(self, phone: str) -> None:
        self.calls(phone)
        self.of("Newstate", Uniqueid=phone, ChannelState="5")


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_a_call_arrives(ear: Ear) -> None:
    event, sighting = ear.one(
        "UserEvent",
        UserEvent="LiandongCall",
        Channel="PJSIP/city-1",
        Uniqueid="1.1",
        Call="ld-1.1",
        Centre="12345",
        Caller="13800000001",
        Called="12345",
        Recording="ld-1.1.wav",
    )
    assert isinstance(event, e.CallArrived)
    assert (event.room, event.unique_id, event.channel) == ("ld-1.1", "1.1", "PJSIP/city-1")
    assert (event.caller_number, event.called_number, event.centre, event.recording) == (
        "13800000001",
        "12345",
        "12345",
        "ld-1.1.wav",
    )
    assert sighting.room == "ld-1.1"


@pytest.mark.parametrize(
    ("told", "handovers"), [("2", 2), ("", 0), ("100", 0), ("-1", 0), ("1 or 2", 0)]
)
def test_how_often_another_pbx_has_handed_it_over(ear: Ear, told: str, handovers: int) -> None:
    arrival = {"UserEvent": "LiandongCall", "Call": "ld-1.1", "Uniqueid": "1.1"}
    event, _ = ear.one("UserEvent", Hops=told, **arrival)
    assert event.handovers == handovers


def test_an_operator_answers_from_the_queue(ear: Ear) -> None:
    event, sighting = ear.one(
        "AgentConnect", Uniqueid="1.1", DestUniqueid="1.2", DestChannel="PJSIP/1001-00000002"
    )
    assert isinstance(event, e.AgentConnected)
    assert (event.unique_id, event.party.agent) == ("1.2", "a1")
    assert sighting.unique_id == "1.1"


def test_an_operator_answers_a_plain_dial(ear: Ear) -> None:
    event, sighting = ear.one(
        "DialEnd",
        DialStatus="ANSWER",
        Uniqueid="1.1",
        DestUniqueid="1.2",
        DestChannel="PJSIP/1001-2",
    )
    assert isinstance(event, e.AgentConnected)
    assert sighting.unique_id == "1.1"


def test_a_phone_that_is_no_seat_has_no_operator(ear: Ear) -> None:
    event, _ = ear.one("AgentConnect", Uniqueid="1.1", DestUniqueid="1.2", DestChannel="SIP/x-2")
    assert event.party == e.Party()


@pytest.mark.parametrize(("name", "on"), [("Hold", True), ("Unhold", False)])
def test_a_phones_own_hold_is_told(ear: Ear, name: str, on: bool) -> None:
    event, sighting = ear.one(name, Channel="PJSIP/1001-1", Uniqueid="1.2", MusicClass="default")
    assert (event.on, event.unique_id, sighting.unique_id) == (on, "1.2", "1.2")


@pytest.mark.parametrize("status", ["NOANSWER", "BUSY", "CANCEL", ""])
def test_a_dial_that_was_not_answered_is_no_answer(ear: Ear, status: str) -> None:
    ended = {"Uniqueid": "1.1", "DestUniqueid": "1.2", "DestChannel": "PJSIP/1001-2"}
    assert ear.of("DialEnd", DialStatus=status, **ended) == []


# --- the target's leg ------------------------------------------------------------------------


def test_a_phone_beneath_the_target_is_called_once(ear: Ear) -> None:
    [sighting] = ear.calls("1.9")
    assert isinstance(sighting.event, e.TargetTried)
    assert sighting.event.leg_id == TARGET
    assert sighting.unique_id == TARGET
    assert ear.calls("1.9") == []
    assert len(ear.calls("1.10")) == 1


LIFE = [
    ("Newstate", {"Uniqueid": "1.9", "ChannelState": "5"}),
    ("DialState", {"DestUniqueid": "1.9", "DialStatus": "PROGRESS"}),
    ("DialEnd", {"DestUniqueid": "1.9", "Uniqueid": FAR, "DialStatus": "ANSWER"}),
]


@pytest.mark.parametrize(("name", "headers"), LIFE)
def test_it_rings_with_its_first_sign_of_life(ear: Ear, name: str, headers: dict[str, str]) -> None:
    ear.calls("1.9")
    first, again = ear.of(name, **headers), ear.of(name, **headers)
    assert isinstance(first[0].event, e.TargetRinging)
    assert first[0].unique_id == TARGET
    assert not [one for one in again if isinstance(one.event, e.TargetRinging)]


def test_a_sign_of_life_that_is_told_before_the_call(ear: Ear) -> None:
    assert ear.of("Newstate", Uniqueid="1.9", ChannelState="5") == []
    assert [type(one.event) for one in ear.calls("1.9")] == [e.TargetTried, e.TargetRinging]


def test_the_local_leg_in_between_shows_no_life_of_the_phone(ear: Ear) -> None:
    ear.calls("1.9")
    assert ear.of("Newstate", Uniqueid=TARGET, ChannelState="5") == []
    assert ear.of("DialState", DestUniqueid=TARGET, DialStatus="RINGING") == []


def test_the_local_leg_itself_does_not_ring(ear: Ear) -> None:
    local = "Local/110@liandong-target-00000001;1"
    assert ear.of("DialBegin", DestUniqueid=TARGET, DestChannel=local) == []
    answered = {"DestUniqueid": TARGET, "DestChannel": local, "DialStatus": "ANSWER"}
    assert ear.of("DialEnd", **answered) == []


def test_the_queues_agent_is_a_person(ear: Ear) -> None:
    event, sighting = ear.one(
        "AgentConnect", Uniqueid=FAR, DestUniqueid="1.9", DestChannel="PJSIP/2001-9"
    )
    assert isinstance(event, e.TargetAnswered)
    assert (event.leg_id, event.unique_id, event.by_agent) == (TARGET, "1.9", True)
    assert event.party.name == "李强"
    assert sighting.unique_id == TARGET


def test_a_device_beneath_the_target_is_told_apart(ear: Ear) -> None:
    event, _ = ear.one(
        "DialEnd",
        DialStatus="ANSWER",
        Uniqueid=FAR,
        DestUniqueid="1.9",
        DestChannel="PJSIP/2001-9",
    )
    assert isinstance(event, e.TargetAnswered)
    assert not event.by_agent


def test_the_sign_of_a_person_behind_a_trunk_names_the_trunks_channel(ear: Ear) -> None:
    trunk = {"DestUniqueid": "1.9", "DestChannel": "PJSIP/police-9"}
    ear.one("DialEnd", DialStatus="ANSWER", Uniqueid=FAR, **trunk)
    event, sighting = ear.one("UserEvent", UserEvent="LiandongSigned", Uniqueid=TARGET)
    assert isinstance(event, e.TargetAnswered)
    assert (event.by_sign, event.by_agent, event.unique_id) == (True, False, "1.9")
    assert event.channel == "PJSIP/police-9"
    assert sighting.unique_id == TARGET


def test_a_sign_after_a_restart_names_the_leg_itself(ear: Ear) -> None:
    leg = "Local/110@liandong-target-00000001;1"
    event, _ = ear.one("UserEvent", UserEvent="LiandongSigned", Uniqueid=TARGET, Channel=leg)
    assert isinstance(event, e.TargetAnswered)
    assert (event.unique_id, event.channel) == (TARGET, leg)


def test_an_operators_own_one_is_no_sign(ear: Ear) -> None:
    assert ear.of("UserEvent", UserEvent="LiandongSigned", Uniqueid="1.2") == []


def test_a_target_that_is_a_phone_rings_and_answers_under_its_own_id(ear: Ear) -> None:
    [called] = ear.calls(TARGET, caller="", channel="PJSIP/2001-9")
    [ringing] = ear.of("Newstate", Uniqueid=TARGET, ChannelState="5")
    assert called.event.leg_id == ringing.event.leg_id == TARGET  # type: ignore[attr-defined]
    answered, _ = ear.one(
        "DialEnd", DialStatus="ANSWER", DestUniqueid=TARGET, DestChannel="PJSIP/2001-9"
    )
    assert (answered.leg_id, answered.unique_id) == (TARGET, TARGET)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("17", FailureReason.BUSY),
        ("21", FailureReason.REJECTED),
        ("1", FailureReason.UNREACHABLE),
        ("20", FailureReason.UNREACHABLE),
        ("34", FailureReason.UNREACHABLE),
    ],
)
def test_a_phone_refuses_once_however_often_it_is_told(
    ear: Ear, cause: str, reason: FailureReason
) -> None:
    ear.rings("1.9")
    first = ear.of("HangupRequest", Uniqueid="1.9", Cause=cause)
    then = ear.of("Hangup", Uniqueid="1.9", Cause=cause)
    refusals = [one.event for one in first + then if isinstance(one.event, e.TargetRefused)]
    assert [(one.leg_id, one.reason) for one in refusals] == [(TARGET, reason)]
    assert isinstance(then[-1].event, e.ChannelEnded)


@pytest.mark.parametrize("cause", ["0", "16", "19", "26", ""])
def test_a_phone_that_stops_ringing_has_not_refused(ear: Ear, cause: str) -> None:
    ear.rings("1.9")
    [sighting] = ear.of("Hangup", Uniqueid="1.9", Cause=cause)
    assert isinstance(sighting.event, e.ChannelEnded)


@pytest.mark.parametrize("told", [False, True], ids=["given up", "no response to INVITE"])
def test_one_that_never_said_a_word_is_not_there(ear: Ear, told: bool) -> None:
    ear.calls("1.9")
    if told:
        ear.of("HangupRequest", Uniqueid="1.9", Cause="18")
    refused, ended = ear.of("Hangup", Uniqueid="1.9", Cause="18" if told else "0")
    assert refused.event == e.TargetRefused(refused.event.at, TARGET, FailureReason.UNREACHABLE)
    assert isinstance(ended.event, e.ChannelEnded)
    [leg] = ear.of("Hangup", Uniqueid=TARGET, Cause="0")
    assert isinstance(leg.event, e.ChannelEnded)


def test_one_that_says_that_nobody_is_there_has_said_something(ear: Ear) -> None:
    """480: a remote queue that found nobody."""
    ear.calls("1.9")
    ear.of("HangupRequest", Uniqueid="1.9", Cause="19")
    [ended] = ear.of("Hangup", Uniqueid="1.9", Cause="19")
    assert isinstance(ended.event, e.ChannelEnded)


def test_a_busy_operator_of_the_callers_own_queue_refuses_no_transfer(ear: Ear) -> None:
    assert ear.calls("1.2", caller="1.1") == []
    [sighting] = ear.of("Hangup", Uniqueid="1.2", Cause="17")
    assert sighting.event == e.ChannelEnded(sighting.event.at, "1.2", 17)


def test_what_never_said_that_it_rings_is_not_there(ear: Ear) -> None:
    ear.calls("1.9")
    ear.rings("1.10")
    refused, ended = ear.of("Hangup", Uniqueid=TARGET, Cause="0")
    assert refused.event.reason is FailureReason.UNREACHABLE  # type: ignore[attr-defined]
    assert refused.unique_id == TARGET
    assert isinstance(ended.event, e.ChannelEnded)


@pytest.mark.parametrize(
    ("name", "headers"), [*LIFE, ("HangupRequest", {"Uniqueid": "1.9", "Cause": "17"})]
)
def test_what_has_said_something_is_there(ear: Ear, name: str, headers: dict[str, str]) -> None:
    ear.calls("1.9")
    ear.of(name, **headers)
    [ended] = ear.of("Hangup", Uniqueid=TARGET, Cause="0")
    assert isinstance(ended.event, e.ChannelEnded)


def test_nothing_is_kept_of_phones_that_have_ended(ear: Ear) -> None:
    ear.rings("1.9")
    ear.of("HangupRequest", Uniqueid="1.9", Cause="17")
    ear.of("Hangup", Uniqueid="1.9", Cause="17")
    assert not ear.sightings._beneath
    assert not ear.sightings._refused
    assert not ear.sightings._alerted
    assert not ear.sightings._spoke


def test_a_leg_that_was_never_made(ear: Ear) -> None:
    event, sighting = ear.one("OriginateResponse", Response="Failure", Uniqueid=TARGET)
    assert isinstance(event, e.TargetFailed)
    assert sighting.unique_id == TARGET


def test_a_leg_with_a_channel_is_told_of_by_its_hangup(ear: Ear) -> None:
    """The word that it failed may come before that of the first phone, which was busy."""
    ear.of("DialBegin", DestChannel="Local/110@liandong-target-1;1", DestUniqueid=TARGET)
    assert ear.of("OriginateResponse", Response="Failure", Uniqueid=TARGET) == []
    ended = ear.of("Hangup", Uniqueid=TARGET, Cause="19")
    assert [type(one.event) for one in ended] == [e.ChannelEnded]
    assert not ear.sightings._called


@pytest.mark.parametrize(
    "headers",
    [
        {"Response": "Success", "Uniqueid": TARGET},
        {"Response": "Failure", "Uniqueid": "<null>"},
        {"Response": "Failure"},
    ],
)
def test_other_originate_responses_mean_nothing(ear: Ear, headers: dict[str, str]) -> None:
    assert ear.of("OriginateResponse", **headers) == []


# --- rooms and ends --------------------------------------------------------------------------


def test_rooms(ear: Ear) -> None:
    event, sighting = ear.one(
        "ConfbridgeJoin", Conference="ld-1.1", Uniqueid="1.1", Channel="PJSIP/city-1"
    )
    assert event == e.RoomJoined(event.at, "1.1", "PJSIP/city-1")
    assert sighting.room == "ld-1.1"
    event, sighting = ear.one("ConfbridgeLeave", Conference="ld-1.1", Uniqueid="1.1")
    assert event == e.RoomLeft(event.at, "1.1")
    assert sighting.room == "ld-1.1"


def test_ends(ear: Ear) -> None:
    event, sighting = ear.one("HangupRequest", Uniqueid="1.1", Cause="16")
    assert event == e.HangupRequested(event.at, "1.1")
    assert sighting.unique_id == "1.1"
    event, _ = ear.one("Hangup", Uniqueid="1.1", Cause="not a number")
    assert event.cause == 0


@pytest.mark.parametrize(
    ("name", "kind"), [("LiandongHeld", e.CallerHeld), ("LiandongRequeued", e.CallerRequeued)]
)
def test_where_the_dialplan_has_the_caller(ear: Ear, name: str, kind: type[e.Event]) -> None:
    event, sighting = ear.one("UserEvent", UserEvent=name, Call="ld-1.1", Uniqueid="1.1")
    assert type(event) is kind
    assert sighting.room == "ld-1.1"


# --- keys ------------------------------------------------------------------------------------


def _key(**changes: str) -> dict[str, str]:
    return {
        "UserEvent": "LiandongKey",
        "Verb": "transfer",
        "Target": "110",
        "Call": "ld-1.1",
        "Uniqueid": "1.2",
        "Stamp": f"{time.time():.3f}",
        "Owner": "gateway",
    } | changes


def test_a_key_is_as_old_as_the_switchs_clock_says() -> None:
    ear = Ear(offset=3600.0)
    event, sighting = ear.one("UserEvent", **_key(Stamp=f"{time.time() + 3600 - 1.5:.3f}"))
    assert isinstance(event, e.KeyPressed)
    assert event.age_s == pytest.approx(1.5, abs=0.3)
    asked = event.asked
    assert (asked.ask, asked.target, asked.unique_id, asked.native) == (
        e.Ask.TRANSFER,
        "110",
        "1.2",
        False,
    )
    assert sighting.room == "ld-1.1"


def test_the_dialplans_own_press_is_marked(ear: Ear) -> None:
    event, _ = ear.one("UserEvent", **_key(Owner="native"))
    assert event.asked.native


def test_one_press_has_one_id(ear: Ear) -> None:
    key = _key()
    first, again = (ear.one("UserEvent", **key)[0].asked.ref for _ in range(2))
    other = ear.one("UserEvent", **(key | {"Verb": "back"}))[0].asked.ref
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "changes",
    [
        *({"Verb": "dial"}, {"Verb": ""}, {"Stamp": ""}, {"Stamp": "soon"}, {"Stamp": "nan"}),
        *({"Stamp": "1e308"}, {"Stamp": "-1"}, {"Target": "110,1"}, {"Target": "+8613"}),
        {"Uniqueid": ""},
    ],
)
def test_a_garbled_key_is_no_key(ear: Ear, changes: dict[str, str]) -> None:
    assert ear.of("UserEvent", **_key(**changes)) == []


# --- what is not ours ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Newchannel", "VarSet", "BridgeEnter", "FullyBooted", ""])
def test_other_events_mean_nothing(ear: Ear, name: str) -> None:
    assert ear.of(name, Uniqueid="1.1") == []


@pytest.mark.parametrize("room", ["", "ld-1.1"])
def test_an_arrival_must_say_whose_and_where(ear: Ear, room: str) -> None:
    unique_id = "" if room else "1.1"
    assert ear.of("UserEvent", UserEvent="LiandongCall", Call=room, Uniqueid=unique_id) == []


@pytest.mark.parametrize(
    "name",
    [
        "UserEvent",
        "AgentConnect",
        "DialBegin",
        "DialEnd",
        "ConfbridgeJoin",
        "ConfbridgeLeave",
        "HangupRequest",
        "Hangup",
        "OriginateResponse",
    ],
)
def test_an_event_without_its_headers_breaks_nothing(ear: Ear, name: str) -> None:
    for sighting in ear.of(name):
        assert not sighting.room


def test_a_phone_that_refuses_before_it_is_seen_to_ring_has_refused(ear: Ear) -> None:
    assert not [
        one
        for one in ear.of("HangupRequest", Uniqueid="phone-1", Cause="21")
        if isinstance(one.event, e.TargetRefused)
    ]
    seen = [one.event for one in ear.calls("phone-1")]
    assert isinstance(seen[0], e.TargetTried)
    assert isinstance(seen[1], e.TargetRefused)
    assert seen[1].reason is FailureReason.REJECTED
    later = [one.event for one in ear.of("Hangup", Uniqueid="phone-1", Cause="21")]
    assert not any(isinstance(event, e.TargetRefused) for event in later)


# --- a consultation --------------------------------------------------------------------------


def test_the_second_room_is_the_calls_too(ear: Ear) -> None:
    room = {"Conference": "ld-1.1-consult", "Uniqueid": "1.2", "Channel": "PJSIP/1001-1"}
    joined, sighting = ear.one("ConfbridgeJoin", **room)
    assert (sighting.room, joined.aside) == ("ld-1.1", True)
    left, sighting = ear.one("ConfbridgeLeave", **room)
    assert (sighting.room, left.aside) == ("ld-1.1", True)


def test_a_caller_is_put_on_hold(ear: Ear) -> None:
    event, sighting = ear.one("UserEvent", UserEvent="LiandongOnHold", Call="ld-1.1")
    assert isinstance(event, e.CallerOnHold)
    assert sighting.room == "ld-1.1"
