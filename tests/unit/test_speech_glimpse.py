"""The first words of a leg, sooner than the recogniser gives them, and nothing else changed."""

import pytest

from gateway.speech.ear import Ear, Said
from gateway.speech.fakes import FakeEngine, FakeRecogniser
from gateway.speech.gate import PRE_ROLL_MS
from gateway.speech.pool import Pool
from gateway.speech.port import Heard
from tests.unit.speech_sounds import frames, silence, voice

TURN = voice(1500) + silence(800)
SLOW_MS = 1000


class Slow(FakeRecogniser):
    """Says nothing of an utterance before it has a second of it, or it is over."""

    def __init__(self, engine: FakeEngine) -> None:
        super().__init__(engine)
        self._ms = 0.0

    def accept(self, pcm: bytes) -> Heard | None:
        self._ms += len(pcm) / 32
        heard = super().accept(pcm)
        return heard if self._ms >= SLOW_MS else Heard(final=False, text="")

    def finish(self) -> Heard | None:
        self._ms = 0.0
        return super().finish()


class SlowEngine(FakeEngine):
    def recogniser(self) -> FakeRecogniser:
        self.made += 1
        return Slow(self)


class Deaf(FakeRecogniser):
    """Knows no word of what it hears."""

    def accept(self, pcm: bytes) -> Heard | None:
        super().accept(pcm)
        return Heard(final=False, text="")

    def finish(self) -> Heard | None:
        super().finish()
        return Heard(final=True, text="")


class DeafEngine(FakeEngine):
    def recogniser(self) -> FakeRecogniser:
        return Deaf(self)


def said(ear: Ear, pcm: bytes) -> list[tuple[int, Said]]:
    return [
        (at * 100, one) for at, part in enumerate(frames(pcm, 100), 1) for one in ear.hear(part)
    ]


def test_the_first_words_of_a_leg_come_before_the_recognisers() -> None:
    heard = said(Ear(Pool(SlowEngine(), recycle_s=60)), TURN)
    (at, first), (then, second), *_ = heard
    assert (at, first.final, first.text) == (400, False, "好 好 好 好")
    assert (then, second.text) == (SLOW_MS, " ".join("好" * 10))


def test_what_is_final_is_the_same() -> None:
    ear = Ear(Pool(SlowEngine(), recycle_s=60))
    finals = [one for _, one in said(ear, TURN * 2) if one.final]
    assert [one.text for one in finals] == [" ".join("好" * 15)] * 2


def test_only_the_first_utterance_is_looked_at_twice() -> None:
    engine = SlowEngine()
    ear = Ear(Pool(engine, recycle_s=60))
    said(ear, TURN)
    fed = [at for at, one in said(ear, TURN) if not one.final]
    assert fed[0] >= SLOW_MS - PRE_ROLL_MS
    assert engine.made == 2


def test_sound_without_words_is_not_kept() -> None:
    """Hold music, say: minutes of one utterance in which nothing is said."""
    ear = Ear(Pool(DeafEngine(), recycle_s=60))
    said(ear, voice(900))
    assert ear._glimpse is not None
    said(ear, voice(300))
    assert ear._glimpse is None


def test_one_that_fails_is_not_used_again() -> None:
    engine = SlowEngine()
    pool = Pool(engine, recycle_s=60)
    ear = Ear(pool)
    said(ear, voice(300))

    def fails(_pcm: bytes) -> None:
        raise RuntimeError("broken")

    engine.trouble = fails
    with pytest.raises(RuntimeError, match="broken"):
        said(ear, voice(300))
    engine.trouble = None
    made = engine.made
    assert [one.final for _, one in said(ear, TURN)][-1]
    assert engine.made > made
