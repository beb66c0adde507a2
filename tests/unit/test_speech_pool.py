"""Recognisers on loan: the warmest first, old ones made anew, idle ones let go."""

from gateway.speech.fakes import FakeEngine
from gateway.speech.pool import Pool
from tests.unit.speech_sounds import silence


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_the_one_used_last_is_lent_first() -> None:
    pool = Pool(FakeEngine(), recycle_s=600)
    first, second = pool.take(), pool.take()
    pool.give(first)
    pool.give(second)
    assert pool.take() is second
    assert pool.take() is first


def test_an_old_one_is_made_anew() -> None:
    engine = FakeEngine()
    pool = Pool(engine, recycle_s=1.0)
    for made in (1, 1, 2):
        lent = pool.take()
        lent.accept(silence(600), 600)
        pool.give(lent)
        assert engine.made == made


def test_what_is_idle_for_long_is_let_go() -> None:
    engine, clock = FakeEngine(), Clock()
    pool = Pool(engine, recycle_s=600, clock=clock)
    lent = [pool.take() for _ in range(5)]
    for one in lent:
        pool.give(one)
    clock.s = 200.0
    busy = pool.take()
    pool.give(busy)
    assert pool.take() is busy
    pool.take()
    assert engine.made == 6


def test_one_that_failed_is_never_lent_again() -> None:
    engine = FakeEngine()
    pool = Pool(engine, recycle_s=600)
    pool.lose(pool.take())
    pool.take()
    assert engine.made == 2
