"""One leg's recogniser: end-pointing of our own, renewal, and what a crash leaves behind."""

import pytest

from gateway.media.audiosocket_codec import BYTES_PER_MS
from gateway.speech.ear import Ear, Said
from gateway.speech.fakes import FakeEngine
from gateway.speech.gate import PRE_ROLL_MS
from gateway.speech.pool import Pool
from tests.unit.speech_sounds import frames, silence, voice

TURN = voice(600) + silence(800)


def ear_of(engine: FakeEngine, recycle_s: float = 600) -> Ear:
    return Ear(Pool(engine, recycle_s=recycle_s))


def hear(ear: Ear, pcm: bytes, batch_ms: int = 100) -> list[Said]:
    """Return the finals."""
    return [said for batch in frames(pcm, batch_ms) for said in ear.hear(batch) if said.final]


def test_a_turn_is_final_after_half_a_second() -> None:
    ear = ear_of(FakeEngine())
    at, final = next(
        (at, said)
        for at, batch in enumerate(frames(TURN, 100), 1)
        for said in ear.hear(batch)
        if said.final
    )
    assert at * 100 == 1100
    assert (final.text, final.onset_ms, final.end_ms) == ("好 好 好 好 好 好", 0, 600)


def test_two_turns_in_one_batch_are_two_finals() -> None:
    finals = hear(ear_of(FakeEngine()), TURN * 2, 2800)
    assert [round(said.words[0][1]) for said in finals] == [0, 1400]


def test_times_go_on_over_a_renewal() -> None:
    engine = FakeEngine()
    ear = ear_of(engine, recycle_s=0.5)
    finals = hear(ear, TURN * 5)
    assert engine.made == 5
    assert [round(said.words[0][1]) for said in finals] == [0, 1400, 2800, 4200, 5600]
    assert [said.end_ms for said in finals] == [600, 2000, 3400, 4800, 6200]


def test_nothing_is_renewed_before_its_time() -> None:
    engine = FakeEngine()
    assert len(hear(ear_of(engine), TURN * 3)) == 3
    assert engine.made == 1


def test_legs_that_take_turns_share_a_recogniser() -> None:
    engine = FakeEngine()
    pool = Pool(engine, recycle_s=600)
    for ear in (Ear(pool), Ear(pool), Ear(pool)):
        (final,) = hear(ear, TURN)
        assert (round(final.words[0][1]), final.end_ms) == (0, 600)
    assert engine.made == 1


def test_silence_is_not_decoded_and_what_follows_keeps_its_time() -> None:
    engine, decoded = FakeEngine(), 0

    def count(pcm: bytes) -> None:
        nonlocal decoded
        decoded += len(pcm) // BYTES_PER_MS

    engine.trouble = count
    finals = hear(ear_of(engine), silence(5000) + TURN + silence(5000) + TURN + silence(5000))
    assert [round(said.words[0][1]) for said in finals] == [5000, 11400]
    assert 2 * 600 < decoded < 2 * (600 + PRE_ROLL_MS + 300)


def test_a_short_pause_is_decoded_with_what_is_around_it() -> None:
    (final,) = hear(ear_of(FakeEngine()), voice(300) + silence(400) + voice(300) + silence(800))
    assert [round(word[1]) for word in final.words] == [0, 100, 200, 700, 800, 900]


def test_what_is_left_is_said_at_the_end() -> None:
    ear = ear_of(FakeEngine())
    assert hear(ear, voice(300)) == []
    (said,) = ear.finish()
    assert (said.final, said.text) == (True, "好 好 好")
    assert ear.finish() == []


def test_an_ear_that_heard_nothing_says_nothing() -> None:
    assert ear_of(FakeEngine()).finish() == []


def test_after_a_crash_it_starts_anew() -> None:
    engine = FakeEngine()
    ear = ear_of(engine)

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
