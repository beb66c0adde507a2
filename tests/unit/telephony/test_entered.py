"""Since when people are in a room whom nobody of ours saw come."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from calls.given import given_talking, given_three_way

from gateway.calls import events as e
from gateway.calls.facts import TransferState
from gateway.calls.state import CallState
from gateway.clock import now
from gateway.errors import LiandongError, SwitchRefused
from gateway.telephony.entered import with_entered
from gateway.telephony.reconcile import Snapshot, missed

from .test_reconcile import CALLER, LI, OFFICER, OFFICERS, OPERATOR, SEATS, in_room, row
from .test_strangers import Pbx

NATIVE = "Local/110@liandong-native-00000003"
BEGAN = datetime(2026, 11, 22, 8, 0, 0, 250_000, UTC)


def mark(after_s: float) -> str:
    """As ``${STRFTIME(,,%s.%3q)}`` writes it."""
    return f"{(BEGAN + timedelta(seconds=after_s)).timestamp():.3f}"


def unseen_handover() -> Snapshot:
    officer = row(OFFICER, OFFICERS, "AppQueue", "b9")
    local = [row(f"1.{n}", f"{NATIVE};{end}", app, room) for n, end, app, room in LOCAL]
    return in_room(*local, officer)


LOCAL = [(7, 1, "ConfBridge", "room"), (8, 2, "Queue", "b9")]
MARKS: dict[str, Mapping[str, str] | LiandongError] = {
    OPERATOR: {"LD_ENTERED": mark(0)},
    CALLER: {"LD_ENTERED": mark(0.01)},
    "1.7": {"LD_ENTERED": mark(2), "LD_ASKED": mark(-0.01)},
}


async def marked(
    state: CallState,
    rows: Snapshot,
    variables: Mapping[str, Mapping[str, str] | LiandongError],
    offset_s: float = 0.0,
) -> tuple[Snapshot, int]:
    """The rows with their moments, and how often the switch was asked."""
    pbx = Pbx(variables)
    pbx.clock_offset_s = offset_s
    await pbx.start()
    return await with_entered(pbx, [state], rows), len(pbx.actions("Getvar"))


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


async def test_whom_we_know_in_the_room_nobody_asks_for() -> None:
    rows, asked = await marked(given_three_way().state, in_room(), {})
    assert asked == 0
    assert rows == in_room()


async def test_the_switchs_clock_is_not_ours_and_nobody_has_entered_in_the_future() -> None:
    state = given_talking().state
    rows, _ = await marked(state, in_room(), MARKS, offset_s=60)
    assert rows[OPERATOR].entered == BEGAN - timedelta(seconds=60)
    ahead: dict[str, Mapping[str, str] | LiandongError] = {OPERATOR: {"LD_ENTERED": "99999999999"}}
    rows, _ = await marked(state, in_room(), ahead)
    entered = rows[OPERATOR].entered
    assert entered is not None
    assert entered <= now()


async def test_without_a_mark_the_moment_is_now_and_the_answer_estimated() -> None:
    gone: dict[str, Mapping[str, str] | LiandongError] = {"1.7": SwitchRefused("no such channel")}
    before = now()
    officer = row(OFFICER, OFFICERS, "ConfBridge", "room")
    rows, _ = await marked(given_talking().state, in_room(officer), gone)
    connected = [
        one
        for one in missed(given_talking().state, rows, SEATS)
        if isinstance(one, e.AgentConnected)
    ]
    [one] = connected
    assert one.late
    assert one.in_room
    assert one.at >= before
