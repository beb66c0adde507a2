"""Values, events, clock and backoff of the AMI client, and the fake that stands in for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SwitchTimeout, SwitchUnreachable, UnsafeValue
from gateway.telephony.ami_client import backoff_s
from gateway.telephony.ami_event import AmiEvent, AmiReply, event_of
from gateway.telephony.ami_heartbeat import SwitchClock
from gateway.telephony.ami_link import Everything
from gateway.telephony.ami_port import Ami
from gateway.telephony.ami_values import MAX_LINE, checked, variable
from gateway.telephony.fakes import FakeAmiClient


@given(st.text())
def test_what_passes_is_one_line_that_the_switch_keeps(value):
    try:
        (_, passed) = checked("Setvar", {"Value": value}).values()
    except UnsafeValue:
        assert set(value) & set("\r\n\0") or len(value.encode()) > MAX_LINE - len("Value: ")
    else:
        line = f"Value: {passed}".encode()
        assert len(line) <= MAX_LINE
        assert not set(line) & {0, 10, 13}


@given(st.text(max_size=40))
def test_a_variable_sets_itself_and_no_other(value):
    try:
        header = variable("LD_NUMBER", value)
    except UnsafeValue:
        assert set(value) & set(',"\\\r\n\0')
    else:
        assert header == f"LD_NUMBER={value}"
        assert "," not in header


@pytest.mark.parametrize("name", ["", "A B", "A=B", "A,B", "A\r\nX", "1A"])
def test_a_variable_must_be_named_like_one(name):
    with pytest.raises(UnsafeValue):
        variable(name, "1")


@pytest.mark.parametrize("name", ["LD_CALL", "__LD_CALL", "CALLERID(num)", "CDR_PROP(disable)"])
def test_inherited_variables_and_functions_may_be_set(name):
    assert variable(name, "1") == f"{name}=1"


def test_repeated_headers_keep_every_value_and_the_last_wins():
    event = event_of({"Event": "Hangup", "ChanVariable": ["a=1", "b=2"], "content": ""})
    assert event.get("ChanVariable") == "b=2"
    assert event.all("ChanVariable") == ("a=1", "b=2")
    assert event.all("Event") == ("Hangup",)
    assert event.all("content") == ()
    assert event.get("chanvariable", "no") == "no", "case-sensitive, as the switch sends"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({"Timestamp": "1795315324.5"}, 1795315324.5), ({}, None), ({"Timestamp": "soon"}, None)],
)
def test_timestamp_is_the_switches_or_none(headers, expected):
    assert AmiEvent("Hangup", headers).timestamp == expected


def test_repr_shows_nobody():
    event = AmiEvent("Newchannel", {"CallerIDNum": "13800000001"})
    assert "Newchannel" in repr(event)
    assert "138" not in repr(event) + repr(AmiReply({"Value": "13800000001"}))


def test_the_switchs_clock_is_told_by_the_quickest_ping():
    clock = SwitchClock()
    assert clock.ahead_s is None
    clock.add(sent=100.0, answered=101.0, theirs=160.9)
    clock.add(sent=200.0, answered=200.002, theirs=260.001)
    assert clock.ahead_s == pytest.approx(60.0)


def test_the_switchs_clock_is_followed_at_once_when_it_is_set():
    clock = SwitchClock()
    for second in range(11):
        step = 0.0 if second < 10 else 5.0
        clock.add(second, second + 0.001, second + 0.0005 + step)
    assert clock.ahead_s == pytest.approx(5.0)


def test_backoff_grows_to_a_limit_and_is_spread():
    first = {backoff_s(0) for _ in range(50)}
    assert len(first) > 1
    assert 0.1 <= min(first) <= max(first) <= 0.2
    assert max(backoff_s(10_000) for _ in range(50)) <= 5.0
    assert min(backoff_s(10_000) for _ in range(50)) >= 2.5


def test_every_action_may_be_forgotten():
    assert "originate" in Everything()


async def test_the_fake_answers_keeps_and_fails_as_told():
    events, links = [], []
    fake = FakeAmiClient(on_event=events.append, on_link=links.append)
    ami: Ami = fake
    with pytest.raises(SwitchUnreachable):
        await ami.send("Ping")
    await ami.start()
    fake.answer("Originate", SwitchTimeout("unknown"), AmiReply({"Response": "Success"}))
    with pytest.raises(SwitchTimeout):
        await ami.send("Originate", {"Channel": "Local/1", "Variable": ["A=1", "B=2"]})
    assert (await ami.send("Originate")).get("Response") == "Success"
    assert fake.actions("Originate")[0].get("Variable") == "B=2"
    with pytest.raises(UnsafeValue):
        await ami.send("Setvar", {"Value": "1\r\nAction: Originate"})
    emitted = fake.emit("Hangup", {"Cause": "16"})
    await ami.close()
    assert (events, links) == ([emitted], [True, False])
