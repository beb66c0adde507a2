"""End of utterance by energy, and by words that stay the same."""

import pytest

from gateway.speech.endpoint import Endpoint, Voice
from tests.unit.speech_sounds import frames, mix, noise, silence, voice


def over_at(endpoint: Endpoint, pcm: bytes, text: str = "好", batch_ms: int = 100) -> int | None:
    """Return the ms of `pcm` after which the utterance is over."""
    for count, batch in enumerate(frames(pcm, batch_ms), 1):
        if endpoint.due(batch, text):
            return count * batch_ms
    return None


def test_half_a_second_of_silence_ends_an_utterance() -> None:
    assert over_at(Endpoint(stable_ms=10_000), voice(1000) + silence(900)) == 1500


def test_silence_without_words_ends_nothing() -> None:
    assert over_at(Endpoint(), voice(1000) + silence(2000), text="") is None


def test_a_short_pause_ends_nothing() -> None:
    endpoint = Endpoint(stable_ms=10_000)
    assert over_at(endpoint, (voice(600) + silence(400)) * 3) is None


def test_words_that_still_change_are_waited_for() -> None:
    endpoint = Endpoint()
    endpoint.due(voice(1000), "好")
    assert not endpoint.due(silence(600), "好的")
    assert endpoint.due(silence(100), "好的")


@pytest.mark.parametrize("level", [-60.0, -45.0, -35.0])
def test_silence_is_heard_below_noise(level: float) -> None:
    endpoint = Endpoint(stable_ms=10_000)
    endpoint.due(noise(2000, level), "")
    speech = mix(voice(1000), noise(1000, level))
    assert over_at(endpoint, speech + noise(900, level)) == pytest.approx(1500, abs=100)


def test_where_no_silence_can_be_heard_stable_words_end_it() -> None:
    assert over_at(Endpoint(), voice(3000)) == 1300


def test_a_click_is_no_voice() -> None:
    heard = Voice()
    heard.take(silence(200) + voice(20) + silence(200))
    assert heard.quiet_ms is None


def test_forgetting_begins_anew() -> None:
    endpoint = Endpoint()
    assert over_at(endpoint, voice(500) + silence(600)) == 1000
    endpoint.forget()
    assert over_at(endpoint, silence(1000)) is None
    assert over_at(endpoint, voice(500) + silence(600), "再见") == 1000


def test_position_counts_audio_in_any_portions() -> None:
    heard = Voice()
    for odd in (1, 639, 641, 1279, 640):
        heard.take(bytes(odd))
    assert heard.position_ms == 3200 // 640 * 20
