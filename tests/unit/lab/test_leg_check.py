"""The check of the leg log: what packets say of legs, and what that says of their time."""

from typing import Any

import pytest

from gateway.lab.leg_check.__main__ import agrees, last_line
from gateway.lab.leg_check.capture import EVENTS, Packet
from gateway.lab.leg_check.compare import Difference, Verdict, compare
from gateway.lab.leg_check.run import Done
from gateway.lab.leg_check.spent import Spent, spent_of
from gateway.lab.leg_check.wire import Key, WireLeg, legs_of
from gateway.lab.phones import sdp
from gateway.lab.phones.dialog import with_sdp
from gateway.lab.phones.sip_message import Headers, Message, Request, Response

PBX, PHONE, MEDIA = 5060, 40001, 41000
NUMBER = "13900000001"


def sip(method: str, status: int = 0, *, to_tag: str = "", direction: str = "") -> bytes:
    """A message of the one dialog between the PBX and the phone 1001."""
    headers = Headers([("via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx"), ("call-id", "a")])
    headers.add("from", f"<sip:{NUMBER}@127.0.0.1>;tag=p")
    headers.add("to", "<sip:1001@127.0.0.1>" + (f";tag={to_tag}" if to_tag else ""))
    headers.add("cseq", f"1 {method}")
    message: Message = Request(headers, method=method, uri="sip:1001@127.0.0.1")
    if status:
        message = Response(headers, status=status, reason="x")
    if direction:
        body = sdp.build("127.0.0.1", MEDIA, session_id=1, version=1, direction=direction)
        with_sdp(message, body)
    return message.render()


def digit(at: float, number: int, stamp: int) -> list[Packet]:
    """A key's last packets: not the end yet, then the end, three times."""
    head = bytes([0x80, EVENTS]) + b"\0\1" + stamp.to_bytes(4, "big") + b"ssrc"
    data = [head + bytes([number, flags, 0, 160]) for flags in (0x0A, 0x8A, 0x8A, 0x8A)]
    return [Packet(at + i / 1000, MEDIA, 42000, one) for i, one in enumerate(data)]


def test_a_leg_is_read_off_its_packets() -> None:
    packets = [
        Packet(1.0, PBX, PHONE, sip("INVITE")),
        Packet(1.1, PHONE, PBX, sip("INVITE", 180, to_tag="q")),
        Packet(2.0, PHONE, PBX, sip("INVITE", 200, to_tag="q", direction="sendrecv")),
        *(one for i, key in enumerate((10, 1, 1, 0)) for one in digit(3 + i / 10, key, i)),
        Packet(4.0, PHONE, PBX, sip("INVITE", to_tag="p", direction="sendonly")),
        Packet(5.0, PHONE, PBX, sip("INVITE", to_tag="p", direction="sendrecv")),
        Packet(6.0, PBX, PHONE, sip("BYE", to_tag="q")),
        Packet(6.1, PBX, PHONE, b"\r\n"),
    ]
    [leg] = legs_of(packets, PBX)
    assert (leg.user, leg.number, leg.calls_in) == ("1001", NUMBER, False)
    assert (leg.invited, leg.rang, leg.answered, leg.ended) == (1.0, 1.1, 2.0, 6.0)
    assert [(one.at, one.on) for one in leg.holds] == [(4.0, True), (5.0, False)]
    assert leg.keys == [Key(pytest.approx(3.301), "*110")]


def leg(user: str, invited: float, answered: float, ended: float, **more: Any) -> WireLeg:
    rang = invited + 0.1
    values = {"rang": rang, "answered": answered or None, "ended": ended} | more
    return WireLeg(user, NUMBER, user == "city", invited, 1, **values)


def talk(key: str, *, at_once: bool = False, answered: bool = True) -> dict[str, Spent]:
    """A call from 0 to 30: answered at 4, the key at 10, the target rung to 15; out at 20."""
    operator = leg("1001", 1, 4, 10.1 if at_once else 20, keys=[Key(10, key)])
    target = leg("2001", 10.1, 15 if answered else 0, 30 if answered else 15)
    legs = [leg("city", 0, 4, 30), operator, target]
    if not answered:
        legs.append(leg("1002", 15.1, 18, 30))
    found, vain = spent_of(legs, at_once=at_once)
    assert [(one.wait, round(one.ring, 3)) for one in vain] == ([] if answered else [(5, 4.8)])
    return {one.leg.user: one for one in found}


def times(one: Spent) -> tuple[float, ...]:
    return tuple(round(t, 3) for t in (one.rewait, one.talk, one.conference, one.hold))


def test_three_in_a_room_confer() -> None:
    found = talk("*3")
    assert {user: times(one) for user, one in found.items()} == {
        "city": (0, 6, 20, 0), "1001": (0, 6, 10, 0), "2001": (0, 0, 15, 0),
    }  # fmt: skip
    assert (found["city"].wait, found["2001"].wait) == (4, 5)
    assert found["2001"].ring == pytest.approx(4.8)


def test_a_consultation_holds_the_caller_until_the_operator_leaves() -> None:
    assert {user: times(one) for user, one in talk("*7110").items()} == {
        "city": (0, 6, 10, 10), "1001": (0, 6, 5, 5), "2001": (0, 0, 15, 0),
    }  # fmt: skip


def test_released_at_once_and_in_vain_the_caller_is_held_then_queued() -> None:
    found = talk("*110", at_once=True, answered=False)
    assert times(found["city"]) == (3, 18, 0, 5)
    assert found["1002"].role == "agent"


def logged(role: str, **more: Any) -> dict[str, Any]:
    moments = {"started_at": 0, "answered_at": 4, "ended_at": 30} | more
    stamps = {
        name: f"1970-01-01T00:00:{moments[name]:06.3f}+00:00"
        for name in ("started_at", "answered_at", "ended_at")
    }
    spent = {f"{name}_ms": 0 for name in ("wait", "rewait", "talk", "conference", "hold")}
    return spent | {"role": role, "agent": "", "estimated": False} | more | stamps


def test_the_figure_that_is_furthest_off_is_told() -> None:
    legs = [leg("city", 0, 4, 30), leg("1001", 1, 4, 30)]
    spent, vain = spent_of(legs, at_once=False)
    log = [
        logged("caller", wait_ms=4010, talk_ms=25_700),
        logged("agent", agent="a1001", talk_ms=26_000, wrap_up_ms=None),
    ]
    verdict = compare(log, spent, vain, legs)
    assert verdict.greatest
    assert (verdict.greatest.figure, verdict.greatest.ms) == ("talk", pytest.approx(300))
    assert "answered: the log has 0" in compare(log[:1], spent, vain, legs).error
    other = [log[0], log[1] | {"agent": "a1002"}]
    assert "a1002" in compare(other, spent, vain, legs).error


def test_only_figures_that_the_log_is_sure_of_count() -> None:
    worst = Difference("caller city", "wait", 4500, 4000)
    off = Verdict(1, worst)
    sure = Done("one", "talk", "110", off)
    guess = Done("one", "talk", "110", Verdict(1, worst, estimated=True))
    failed = Done("one", "talk", "110", Verdict(0, None, error="not over"))
    assert [agrees(one) for one in ([sure], [guess], [failed], [])] == [False, True, False, False]
    assert last_line([sure]) == "1 calls, 1 legs, greatest difference 500 ms"
    assert "estimated, within 500 ms" in last_line([guess])
