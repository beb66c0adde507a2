"""What waits for the recogniser, in virtual time."""

import pytest

from gateway.speech.inbox import LIMIT_MS, STALL_MS, Inbox
from tests.unit.speech_sounds import frames, silence

FRAME = frames(silence(20))[0]


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def talk(inbox: Inbox, clock: Clock, ms: int) -> None:
    for _ in range(ms // 20):
        clock.s += 0.02
        inbox.put(FRAME)


def test_audio_is_stamped_by_the_call_s_clock(clock: Clock) -> None:
    inbox = Inbox(3000, clock)
    talk(inbox, clock, 100)
    assert [round(chunk.call_ms) for chunk in inbox.take(1000)] == [3000, 3020, 3040, 3060, 3080]
    assert inbox.queued_ms == 0


def test_a_batch_is_at_most_what_was_asked_for(clock: Clock) -> None:
    inbox = Inbox(0, clock)
    talk(inbox, clock, 500)
    assert sum(chunk.ms for chunk in inbox.take(200)) == 200
    assert inbox.queued_ms == 300


def test_a_stall_is_a_gap_before_what_comes_after(clock: Clock) -> None:
    inbox = Inbox(0, clock)
    talk(inbox, clock, 100)
    clock.s += 1.0
    talk(inbox, clock, 40)
    assert all(chunk.gap is None for chunk in inbox.take(1000))
    after = inbox.take(1000)
    gap = after[0].gap
    assert gap is not None
    assert (round(gap.start_ms), round(gap.end_ms), gap.why) == (100, 1100, "no audio")
    assert [round(chunk.call_ms) for chunk in after] == [1100, 1120]


def test_jitter_is_no_gap(clock: Clock) -> None:
    inbox = Inbox(0, clock)
    talk(inbox, clock, 100)
    clock.s += STALL_MS / 1000 - 0.05
    for _ in range(12):
        inbox.put(FRAME)
    chunks = inbox.take(1000)
    assert [chunk.gap for chunk in chunks] == [None] * 17
    assert [round(chunk.call_ms) for chunk in chunks] == list(range(0, 340, 20))


def test_late_audio_in_a_burst_does_not_run_ahead_of_the_clock(clock: Clock) -> None:
    inbox = Inbox(0, clock)
    talk(inbox, clock, 100)
    clock.s += 3.0
    for _ in range(150):
        inbox.put(FRAME)
    assert max(chunk.call_ms for _ in range(3) for chunk in inbox.take(10_000)) < 3700


def test_the_oldest_is_dropped_and_told(clock: Clock) -> None:
    inbox = Inbox(0, clock)
    talk(inbox, clock, LIMIT_MS + 400)
    assert inbox.queued_ms == LIMIT_MS
    gap = inbox.take_dropped()
    assert gap is not None
    assert (round(gap.start_ms), round(gap.end_ms), gap.why) == (0, 400, "recognition behind")
    assert inbox.take_dropped() is None
    assert round(inbox.take(20)[0].call_ms) == 400


def test_a_stall_now(clock: Clock) -> None:
    inbox = Inbox(0, clock)
    clock.s += 1.0
    assert inbox.stalled() is None
    talk(inbox, clock, 100)
    assert inbox.stalled() is None
    clock.s += 0.5
    gap = inbox.stalled()
    assert gap is not None
    assert (round(gap.start_ms), round(gap.end_ms)) == (1100, 1600)


def test_a_slow_clock_drift_is_no_gap(clock: Clock) -> None:
    inbox = Inbox(0, clock)
    taken = []
    for _ in range(2000):
        clock.s += 0.021
        inbox.put(FRAME)
        taken += inbox.take(20)
    assert all(chunk.gap is None for chunk in taken)
    assert taken[-1].call_ms == pytest.approx(2000 * 21 - 20, abs=600)
