"""The fuzzer's judge sees what it must, and its texts are what they say."""

import random
from dataclasses import dataclass, field

import pytest

from gateway.lab.fuzz import payloads as p
from gateway.lab.fuzz import tally as t
from gateway.lab.phones.sip_message import Headers, Request


@dataclass
class Event:
    name: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str:
        return self.headers.get(key, "")


def channel(name: str) -> Event:
    return Event("Newchannel", {"Channel": name})


@pytest.mark.parametrize(
    "name",
    [
        "PJSIP/1001-0000002a",
        "Local/110@liandong-target-00000001;1",
        "Local/12345@liandong-native-0000000f;2",
        "Local/say@liandong-tell-00000001;2",
        "AudioSocket/127.0.0.1:40123-0f0e0d0c-0000-4000-8000-000000000001",
        "CBAnn/ld-lab-1772415000.12-00000001;1",
    ],
)
def test_channels_of_the_plan(name: str) -> None:
    assert t.unplanned([channel(name)]) == []


@pytest.mark.parametrize(
    "name",
    [
        "PJSIP/carrier-00000001",
        "PJSIP/anonymous-00000001",
        "Local/00861234567@from-seats-00000001;1",
        "Local/s@liandong-queue-110-00000001;1",
        "Local/00861234567@liandong-target-00000001;1",
        "AudioSocket/10.0.0.1:1-x",
        "",
    ],
)
def test_any_other_channel_is_seen(name: str) -> None:
    assert t.unplanned([channel(name)]) == [name]


def test_a_dialplan_that_runs_a_program_is_seen() -> None:
    ran = Event("Newexten", {"Application": "System", "Channel": "PJSIP/city-1"})
    assert t.unplanned([ran, Event("Newexten", {"Application": "Set"})]) == [
        "System on PJSIP/city-1"
    ]


def test_what_was_made_of_a_text_is_seen() -> None:
    events = [
        Event(p.MARK),
        Event("UserEvent", {"Exten": "9", p.MARK: "yes"}),
        Event("VarSet", {"Variable": f"__{p.MARK}", "Value": "1"}),
        Event("VarSet", {"Variable": "LD_TO", "Value": p.MARK}),
        Event("Newchannel", {"CallerIDName": f"1,{p.MARK}: yes"}),
    ]
    assert [one.partition(":")[0] for one in t.forged(events)] == [p.MARK, "UserEvent"]
    assert t.injected(events) == [f"__{p.MARK}"]


def test_a_call_that_is_forged_fits_into_a_number() -> None:
    assert len("9" + p.CALL_FORGED) <= 79


@pytest.mark.parametrize(
    ("log", "many"),
    [
        ("10:00 [warning] key refused why=illegal", 0),
        ("Traceback (most recent call last):\n  File", 1),
        ("10:00 [error] ami-event-handler-failed\nexception: builtins.ValueError", 1),
        ("Task exception was never retrieved", 1),
    ],
)
def test_unhandled_exceptions_in_a_log(log: str, many: int) -> None:
    assert t.troubles(log) == many


def good() -> t.Tally:
    return t.Tally(batches=[t.Batch("refer", 3, ring_ms=40.0)], grown_mib={"control": 2.0})


def test_all_is_well() -> None:
    assert good().holds(ring_limit_ms=1000, grow_limit_mib=96)
    assert "outside calls 0" in good().last_line()


@pytest.mark.parametrize(
    "wrong",
    [
        {"outside": 1},
        {"unplanned": ["x"]},
        {"injected": ["x"]},
        {"heard": 1},
        {"dropped": 1},
        {"troubles": 1},
        {"restarted": ["control"]},
        {"grown_mib": {"control": 500.0}},
        {"batches": []},
        {"batches": [t.Batch("refer", ring_ms=0.0)]},
        {"batches": [t.Batch("refer", ring_ms=2000.0)]},
        {"batches": [t.Batch("refer", ring_ms=40.0, silent=["x"])]},
    ],
)
def test_each_thing_that_must_not_be(wrong: dict[str, object]) -> None:
    tally = good()
    for name, value in wrong.items():
        setattr(tally, name, value)
    assert not tally.holds(ring_limit_ms=1000, grow_limit_mib=96)


def test_the_same_seed_sends_the_same() -> None:
    def sent(seed: int) -> list[object]:
        rng = random.Random(seed)
        return [*p.texts(rng, 60), *p.datagrams(rng, 50, "h:1")]

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)


def test_a_user_part_is_ascii_and_keeps_every_byte() -> None:
    written = p.user_part("张\r\n\0\udcff1,s")
    assert written.isascii()
    assert written == "%e5%bc%a0%0d%0a%00%ff1,s"


def test_a_phone_can_send_bytes_that_are_no_utf8() -> None:
    request = Request(Headers([("x-text", "a\udcff\udcfeb")]), method="INVITE", uri="sip:1@h")
    assert b"X-Text: a\xff\xfeb\r\n" in request.render()
