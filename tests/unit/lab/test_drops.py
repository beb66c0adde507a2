"""Who was dropped: synthetic records of a switch and of its phones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest

from gateway.lab.drops import PhoneLeg, drops

CITY, OPERATOR, OFFICER = "PJSIP/city-1", "PJSIP/1001-2", "PJSIP/2001-3"
Side = Literal["local", "remote"]


@dataclass(frozen=True)
class Told:
    name: str
    at: float
    headers: Mapping[str, str]

    def get(self, key: str) -> str:
        return self.headers.get(key, "")


@dataclass
class Record:
    """Times are seconds since the call began; everything is one second after what was before."""

    now: float = 0.0
    told: list[Told] = field(default_factory=list)
    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, tuple[Side, float]] = field(default_factory=dict)

    def tell(self, name: str, channel: str, **headers: str) -> None:
        self.now += 1
        own = {"Channel": channel, "Uniqueid": channel[-1]}
        self.told.append(Told(name, self.now, own | headers))

    def rings(self, channel: str) -> None:
        self.tell("Newchannel", channel)
        self.began[channel] = self.now
        self.tell("VarSet", channel, Variable="__LD_CALL", Value="ld-1")

    def talks(self, channel: str) -> None:
        self.rings(channel)
        self.tell("BridgeEnter", channel, BridgeUniqueid=f"b-{channel}")

    def hangs_up(self, channel: str) -> None:
        """The person does."""
        self.ended[channel] = ("local", self.now + 0.5)
        self.tell("HangupRequest", channel)
        self.tell("Hangup", channel)

    def pbx_ends(self, channel: str, *, request: bool = False) -> None:
        self.ended[channel] = ("remote", self.now + 0.9)
        if request:
            self.tell("HangupRequest", channel)
        self.tell("Hangup", channel)

    def held(self, name: str = "LiandongHeld") -> None:
        self.tell("UserEvent", CITY, UserEvent=name, Call="ld-1")

    def may_ring_until(self, at: float) -> None:
        self.tell("VarSet", CITY, Variable="SHARED(LD_RING_UNTIL)", Value=str(int(at)))

    def dropped(self) -> list[str]:
        legs = [
            PhoneLeg(name[6:-2], began, *self.ended.get(name, ("", float("inf"))))
            for name, began in self.began.items()
        ]
        return drops(self.told, legs)


@pytest.fixture
def call() -> Record:
    """The citizen talks to the operator."""
    call = Record()
    call.talks(CITY)
    call.tell("QueueCallerJoin", CITY)
    call.talks(OPERATOR)
    return call


def test_whoever_hangs_up_first_the_caller_is_not_dropped(call: Record) -> None:
    call.hangs_up(CITY)
    call.pbx_ends(OPERATOR)
    assert call.dropped() == []


def test_the_last_human_hangs_up(call: Record) -> None:
    call.hangs_up(OPERATOR)
    call.pbx_ends(CITY)
    assert call.dropped() == []


def test_the_callers_leg_ends_before_that_of_the_human_who_hung_up(call: Record) -> None:
    call.ended[OPERATOR] = ("local", call.now + 0.5)
    call.pbx_ends(CITY)
    call.tell("Hangup", OPERATOR)
    assert call.dropped() == []


def test_the_pbx_ends_the_caller_beside_a_human(call: Record) -> None:
    call.pbx_ends(CITY)
    call.hangs_up(OPERATOR)
    assert call.dropped() == [CITY]


@pytest.mark.parametrize("request_", [False, True])
def test_the_pbx_ends_operator_then_caller(call: Record, request_: bool) -> None:
    call.pbx_ends(OPERATOR, request=request_)
    call.pbx_ends(CITY, request=request_)
    assert call.dropped() == [CITY]


def test_the_released_operator_is_not_the_last_human(call: Record) -> None:
    call.talks(OFFICER)
    call.pbx_ends(OPERATOR)
    call.hangs_up(OFFICER)
    call.pbx_ends(CITY)
    assert call.dropped() == []


def test_the_one_who_hung_up_was_not_the_last(call: Record) -> None:
    call.talks(OFFICER)
    call.hangs_up(OPERATOR)
    call.pbx_ends(OFFICER)
    call.pbx_ends(CITY)
    assert call.dropped() == [CITY]


@pytest.mark.parametrize("how", ["LiandongHeld", "LiandongRequeued"])
def test_a_caller_who_waits_for_a_target_is_dropped(call: Record, how: str) -> None:
    call.rings(OFFICER)
    call.hangs_up(OPERATOR)
    call.held(how)
    call.pbx_ends(CITY)
    assert call.dropped() == [CITY]


def test_a_caller_back_in_the_queue_is_dropped(call: Record) -> None:
    call.hangs_up(OPERATOR)
    call.tell("QueueCallerJoin", CITY)
    call.pbx_ends(CITY)
    assert call.dropped() == [CITY]


def test_a_live_transfer_is_a_promise_even_before_the_caller_is_held(call: Record) -> None:
    call.may_ring_until(100)
    call.hangs_up(OPERATOR)
    call.pbx_ends(CITY)
    assert call.dropped() == [CITY]


def test_a_transfer_that_is_over_is_none(call: Record) -> None:
    call.may_ring_until(100)
    call.may_ring_until(0)
    call.hangs_up(OPERATOR)
    call.pbx_ends(CITY)
    assert call.dropped() == []


def test_held_once_then_served_and_ended_by_the_officer(call: Record) -> None:
    call.rings(OFFICER)
    call.hangs_up(OPERATOR)
    call.held()
    call.tell("BridgeEnter", OFFICER, BridgeUniqueid="b-7")
    call.hangs_up(OFFICER)
    call.pbx_ends(CITY)
    assert call.dropped() == []


def test_a_caller_whom_nobody_served_is_dropped() -> None:
    call = Record()
    call.rings(CITY)
    call.tell("QueueCallerJoin", CITY)
    call.rings(OPERATOR)
    call.ended[OPERATOR] = ("local", call.now)  # refused, never talked
    call.tell("Hangup", OPERATOR)
    call.pbx_ends(CITY)
    assert call.dropped() == [CITY]


def test_humans_of_another_call_do_not_count(call: Record) -> None:
    call.pbx_ends(OPERATOR)
    call.tell("Newchannel", OFFICER)
    call.began[OFFICER] = call.now
    call.tell("BridgeEnter", OFFICER, BridgeUniqueid="other")
    call.hangs_up(OFFICER)
    call.pbx_ends(CITY)
    assert call.dropped() == [CITY]


def test_without_phones_the_switchs_record_must_do(call: Record) -> None:
    call.hangs_up(OPERATOR)
    call.tell("Hangup", CITY)
    assert drops(call.told, []) == []
    call.told = [one for one in call.told if one.name != "HangupRequest"]
    assert drops(call.told, []) == [CITY]
