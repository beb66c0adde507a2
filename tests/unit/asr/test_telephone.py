"""What the made-up telephone line does to samples."""

import numpy as np
import pytest

from asr_models.recipe import telephone
from gateway.lab.phones import audio

EVERY = np.arange(-32768, 32768).astype(np.float32)


def test_alaw_gives_the_values_a_telephone_decodes() -> None:
    decoded = {float(value) for value in audio.decode(bytes(range(256)))}
    assert set(telephone.alaw(EVERY).tolist()) == decoded


@pytest.mark.parametrize("codec", [telephone.alaw, telephone.ulaw])
def test_codecs_are_monotone_close_and_stable(codec: object) -> None:
    assert callable(codec)
    coded = codec(EVERY)
    assert len(set(coded.tolist())) in (255, 256)
    assert (np.diff(coded) >= 0).all()
    assert (np.abs(coded - EVERY) <= 8 + np.abs(EVERY) / 16).all()
    np.testing.assert_array_equal(codec(coded), coded)


def test_noise_lies_where_it_was_asked_for() -> None:
    chance = np.random.default_rng(1)
    noise = telephone.coloured(chance, 16_000, 0.7)
    mixed = telephone.add_noise(np.zeros(16_000, np.float32), noise, 20.0, 1000.0)
    assert telephone.level(mixed) == pytest.approx(100.0, rel=0.01)


def test_lost_packets_are_silent_or_repeated_and_nothing_else_changes() -> None:
    sound = np.arange(1, 32_001).astype(np.float32)
    heard = telephone.lose_packets(np.random.default_rng(2), sound, 0.2).reshape(-1, 160)
    sent = sound.reshape(-1, 160)
    lost = [i for i in range(len(sent)) if not np.array_equal(heard[i], sent[i])]
    assert 10 < len(lost) < 80
    for i in lost:
        assert not heard[i].any() or np.array_equal(heard[i], heard[i - 1])


def test_a_room_keeps_the_sound_and_its_length() -> None:
    sound = np.zeros(4000, np.float32)
    sound[100] = 1000
    wet = telephone.room(np.random.default_rng(3), sound)
    assert len(wet) == 4000
    assert wet[100] == pytest.approx(1000, rel=0.01)
    assert np.abs(wet[:100]).max() < 1
    assert np.abs(wet[101:300]).max() > 1


def test_the_band_of_a_line_is_limited() -> None:
    tilt = telephone.band_tilt(np.random.default_rng(4), 129)
    assert tilt[0] < 0.001
    assert tilt[128] < 0.01
    assert tilt[40] > 0.01
