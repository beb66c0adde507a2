"""End of speech by level, and words that stay the same."""

import pytest

from gateway.speech.endpoint import TRAILING_MS, Voice, Words
from tests.unit.speech_sounds import frames, mix, noise, silence, voice


def quiet_at(heard: Voice, pcm: bytes, batch_ms: int = 100) -> int | None:
    """Return the ms of `pcm` after which there has been silence for long."""
    for count, batch in enumerate(frames(pcm, batch_ms), 1):
        heard.take(batch)
        if (heard.quiet_ms or 0) >= TRAILING_MS:
            return count * batch_ms
    return None


def test_half_a_second_of_silence_after_speech() -> None:
    assert quiet_at(Voice(), voice(1000) + silence(900)) == 1500


def test_silence_alone_is_no_end() -> None:
    assert quiet_at(Voice(), silence(3000)) is None


def test_a_short_pause_ends_nothing() -> None:
    assert quiet_at(Voice(), (voice(600) + silence(400)) * 3) is None


@pytest.mark.parametrize("level", [-60.0, -45.0, -35.0])
def test_silence_is_heard_below_noise(level: float) -> None:
    heard = Voice()
    heard.take(noise(2000, level))
    speech = mix(voice(1000), noise(1000, level))
    assert quiet_at(heard, speech + noise(900, level)) == pytest.approx(1500, abs=100)


def test_words_that_no_longer_change_are_stable() -> None:
    words = Words(stable_ms=1200)
    assert not words.stable("好", 1000)
    assert not words.stable("好的", 2000)
    assert not words.stable("好的", 3100)
    assert words.stable("好的", 3200)
    words.forget()
    assert not words.stable("好的", 3300)


def test_no_words_are_never_stable() -> None:
    words = Words(stable_ms=1200)
    assert not any(words.stable("", at) for at in range(0, 9000, 100))


def test_a_click_is_no_voice() -> None:
    heard = Voice()
    heard.take(silence(200) + voice(20) + silence(200))
    assert heard.quiet_ms is None


def test_forgetting_begins_anew() -> None:
    heard = Voice()
    assert quiet_at(heard, voice(500) + silence(600)) == 1000
    heard.forget()
    assert quiet_at(heard, silence(1000)) is None
    assert quiet_at(heard, voice(500) + silence(600)) == 1000


def test_position_counts_audio_in_any_portions() -> None:
    heard = Voice()
    for odd in (1, 639, 641, 1279, 640):
        heard.take(bytes(odd))
    assert heard.position_ms == 3200 // 640 * 20
