"""What a load run makes of what it saw."""

import json

import pytest

from gateway.lab.bench.stages import Moments
from gateway.lab.load.by_call import by_room
from gateway.lab.load.level import Level
from gateway.lab.load.one import Told
from gateway.lab.load.report import Found, as_json, last_line, picture
from gateway.lab.witness import Seen

CPU = {"control": 1.4, "deliver": 0.4, "asterisk": 9.0}
IDLE = {"control": 0.01, "deliver": 0.0, "asterisk": 0.02}


def told(invite_ms: float = 9.0, gap_ms: float = 22.0) -> Told:
    moments = Moments(100.0, 100.0 + invite_ms / 1000, 101.0)
    return Told("1380", moments=moments, before_ms=21.0, gap_ms=gap_ms, heard_target=True)


def level(arm: str = "gateway", calls: int = 2, *those: Told) -> Level:
    all_told = list(those or (told() for _ in range(calls)))
    return Level(
        arm, len(all_told), all_told, took_s=40.0, cpu_s=CPU, idle=IDLE, tickets=len(all_told)
    )


def seen(name: str, **headers: str) -> Seen:
    return Seen(name, 0.0, headers)


def test_events_go_to_the_call_of_their_channel_or_their_room() -> None:
    events = [
        seen("Newchannel", Channel="PJSIP/city-1"),
        seen("Newchannel", Channel="PJSIP/city-2"),
        seen("VarSet", Channel="PJSIP/city-1", Variable="__LD_CALL", Value="ld-1"),
        seen("VarSet", Channel="PJSIP/city-2", Variable="LD_CALL", Value="ld-2"),
        seen("UserEvent", Channel="PJSIP/1001-3", UserEvent="LiandongKey", Call="ld-2"),
        seen("VarSet", Channel="Local/110@t-7;1", Variable="__LD_CALL", Value="ld-2"),
        seen("DialBegin", Channel="Local/110@t-7;2", DestChannel="PJSIP/2001-4"),
        seen("ConfbridgeJoin", Channel="PJSIP/1001-3", Conference="ld-2"),
        seen("Newchannel", Channel="PJSIP/1002-9"),
    ]
    found = by_room(events)
    assert [one.name for one in found["ld-1"]] == ["Newchannel", "VarSet"]
    assert found["ld-2"] == [events[at] for at in (1, 3, 4, 5, 6, 7)]


def test_a_call_costs_what_idling_would_not_have_cost() -> None:
    assert level().per_call_ms("control") == pytest.approx(500.0)
    assert level().per_call_ms("nobody") == 0.0


@pytest.mark.parametrize(
    "bad",
    [
        Told("1", error="up: no answer"),
        Told("1", error="end: gone", ended_by_pbx=True),
        told(gap_ms=60.1),
        Told("1", moments=Moments(1.0, 1.01), gap_ms=20.0, heard_target=False),
    ],
)
def test_one_call_that_went_wrong_is_enough(bad: Told) -> None:
    assert level().holds
    assert not level("gateway", 2, told(), bad).holds


def test_a_call_without_a_ticket_or_a_channel_left_behind_is_wrong_too() -> None:
    lost, left, native = level(), level(), level("native")
    lost.tickets -= 1
    left.left = ["PJSIP/2001-00000001"]
    native.tickets = 0
    assert [one.holds for one in (lost, left, native)] == [False, False, True]


def test_what_the_switch_saw_counts_where_phones_saw_nothing() -> None:
    dropped = level()
    dropped.dropped = ["PJSIP/city-0000000a"]
    assert dropped.callers_dropped == 1
    assert not dropped.holds


def test_the_gateways_calls_must_hold_the_others_are_to_compare_with() -> None:
    late = told(gap_ms=90.0)
    assert Found([level(), level("native", 2, late, late)]).holds
    assert not Found([level("native")]).holds
    assert not Found([level("gateway", 2, told(), late), level("native")]).holds


def test_the_report_compares_levels_of_the_same_number_of_calls() -> None:
    quick = [told(invite_ms=5.0) for _ in range(3)]
    found = Found([level(), level("gateway", 3, *quick), level("native", 3, *quick)])
    report = json.loads(json.dumps(as_json(found)))
    assert report["ok"] is True
    assert list(report["ratio_p95"]) == ["3"]
    assert report["ratio_p95"]["3"]["value"] == pytest.approx(1.0)
    assert report["levels"][0]["cpu_ms_a_call"]["control"] == pytest.approx(500.0)
    assert last_line(found).startswith("5 calls with the gateway: dropped 0, not played 0")
    assert picture(found).startswith("<svg")
