"""Evaluation calls spoken: pseudo-speakers of the synthetic voice, each on a telephone line.

One raw A-law file a row, 8 kHz; its name is a hash of the words, so a row that was reworded is
spoken anew and the others stay. Needs the dependency group `model`.
"""

import hashlib
import random
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from asr_models.recipe import telephone
from asr_models.recipe.errors import RecipeError
from asr_models.recipe.framing import LEAD_S, TAIL_S
from asr_models.recipe.numerals import read_out
from asr_models.recipe.paths import Paths
from asr_models.recipe.progress import bar
from asr_models.recipe.sayings import pronounce
from asr_models.recipe.telephone import Floats
from asr_models.recipe.utterances import write
from asr_models.recipe.voice import RATE, Style, Voice, assets
from gateway.lab.phones.audio import encode

VERSION = 2
"""Of what is done to the sound; a new one makes every file anew."""
SPEAKERS = 16
_LEVELS = 300.0, 5000.0
"""Root mean square of speech, of 32768: far from the handset to close at it."""
_NOISE_DB = 15.0, 35.0
_BLOCK = 512
BREATH = 16
"""Clauses are joined up to so many characters; a longer one is spoken whole.

Sentences of the corpus that the voice has learned from are about so long, and it mumbles what comes
after thirty. Of 40 calls of 28 characters and more, a third to three quarters of what came after
the thirtieth was misheard when they were spoken in one go, a tenth to a quarter with breaths.
"""
_STOPS = re.compile(r"[^㐀-鿿]+")
_LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "诶比西弟伊夫际吃爱街开勒姆恩欧批扣阿斯替优微达叉歪贼",
        strict=False,
    )
)
"""Letters as people say them, as far as one syllable goes; the voice knows none."""
_voice: list[Voice] = []


def name(text: str) -> str:
    """Return the file name of a row's words."""
    return hashlib.sha256(f"{VERSION} {text}".encode()).hexdigest()[:20] + ".alaw"


def speak(texts: Sequence[str], paths: Paths, out: Path, workers: int) -> list[Path]:
    """Speak every text that is not there yet; returns the files in the order of `texts`."""
    out.mkdir(parents=True, exist_ok=True)
    found = [out / name(text) for text in texts]
    todo = [one for one in zip(texts, found, strict=True) if not one[1].exists()]
    if not todo:
        return found
    context = get_context("spawn")
    with (
        ProcessPoolExecutor(workers, context, _open, (assets(paths),)) as pool,
        bar("voice: calls", len(todo)) as tick,
    ):
        waiting = [pool.submit(_one, *one) for one in dict(todo).items()]
        try:
            for done in as_completed(waiting):
                done.result()
                tick()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def speaker(number: int) -> Style:
    """Return how pseudo-speaker `number` speaks: another size of throat, pace and pitch."""
    chance = random.Random(f"speaker {number}")  # noqa: S311 - reproducible, no secret
    return Style(chance.uniform(0.82, 1.18), chance.uniform(0.9, 1.2), chance.uniform(0.85, 1.15))


def sayable(text: str, chance: random.Random) -> str:
    """Return `text` as clauses of Chinese characters, numbers and letters as they are said."""
    letters = "".join(_LETTERS.get(char, char) for char in read_out(text, chance).upper())
    return " ".join(filter(None, _STOPS.split(letters)))


def breaths(clauses: str) -> list[str]:
    """Return the clauses of `sayable` in groups of at most `BREATH` characters, or of one."""
    found: list[str] = []
    for clause in clauses.split():
        joined = f"{found[-1]} {clause}" if found else clause
        if found and len(joined) - joined.count(" ") <= BREATH:
            found[-1] = joined
        else:
            found.append(clause)
    return found


def on_a_line(sound: Floats, chance: np.random.Generator) -> Floats:
    """Return `sound` with silence around it as a telephone line carries it, before its codec.

    A handset's band, one room in five, noise 15 to 35 dB below speech, one line in ten loses up to
    2 % of its packets: milder than what the recogniser was trained on (compose.py).
    """
    framed = np.pad(sound, (int(LEAD_S * RATE), int(TAIL_S * RATE)))
    framed = _through_handset(framed, telephone.band_tilt(chance, _BLOCK // 2 + 1))
    if chance.random() < 0.2:
        framed = telephone.room(chance, framed)
    wanted = float(np.exp(chance.uniform(*np.log(_LEVELS))))
    framed = framed * np.float32(wanted / telephone.level(framed[np.abs(framed) > 1]))
    noise = telephone.coloured(chance, len(framed), chance.uniform(0.0, 0.8))
    framed = telephone.add_noise(framed, noise, chance.uniform(*_NOISE_DB), wanted)
    if chance.random() < 0.1:
        framed = telephone.lose_packets(chance, framed, chance.uniform(0.0, 0.02))
    return telephone.rounded(framed)


def _through_handset(sound: Floats, power: Floats) -> Floats:
    spectrum = np.fft.rfft(sound)
    bins = np.linspace(0, len(power) - 1, len(spectrum))
    gain = np.sqrt(np.interp(bins, np.arange(len(power)), power))
    return np.fft.irfft(spectrum * gain, len(sound)).astype(np.float32)


def _open(folder: Path) -> None:
    _voice.append(Voice(folder))


def _one(text: str, path: Path) -> None:
    chance = random.Random(path.stem)  # noqa: S311 - reproducible, no secret
    said = [pronounce(breath, chance) for breath in breaths(sayable(text, chance))]
    if not said or None in said:
        raise RecipeError(f"{text!r}: a character has no known reading; word the row otherwise")
    style = speaker(int(path.stem, 16) % SPEAKERS)
    spoken = np.concatenate([_voice[0].speak(list(one), style).samples for one in said if one])
    noise = np.random.default_rng(int(path.stem, 16))
    write(path, encode(on_a_line(spoken.astype(np.float32), noise)))
