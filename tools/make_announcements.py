"""Make what callers hear from the PBX: raw A-law, 8 kHz, mono, in ``dialplans/sounds``.

Speaks the texts of ``announcements.json`` and composes ``hold.alaw``, a soft melody that loops, and
``key-refused.alaw``, three short tones.
Run it as ``python -m tools.make_announcements``; `make lab-audio` does.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

from gateway.lab.phones.audio import RATE, encode
from tools.telephone_voice import Floats, Manner, Speaker

SOUNDS = Path(__file__).resolve().parent.parent / "dialplans" / "sounds"
HOLD_PEAK = 0.12 * 32768
BEAT_S, RING_S, BASE_HZ = 0.5, 1.6, 207.65
# Two pentatonic phrases of our own, one note a beat in semitones above G sharp 3; None rests.
# No note comes near the tones by which the tests tell speakers apart.
MELODY = (
    *(3, None, 7, 10, 12, None, 10, 7, 5, None, 7, 10, 7, None, None, None),
    *(3, None, 5, 7, 10, None, 12, 15, 12, None, 10, 7, 3, None, None, None),
)
BASS = (3, 0, 5, -2, 3, 0, -2, 3)


def hold() -> Floats:
    """The melody over a slow bass; what rings on at the end wraps to the start."""
    loop = np.zeros(int(len(MELODY) * BEAT_S * RATE), np.float32)
    for beat, tone in enumerate(MELODY):
        if tone is not None:
            _mix(loop, _bell(tone, RING_S), beat)
    for bar, tone in enumerate(BASS):
        _mix(loop, 0.6 * _bell(tone, 2 * RING_S), bar * 4)
    return HOLD_PEAK * loop / np.abs(loop).max()


def refused() -> Floats:
    """Three short tones of 425 Hz, as for a number that cannot be had; 0.8 s in all."""
    at = np.arange(int(0.8 * RATE)) / RATE
    on = (at % 0.3 < 0.15).astype(np.float32)
    smooth = np.convolve(on, np.full(80, 1 / 80), "same")
    return np.asarray(0.25 * 32768 * smooth * np.sin(2 * math.pi * 425 * at), np.float32)


def _bell(semitones: int, ring_s: float) -> Floats:
    """A soft struck tone: three partials that die away, the higher the sooner."""
    at = np.arange(int(ring_s * RATE)) / RATE
    pitch = BASE_HZ * 2 ** (semitones / 12)
    wave = sum(
        share * np.sin(2 * math.pi * pitch * n * at) * np.exp(-at * n * 3.0 / ring_s)
        for n, share in ((1, 1.0), (2, 0.3), (3, 0.08))
    )
    attack, decay = np.minimum(at / 0.02, 1.0), np.minimum((ring_s - at) / 0.1, 1.0)
    return np.asarray(wave * attack * decay, np.float32)


def _mix(loop: Floats, note: Floats, beat: int) -> None:
    start = int(beat * BEAT_S * RATE)
    np.add.at(loop, (start + np.arange(len(note))) % len(loop), note)


def main() -> None:
    book = json.loads((SOUNDS / "announcements.json").read_text(encoding="utf-8"))
    speaker, manner = Speaker(), Manner(**book["voice"])
    made = {name: speaker.say(text, name, manner) for name, text in book["announcements"].items()}
    for name, sound in {**made, "hold": hold(), "key-refused": refused()}.items():
        alaw = encode(np.rint(sound))
        (SOUNDS / f"{name}.alaw").write_bytes(alaw)
        sys.stdout.write(f"{name:14} {len(alaw) / RATE:5.1f} s\n")


if __name__ == "__main__":
    main()
