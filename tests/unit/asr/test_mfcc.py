"""Our MFCC are Kaldi's: reference numbers by kaldi-native-fbank 1.23 for the same options."""

import numpy as np

from asr_models.recipe import mfcc

# fmt: off
FRAME_5 = [
    63.228, 24.271, -18.896, 27.961, -166.153, -106.315, 67.714, -52.112, 50.529, 118.747,
    -43.506, 0.165, 5.012, -81.901, -3.868, 18.162, -15.21, 18.593, 16.08, -10.198, 4.171, 1.394,
    -0.561, -0.907, -1.6, -2.039, 0.12, -1.454, 3.514, -2.871, 0.529, -1.234, 9.559, 0.891, 3.015,
    4.894, -14.08, -10.382, 2.398, -3.343,
]
# fmt: on


def two_tones(samples: int) -> mfcc.Floats:
    time = 2 * np.pi * np.arange(samples) / mfcc.RATE
    return np.rint(3000 * np.sin(440 * time) + 1000 * np.sin(1830 * time + 1)).astype(np.float32)


def test_the_numbers_are_kaldis() -> None:
    found = mfcc.mfcc(two_tones(600))
    assert found.shape == (6, 40)
    np.testing.assert_allclose(found[5], FRAME_5, atol=0.02)


def test_frames_are_counted_as_kaldi_does_with_snipped_edges() -> None:
    counts = [mfcc.frames(size) for size in (0, 199, 200, 279, 280, 8000)]
    assert counts == [0, 0, 1, 1, 2, 98]


def test_silence_is_finite() -> None:
    assert np.isfinite(mfcc.mfcc(np.zeros(400, np.float32))).all()


def test_a_warp_above_one_reads_the_spectrum_lower() -> None:
    tone = (1000 * np.sin(2 * np.pi * 1500 * np.arange(400) / mfcc.RATE)).astype(np.float32)
    cosines = mfcc._cosines()
    bands = [int((mfcc.mfcc(tone, warp) @ np.linalg.inv(cosines))[0].argmax()) for warp in (1, 1.2)]
    assert bands[1] < bands[0]
