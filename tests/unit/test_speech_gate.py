"""What is let through to be decoded: speech whole, with a little around it, and not silence."""

import pytest

from gateway.media.audiosocket_codec import BYTES_PER_MS
from gateway.speech.gate import PRE_ROLL_MS, TAIL_MS, Gate
from tests.unit.speech_sounds import frames, mix, noise, silence, voice

HOLDS_MS = 160
"""How long the detector holds on after the voice."""


def through(gate: Gate, pcm: bytes) -> bytes:
    return b"".join(gate.take(piece) for piece in frames(pcm, 100))


def speech(syllables: int, db: float = -15.0) -> bytes:
    """Sound that comes and goes as syllables do: a steady tone is noise to the detector."""
    return (voice(140, db) + silence(60)) * syllables


def test_nothing_of_silence() -> None:
    gate = Gate()
    assert through(gate, silence(5000)) == b""
    assert not gate.open


def test_speech_with_its_pre_roll_and_its_tail() -> None:
    gate, said = Gate(), voice(1000)
    let = through(gate, silence(1000) + said + silence(1000))
    assert gate.open
    assert gate.began_ms == 1000 - PRE_ROLL_MS + 20
    assert said in let
    after = len(let) // BYTES_PER_MS - (1000 - gate.began_ms) - 1000
    assert after == pytest.approx(TAIL_MS + HOLDS_MS, abs=40)


def test_a_pause_is_let_through_once_the_voice_goes_on() -> None:
    gate = Gate()
    sound = speech(3) + silence(400) + speech(3)
    assert sound[: -60 * BYTES_PER_MS] in through(gate, silence(500) + sound)


def test_what_was_held_back_is_the_next_ones_pre_roll() -> None:
    gate = Gate()
    through(gate, voice(500) + silence(700))
    gate.shut()
    assert not gate.open
    let = through(gate, silence(100) + voice(300))
    assert gate.began_ms == 1300 - PRE_ROLL_MS + 20
    assert len(let) == (1600 - gate.began_ms) * BYTES_PER_MS


@pytest.mark.parametrize("level", [-30.0, -40.0, -50.0])
def test_quiet_speech_is_not_lost(level: float) -> None:
    said = speech(4, level)
    assert said[: -60 * BYTES_PER_MS] in through(Gate(), silence(1000) + said + silence(500))


def test_speech_in_loud_noise_is_not_lost() -> None:
    gate = Gate()
    through(gate, noise(5000, -35.0))
    gate.shut()
    said = mix(voice(600, -30.0), noise(600, -35.0))
    assert said in through(gate, said + noise(300, -35.0))


def test_audio_in_any_portions() -> None:
    sound = silence(500) + voice(500) + silence(500)
    whole, odd = Gate(), Gate()
    pieces = b"".join(odd.take(sound[at : at + 777]) for at in range(0, len(sound), 777))
    assert through(whole, sound) == pieces
