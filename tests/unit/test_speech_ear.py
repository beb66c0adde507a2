"""One leg's recogniser: end-pointing of our own, renewal, and what a crash leaves behind."""

import pytest

from gateway.speech.ear import Ear, Said
from gateway.speech.fakes import FakeEngine
from tests.unit.speech_sounds import frames, silence, voice

TURN = voice(600) + silence(800)


def hear(ear: Ear, pcm: bytes) -> list[Said]:
    """Return the finals."""
    heard = [ear.hear(batch) for batch in frames(pcm, 100)]
    return [said for said in heard if said is not None and said.final]


def test_a_turn_is_final_after_half_a_second() -> None:
    ear = Ear(FakeEngine(), recycle_s=600)
    heard = [ear.hear(batch) for batch in frames(TURN, 100)]
    at = next(i for i, said in enumerate(heard, 1) if said is not None and said.final)
    assert at * 100 == 1100
    final = heard[at - 1]
    assert final is not None
    assert (final.text, final.onset_ms, final.end_ms) == ("好 好 好 好 好 好", 0, 600)


def test_times_go_on_over_a_renewal() -> None:
    engine = FakeEngine()
    ear = Ear(engine, recycle_s=1.0)
    finals = hear(ear, TURN * 3)
    assert engine.made == 4, "one at first, and one after each final"
    assert [round(said.words[0][1]) for said in finals] == [0, 1400, 2800]
    assert [said.end_ms for said in finals] == [600, 2000, 3400]


def test_nothing_is_renewed_before_its_time() -> None:
    engine = FakeEngine()
    assert len(hear(Ear(engine, recycle_s=600), TURN * 3)) == 3
    assert engine.made == 1


def test_what_is_left_is_said_at_the_end() -> None:
    ear = Ear(FakeEngine(), recycle_s=600)
    assert hear(ear, voice(300)) == []
    said = ear.finish()
    assert said is not None
    assert (said.final, said.text) == (True, "好 好 好")


def test_an_ear_that_heard_nothing_says_nothing() -> None:
    assert Ear(FakeEngine(), recycle_s=600).finish() is None


def test_after_a_crash_it_starts_anew() -> None:
    engine = FakeEngine()
    ear = Ear(engine, recycle_s=600)

    def crash(_: bytes) -> None:
        engine.trouble = None
        raise RuntimeError("broken")

    hear(ear, voice(300))
    engine.trouble = crash
    with pytest.raises(RuntimeError, match="broken"):
        ear.hear(voice(100))
    (final,) = hear(ear, TURN)
    assert engine.made == 2
    assert round(final.words[0][1]) == 400
