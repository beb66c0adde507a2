"""Whatever strangers have sent, and whoever wrote the dialplan before ours: nothing follows."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calls import events as e
from gateway.settings import SeatSettings
from gateway.telephony import untrusted as u
from gateway.telephony.ami_event import AmiEvent
from gateway.telephony.seats import Seats
from gateway.telephony.sightings import Sightings

SEATS = [
    SeatSettings(extension="1001", endpoint="PJSIP/1001", centre="12345", agent="a1", name="张敏")
]
NASTY = (
    "110\r\nOwner: gateway",
    "110\0",
    "${SHELL(id)}",
    "$[1/0]",
    "1,s,1",
    '1" | "1" = "1',
    "1^LD_CALL=x",
    "١٢٣",
    "²",
    "9" * 5000,
    "😀",
    "../../x",
    "1|2;3%0d%0a",
    "-1",
    "1e309",
    "inf",
)
ODD = "0189*#+-.,;:|^%$&{}[]()<>'\"\\ \r\n\0\t/a张é😀\u202e\ud800"
TEXT = st.one_of(st.sampled_from(NASTY), st.text(st.sampled_from(ODD), max_size=40))
NAMES = st.sampled_from(
    (
        *("UserEvent", "AgentConnect", "DialBegin", "DialEnd", "DialState", "Newstate"),
        *("ConfbridgeJoin", "ConfbridgeLeave", "HangupRequest", "Hangup", "OriginateResponse"),
    )
)
TOLD = st.sampled_from(
    ("LiandongCall", "LiandongKey", "LiandongHeld", "LiandongRequeued", "LiandongSigned", "")
)
HEADERS = st.dictionaries(
    st.sampled_from(
        (
            *("Channel", "Uniqueid", "DestChannel", "DestUniqueid", "Conference", "Call", "Centre"),
            *("Caller", "Called", "Recording", "Verb", "Target", "Stamp", "Owner", "Asker"),
            *("Cause", "DialStatus", "Response", "ChannelState", "Timestamp"),
        )
    ),
    st.one_of(TEXT, st.sampled_from(("1.1", "transfer", "17", "ANSWER", "5", "1772415000.123"))),
)


@settings(deadline=None)
@given(NAMES, TOLD, HEADERS)
def test_no_event_is_too_odd_to_be_read(name: str, told: str, headers: dict[str, str]) -> None:
    sightings = Sightings(Seats(SEATS), clock_offset_s=lambda: 0.0)
    for one in sightings.of(AmiEvent(name, {"Event": name, "UserEvent": told, **headers})):
        event = one.event
        if isinstance(event, e.CallArrived):
            assert u.room_of(event.room)
            assert set(event.caller_number + event.called_number) <= set(string.digits + "+*#")
            assert not set(event.recording) & set("/\\\r\n\0")
        if isinstance(event, e.KeyPressed):
            assert set(event.asked.target) <= set(string.digits)
        if isinstance(event, e.ChannelEnded):
            assert 0 <= event.cause < 128


@pytest.mark.parametrize("text", NASTY)
def test_what_is_no_room_stamp_target_or_cause(text: str) -> None:
    assert u.room_of(f"ld-{text}") == "" or text in ("-1", "1e309", "inf")
    assert u.file_of(text) == ""
    assert u.stamp_of(text) is None
    assert u.target_of(text) is None
    assert u.cause_of(text) == 0


def test_what_the_dialplan_itself_says_is_taken_as_it_is() -> None:
    assert u.room_of("ld-liandong-1772415000.12") == "ld-liandong-1772415000.12"
    assert u.file_of("ld-1772415000.12.wav") == "ld-1772415000.12.wav"
    assert u.number_of("+8613812341234") == "+8613812341234"
    assert u.stamp_of("1772415000.123") == 1772415000.123
    assert (u.target_of("110"), u.target_of("")) == ("110", "")
    assert u.cause_of("16") == 16


@pytest.mark.parametrize("header", ["Channel", "Uniqueid", "UserEvent", "Call"])
def test_an_event_that_names_its_channel_twice_is_nobodys(header: str) -> None:
    told = {"Uniqueid": "1.2", "Channel": "PJSIP/1001-1", "UserEvent": "LiandongHeld"}
    event = AmiEvent("UserEvent", told | {"Call": "ld-1.1"}, repeated={header: ("own", "forged")})
    sightings = Sightings(Seats(SEATS), clock_offset_s=lambda: 0.0)
    assert sightings.of(event) == []
    assert sightings.of(AmiEvent("UserEvent", told | {"Call": "ld-1.1"})) != []


OWN = {"Privilege": "call,all", "Timestamp": "1795350785.965141"}


@pytest.mark.parametrize("privilege", ["call,all", "user,all", "system,all", "agent,all"])
def test_an_event_of_the_switch(privilege: str) -> None:
    event = AmiEvent("Hangup", OWN | {"Privilege": privilege})
    assert u.is_the_switchs_own(event, stamped=True)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Privilege": "call,all"},
        {"Timestamp": "1795350785.965141"},
        OWN | {"Privilege": ""},
        OWN | {"Privilege": "all"},
        OWN | {"Timestamp": "1"},
        OWN | {"Timestamp": "1795350785"},
    ],
)
def test_an_event_that_a_stranger_has_dialled(headers: dict[str, str]) -> None:
    assert not u.is_the_switchs_own(AmiEvent("Hangup", headers), stamped=True)


def test_where_the_switch_does_not_stamp_its_events_they_are_heard() -> None:
    assert u.is_the_switchs_own(AmiEvent("Hangup", {"Privilege": "call,all"}), stamped=False)
    booted = AmiEvent("FullyBooted", {"Privilege": "system,all"})
    assert u.is_the_switchs_own(booted, stamped=True)


def test_no_number_is_long_enough_to_forge_what_is_heard() -> None:
    """AST_MAX_EXTENSION is 80 bytes with its NUL; the first digit is the pattern's."""
    shortest = (
        "1\r\n\r\nEvent: Hangup\r\nPrivilege: cc,all\r\n"
        "Timestamp: 1795350785.965141\r\nUniqueid: 1795350785.0\r\n\r\n"
    )
    assert len(shortest) > 79
