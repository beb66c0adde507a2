"""Since when people are in a room whom nobody of ours saw come."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from calls.given import TARGET, given_talking, given_three_way

from gateway.calls import events as e
from gateway.calls.facts import TransferState
from gateway.calls.state import CallState
from gateway.clock import now
from gateway.errors import LiandongError, SwitchRefused, SwitchTimeout, SwitchUnreachable
from gateway.telephony.entered import marks_of, with_marks
from gateway.telephony.reconcile import Snapshot, missed

from .test_reconcile import (
    CALLER,
    LI,
    OFFICER,
    OFFICERS,
    OPERATOR,
    ROOM,
    SEATS,
    TARGET_FAR,
    TARGET_NAME,
    in_room,
    row,
)
from .test_strangers import Pbx

NATIVE = "Local/110@liandong-native-00000003"
BEGAN = datetime(2026, 11, 22, 8, 0, 0, 250_000, UTC)


def mark(after_s: float) -> str:
    """As ``${STRFTIME(,,%s.%3q)}`` writes it."""
    return f"{(BEGAN + timedelta(seconds=after_s)).timestamp():.3f}"


def unseen_handover() -> Snapshot:
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    local = [row(f"1.{n}", f"{NATIVE};{end}", app, room, data=ROOM) for n, end, app, room in LOCAL]
    return in_room(*local, officer)


LOCAL = [(7, 1, "ConfBridge", "room"), (8, 2, "Queue", "b9")]
Variables = Mapping[str, Mapping[str, str] | LiandongError]
MARKS: dict[str, Mapping[str, str] | LiandongError] = {
    OPERATOR: {"LD_ENTERED": mark(0)},
    CALLER: {"LD_ENTERED": mark(0.01)},
    "1.7": {"LD_ENTERED": mark(2), "LD_ASKED": mark(-0.01)},
}


async def marked(
    state: CallState,
    rows: Snapshot,
    variables: Variables,
    offset_s: float = 0.0,
) -> tuple[Snapshot, int]:
    """The rows with their moments, and how often the switch was asked."""
    pbx = Pbx(variables)
    pbx.clock_offset_s = offset_s
    await pbx.start()
    marks = await marks_of(pbx, [state], rows)
    return with_marks(rows, marks), len(pbx.actions("Getvar"))


async def test_a_handover_while_nobody_was_there_is_told_with_its_moments() -> None:
    scene = given_talking()
    rows, _ = await marked(scene.state, unseen_handover(), MARKS)
    events = missed(scene.state, rows, SEATS)
    at = [(type(one).__name__, (one.at - BEGAN).total_seconds()) for one in events]
    assert at == [
        ("Asked", -0.01),
        ("RoomJoined", 0.0),
        ("RoomJoined", 0.01),
        ("RoomJoined", 2.0),
    ]
    for event in events:
        scene.take(event)
    assert scene.history[-1] is TransferState.THREE_WAY
    assert (scene.shown.via, scene.shown.target) == ("native", "110")
    assert scene.state.agents[-1].party == LI
    assert scene.state.caller is not None
    assert scene.state.caller.in_room


async def test_an_operator_who_handed_over_and_has_gone_since_pressed_the_key() -> None:
    scene = given_talking()
    rows, _ = await marked(scene.state, unseen_handover(), MARKS)
    left = {one: row for one, row in rows.items() if one != OPERATOR}
    for event in missed(scene.state, left, SEATS):
        scene.take(event)
    scene.on(e.ChannelEnded, unique_id=OPERATOR, cause=16)
    assert scene.history[-1] is TransferState.COMPLETED
    assert scene.state.handovers == 1


async def test_of_two_who_could_have_pressed_it_was_the_one_of_that_centre() -> None:
    scene = given_three_way()
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    target = row(TARGET, TARGET_NAME, "ConfBridge", "room", data=ROOM)
    far = row(f"{TARGET};2", TARGET_FAR, "Queue", "b9")
    fire = [
        row("1.20", "Local/119@liandong-native-00000004;1", "ConfBridge", "room", data=ROOM),
        row("1.21", "Local/119@liandong-native-00000004;2", "Dial", "b10"),
        row("1.22", "PJSIP/trunk-00000005", "AppDial", "b10"),
    ]
    rows = in_room(target, far, officer, *fire)
    told = MARKS | {"1.20": {"LD_ENTERED": mark(2), "LD_PEER": "110"}}
    seen, _ = await marked(scene.state, rows, told)
    [asked] = [one for one in missed(scene.state, seen, SEATS) if isinstance(one, e.Asked)]
    leg = scene.state.leg_of(asked.unique_id)
    assert leg is not None
    assert leg.party == LI
    unknown, _ = await marked(scene.state, rows, {})
    assert not [one for one in missed(scene.state, unknown, SEATS) if isinstance(one, e.Asked)]


async def test_whoever_is_on_the_call_already_does_not_come_again() -> None:
    scene = given_talking()
    rows, _ = await marked(scene.state, unseen_handover(), MARKS)
    officer = e.AgentConnected(BEGAN, OFFICERS, OFFICER, e.Party(), in_room=True)
    scene.take(officer)
    told = missed(scene.state, rows, SEATS)
    assert {type(one).__name__ for one in told} <= {"RoomJoined"}
    assert "1.7" not in {one.unique_id for one in told if isinstance(one, e.RoomJoined)}


async def test_a_key_is_never_later_than_what_came_of_it() -> None:
    scene = given_talking()
    set_back = MARKS | {"1.7": {"LD_ENTERED": mark(2), "LD_ASKED": mark(60)}}
    rows, _ = await marked(scene.state, unseen_handover(), set_back)
    kinds = [type(one).__name__ for one in missed(scene.state, rows, SEATS)]
    assert kinds.index("Asked") < len(kinds) - 1


async def test_whom_we_know_in_the_room_nobody_asks_for() -> None:
    elsewhere = row("9.1", "PJSIP/1009-00000009", "ConfBridge", "b7", data="meeting")
    rows, asked = await marked(given_three_way().state, in_room(elsewhere), {})
    assert asked == 0
    assert rows == in_room(elsewhere)


async def test_who_has_gone_to_another_room_meanwhile_has_no_mark_for_it() -> None:
    pbx = Pbx(MARKS)
    await pbx.start()
    rows = in_room()
    marks = await marks_of(pbx, [given_talking().state], rows)
    moved = rows | {OPERATOR: replace(rows[OPERATOR], data=f"{ROOM}-consult")}
    later = with_marks(moved, marks)
    assert later[OPERATOR].entered is None
    assert later[CALLER].entered is not None


async def test_the_switchs_clock_is_not_ours_and_nobody_has_entered_in_the_future() -> None:
    state = given_talking().state
    rows, _ = await marked(state, in_room(), MARKS, offset_s=60)
    assert rows[OPERATOR].entered == BEGAN - timedelta(seconds=60)
    rows, _ = await marked(state, in_room(), {OPERATOR: {"LD_ENTERED": "99999999999"}})
    entered = rows[OPERATOR].entered
    assert entered is not None
    assert entered <= now()


async def test_nothing_happened_before_the_call_began() -> None:
    scene = given_talking()
    rows, _ = await marked(scene.state, in_room(), {OPERATOR: {"LD_ENTERED": "12.5"}})
    assert scene.state.started is not None
    assert min(one.at for one in missed(scene.state, rows, SEATS)) == scene.state.started


async def test_without_a_mark_the_moment_is_now_and_the_answer_estimated() -> None:
    gone: Variables = {OFFICER: SwitchRefused("no such channel")}
    before = now()
    officer = row(OFFICER, OFFICERS, "ConfBridge", "room", data=ROOM)
    rows, _ = await marked(given_talking().state, in_room(officer), gone)
    told = missed(given_talking().state, rows, SEATS)
    [one] = [one for one in told if isinstance(one, e.AgentConnected)]
    assert one.late
    assert one.in_room
    assert one.at >= before


async def test_a_switch_that_is_slow_to_tell_marks_is_not_waited_for() -> None:
    rows, asked = await marked(given_talking().state, in_room(), {CALLER: SwitchTimeout("late")})
    assert asked == 1
    assert rows[OPERATOR].entered is None


async def test_a_switch_that_is_gone_is_an_error() -> None:
    with pytest.raises(SwitchUnreachable):
        await marked(given_talking().state, in_room(), {CALLER: SwitchUnreachable("cut")})
