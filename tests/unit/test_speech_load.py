"""Who is admitted: by what was measured, and never when those there are late. Virtual time."""

import pytest

from gateway.speech.load import FEW, LATE_S, Load


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


class Threads:
    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.busy_s = 0.0
        self.oldest: float | None = None


@pytest.fixture
def clock() -> Clock:
    return Clock()


def load_of(threads: Threads, clock: Clock, most: int = 0, cost: float = 0.03) -> Load:
    return Load(threads, most=most, decode_cost=cost, clock=clock)


def test_at_first_the_speed_of_the_engine_decides(clock: Clock) -> None:
    assert load_of(Threads(), clock).limit == 42
    assert load_of(Threads(2), clock).limit == 85
    assert load_of(Threads(), clock, cost=0.06).limit == 22


def test_until_the_engine_is_measured_little_is_promised(clock: Clock) -> None:
    load = Load(Threads(2), most=0, clock=clock)
    assert load.limit == 27
    load.measured(0.03)
    assert load.limit == 85


def test_the_admin_may_set_less_but_not_more(clock: Clock) -> None:
    assert load_of(Threads(), clock, most=10).limit == 10
    assert load_of(Threads(), clock, most=500).limit == 42


def test_there_is_room_for_one_even_on_a_slow_machine(clock: Clock) -> None:
    assert load_of(Threads(), clock, cost=5.0).limit == 1


def test_room_is_what_is_left(clock: Clock) -> None:
    load = load_of(Threads(), clock, most=10)
    assert [load.room(streams) for streams in (0, 9, 10, 11)] == [10, 1, 0, 0]


def test_then_the_work_that_was_measured_decides(clock: Clock) -> None:
    threads = Threads()
    load = load_of(threads, clock)
    for _ in range(30):
        clock.s += 1
        threads.busy_s += 0.4
        load.tick(10)
    assert load.limit == 21


def test_legs_that_are_silent_so_far_are_not_believed_altogether(clock: Clock) -> None:
    load = load_of(Threads(), clock)
    for _ in range(30):
        clock.s += 1
        load.tick(10)
    assert load.limit == 85


def test_no_one_is_admitted_while_those_there_are_late(clock: Clock) -> None:
    load = load_of(Threads(), clock)
    for _ in range(90):
        load.note(0.1)
    assert load.room(FEW) > 0
    for _ in range(10):
        load.note(LATE_S + 0.1)
    assert load.room(FEW) == 0
    clock.s += 6
    assert load.room(FEW) > 0, "what was late has passed"


def test_both_speakers_of_a_call_are_heard_however_busy_others_keep_the_machine(
    clock: Clock,
) -> None:
    load = load_of(Threads(), clock)
    load.note(LATE_S + 0.1)
    assert [load.room(streams) for streams in range(FEW + 2)] == [4, 3, 2, 1, 0, 0]
    assert load_of(Threads(), clock, most=1).room(1) == 0


def test_work_that_does_not_end_is_late_too(clock: Clock) -> None:
    threads = Threads()
    load = load_of(threads, clock)
    threads.oldest = clock.s
    assert load.room(FEW) > 0
    clock.s += LATE_S + 0.1
    assert load.room(FEW) == 0


def test_words_are_shown_as_they_are_spoken_while_it_is_easy(clock: Clock) -> None:
    load = load_of(Threads(), clock)
    assert load.easy
    load.tick(20)
    assert load.easy
    load.tick(21)
    assert not load.easy
    load.tick(10)
    assert load.easy
    load.note(LATE_S / 2 + 0.1)
    load.tick(10)
    assert not load.easy
