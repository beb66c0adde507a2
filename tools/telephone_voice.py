"""The synthetic voice of the speech model's recipe, as a telephone carries it.

Used for what the lab's people say and for what callers hear; a text makes the same samples each
time. Needs the dependency group `model`.
"""

import random
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from asr_models.recipe.errors import RecipeError
from asr_models.recipe.paths import default_paths
from asr_models.recipe.sayings import pronounce
from asr_models.recipe.telephone import coloured, level
from asr_models.recipe.voice import RATE, Style, Voice, assets

BAND_HZ = (300, 3400)
"""What a telephone line lets through (ITU-T G.712)."""
LEAD_S, TAIL_S, KEEP_S = 0.1, 0.05, 0.03
SPEECH_LEVEL = 2600.0
"""Root mean square of speech at 0 dB, of 32768: 22 dB below full scale, as telephones send."""
HISS_DB = 38.0
"""How far the noise of a good line lies below its speech."""
FLOOR = 0.012
"""Share of the loudest sample below which a sound is silence."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Manner:
    """Who speaks: the voice resampled by `shift`, at another pace and pitch, louder or softer."""

    shift: float
    tempo: float
    pitch: float
    level_db: float


class Speaker:
    """Says texts in any manner."""

    def __init__(self) -> None:
        self._voice = Voice(assets(default_paths()))

    def say(self, text: str, name: str, manner: Manner) -> Floats:
        """Return `text` (commas are pauses) at 8 kHz in 16-bit scale, in the telephone band.

        `name` seeds the small choices of how it is read. Raises RecipeError.
        """
        phones = pronounce(text.replace("，", " "), random.Random(name))  # noqa: S311
        if phones is None:
            raise RecipeError(f"{name}: a character has no known reading; word it otherwise")
        style = Style(manner.shift, manner.tempo, manner.pitch)
        spoken = trimmed(self._voice.speak(list(phones), style).samples.astype(np.float32))
        narrow = in_band(spoken)
        gain = SPEECH_LEVEL * 10 ** (manner.level_db / 20) / level(narrow[_loud(narrow)])
        return np.clip(narrow * np.float32(gain), -32000, 32000)


def trimmed(sound: Floats) -> Floats:
    """Return `sound` between LEAD_S and TAIL_S of silence, instead of its own at the ends."""
    loud = np.flatnonzero(_loud(sound))
    keep = int(KEEP_S * RATE)
    kept = sound[max(0, loud[0] - keep) : loud[-1] + keep]
    return np.pad(kept, (int(LEAD_S * RATE), int(TAIL_S * RATE)))


def in_band(sound: Floats) -> Floats:
    """Return what of `sound` passes a telephone line."""
    band = butter(4, BAND_HZ, "bandpass", fs=RATE, output="sos")
    return np.asarray(sosfilt(band, sound), np.float32)


def on_a_line(sound: Floats, name: str) -> Floats:
    """Return `sound` up to 1 dB louder or softer, with faint noise; `name` seeds both."""
    chance = np.random.default_rng(crc32(name.encode()))
    gain = np.float32(10 ** (chance.uniform(-1, 1) / 20))
    hiss = in_band(coloured(chance, len(sound), 0.2))
    share = level(sound[_loud(sound)]) / level(hiss) * 10 ** (-HISS_DB / 20)
    return np.clip(gain * (sound + hiss * np.float32(share)), -32000, 32000)


def _loud(sound: Floats) -> NDArray[np.bool_]:
    return np.abs(sound) > FLOOR * np.abs(sound).max()
