"""Whole transfers as Asterisk 22.10.1 told them: as they were, twice each, and out of order."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from gateway.calls import commands as c
from gateway.calls.facts import FailureReason, LegRole, TransferState
from gateway.telephony.ami_event import AmiEvent

from .transfer_replay import Replay, load

S, R = TransferState, FailureReason
START = [S.REQUESTED, S.RINGING]
HANDED_OVER = [*START, S.BRIEFING, S.THREE_WAY, S.RELEASED, S.COMPLETED]
STORIES = {
    "answered": (HANDED_OVER, None),
    "no_answer": ([*START, S.RETURNED_TO_AGENT], R.NO_ANSWER),
    "busy": ([S.REQUESTED, S.RETURNED_TO_AGENT], R.BUSY),
    "rejected": ([S.REQUESTED, S.RETURNED_TO_AGENT], R.REJECTED),
    "operator_leaves": ([*START, S.BRIEFING, S.RELEASED, S.COMPLETED], None),
    "operator_leaves_in_vain": ([*START, S.RETURNED_TO_QUEUE], R.NO_ANSWER),
}
NAMES = list(STORIES)
Start = Callable[[list[AmiEvent]], AbstractAsyncContextManager[Replay]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    return lambda events: Replay(events, tmp_path, monkeypatch)


def _told(replay: Replay) -> tuple[list[TransferState], FailureReason | None]:
    [transfer] = replay.view.transfers
    return [step.state for step in transfer.steps], transfer.steps[-1].reason


def _sound(replay: Replay) -> None:
    """What holds of every call that has ended, in whatever order it was told."""
    view, switch = replay.view, replay.switch
    caller = next(leg for leg in view.legs.values() if leg.role is LegRole.CALLER)
    # Whether the caller did it is not known where that word came after the end itself.
    assert view.end_reason in {"caller_hung_up", "switch"}
    assert caller.unique_id not in {one.unique_id for one in switch.all(c.HangUp)}
    assert len(switch.all(c.RingTarget)) == 1
    session = replay.registry.session_of_leg(view.id)
    assert session is not None
    assert session.over, [leg.id for leg in session.state.agents]
    assert replay.journal.failures == 0


@pytest.mark.parametrize("name", NAMES)
async def test_as_it_was_told(name: str, start: Start) -> None:
    events = load(name)
    async with start(events) as replay:
        await replay.play(events)
        assert _told(replay) == STORIES[name]
        _sound(replay)
        assert replay.view.end_reason == "caller_hung_up"
        assert replay.view.caller_number == "13812341234"
        assert all(leg.ended_at for leg in replay.view.legs.values())


@pytest.mark.parametrize("name", NAMES)
async def test_every_word_twice(name: str, start: Start) -> None:
    events = load(name)
    async with start(events) as replay:
        await replay.play(one for event in events for one in (event, event))
        assert _told(replay) == STORIES[name]
        _sound(replay)
        twice = [fact.kind for fact in replay.facts]
    async with start(events) as once:
        await once.play(events)
        assert twice == [fact.kind for fact in once.facts]


@pytest.mark.parametrize("name", NAMES)
async def test_the_whole_call_told_again(name: str, start: Start) -> None:
    events = load(name)
    async with start(events) as replay:
        await replay.play(events)
        facts = len(replay.facts)
        await replay.play(events)
        assert len(replay.facts) == facts
        _sound(replay)


def _heard(replay: Replay, events: list[AmiEvent]) -> list[int]:
    """Places of events that mean something to us."""
    return [index for index, event in enumerate(events) if replay.sightings.of(event)]


@pytest.mark.parametrize("name", NAMES)
async def test_any_two_neighbours_swapped(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = load(name)
    async with Replay(events, tmp_path / "scout", monkeypatch) as scout:
        places = _heard(scout, events)
    told = [events[place] for place in places]
    # The call's own beginning comes long before anything else.
    for index in range(1, len(told) - 1):
        swapped = [*told]
        swapped[index], swapped[index + 1] = told[index + 1], told[index]
        async with Replay(events, tmp_path / str(index), monkeypatch) as replay:
            await replay.play(swapped)
            _sound(replay)
            states, reason = STORIES[name]
            assert _told(replay)[0][-1] is states[-1], (told[index].name, told[index + 1].name)
            assert (_told(replay)[1] is None) is (reason is None)


async def test_the_person_at_110_is_known(start: Start) -> None:
    events = load("answered")
    async with start(events) as replay:
        await replay.play(events)
        target = replay.view.legs[replay.view.transfers[0].target_leg]
        assert (target.centre, target.agent, target.extension) == ("110", "a2001", "2001")
        [operator] = [leg for leg in replay.view.legs.values() if leg.agent == "a1001"]
        assert operator.ended_by == "gateway"
        [move] = replay.switch.all(c.MoveToRoom)
        assert move.agent == operator.unique_id
        assert operator.unique_id in {one.unique_id for one in replay.switch.all(c.HangUp)}


async def test_a_held_caller_is_fetched_when_the_person_is_there(start: Start) -> None:
    events = load("operator_leaves")
    async with start(events) as replay:
        await replay.play(events)
        assert len(replay.switch.all(c.FetchCaller)) == 1
        assert not replay.switch.all(c.RequeueCaller)


async def test_a_held_caller_is_requeued_when_nobody_came(start: Start) -> None:
    events = load("operator_leaves_in_vain")
    async with start(events) as replay:
        await replay.play(events)
        assert replay.switch.all(c.RequeueCaller)
        assert not replay.switch.all(c.FetchCaller)
        # The queue's next operator has the caller.
        assert [leg.agent for leg in replay.view.legs.values()] == ["", "a1001", "a1001"]


async def test_a_key_that_is_told_too_late_does_nothing(start: Start) -> None:
    events = load("answered")
    async with start(events) as replay:
        for event in events:
            if event.get("UserEvent") == "LiandongKey":
                late = dict(event.headers)
                late["Timestamp"] = str(float(late["Timestamp"]) + 2.5)
                await replay.play([AmiEvent(event.name, late)])
                break
            await replay.play([event])
        assert replay.view.transfers == []
