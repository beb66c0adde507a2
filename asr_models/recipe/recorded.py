"""Recorded words and syllables (audio-cmn, CC-BY-SA): mp3 in, trimmed clips at 8 kHz out."""

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import gcd
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pypinyin import Style, pinyin
from scipy.signal import resample_poly  # type: ignore[import-untyped]

from asr_models.recipe import clips, phones
from asr_models.recipe.clips import Clip
from asr_models.recipe.mfcc import RATE
from asr_models.recipe.paths import Paths
from asr_models.recipe.progress import bar

WORDS, SYLLABLES = "words-24k.tgz", "syllables-24k.tgz"
TESTED, DEV = 300, 150
"""Words kept for the evaluation, and for watching the training."""
_NAME = re.compile(r"cmn-(.+)\.mp3$")
_HAN = re.compile(r"[㐀-鿿]+")


def held_out_words(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the words kept for evaluation and for development, by the hash of the word."""
    long = sorted((word for word in set(names) if len(word) >= 2), key=_hash)
    return long[:TESTED], long[TESTED : TESTED + DEV]


def _hash(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()


def collect(paths: Paths) -> list[Path]:
    """Write the clips of both speakers, words that are held out apart; returns the files."""
    out = paths.sub("clips", "recorded")
    (out / clips.DIGEST).write_text(_archives(paths), "utf-8")
    done = [out / f"{name}.npz" for name in ("syllables", "words", "test")]
    if all(path.exists() for path in done):
        return done
    named = list(_clips(paths, SYLLABLES, _syllable_units))
    clips.save(done[0], named)
    named = list(_clips(paths, WORDS, _word_units))
    tested, dev = held_out_words([clip.text for clip in named])
    (out / "held_out_words.txt").write_text("\n".join(tested) + "\n", "utf-8")
    kept = [_as_dev(clip) if clip.text in set(dev) else clip for clip in named]
    clips.save(done[1], [clip for clip in kept if clip.text not in set(tested)])
    clips.save(done[2], [clip for clip in kept if clip.text in set(tested)])
    return done


def _archives(paths: Paths) -> str:
    found = [paths.datum("audio-cmn", name).read_bytes() for name in (WORDS, SYLLABLES)]
    return hashlib.sha256(b"".join(found)).hexdigest()


def _as_dev(clip: Clip) -> Clip:
    return replace(clip, dev=True)


def _clips(
    paths: Paths, name: str, spelled: Callable[[str], tuple[str, ...] | None]
) -> Iterator[Clip]:
    with tarfile.open(paths.datum("audio-cmn", name)) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        with bar(f"recorded: {name}", len(members)) as tick:
            for member in sorted(members, key=lambda one: one.name):
                tick()
                found = _NAME.search(member.name)
                units = spelled(found[1]) if found else None
                file = archive.extractfile(member)
                sound = trimmed(decode(file.read())) if units and file else None
                if found and units and sound is not None:
                    yield _clip(found[1], units, sound)


def _clip(text: str, units: tuple[str, ...], sound: NDArray[np.int16]) -> Clip:
    ids = np.array([phones.UNIT_IDS[unit] for unit in units], np.uint8)
    starts = np.zeros(len(ids), np.int32)
    ends = np.full(len(ids), len(sound), np.int32)
    return Clip(sound, ids, starts, ends, text, aligned=False, natural=False, dev=False)


def _syllable_units(name: str) -> tuple[str, ...] | None:
    spelled = phones.syllable(name if name[-1].isdigit() else name + "5")
    return phones.units(spelled) if spelled else None


def _word_units(word: str) -> tuple[str, ...] | None:
    """Return the units of a word whose reading is sure; 儿 may be no syllable of its own."""
    if not _HAN.fullmatch(word) or "儿" in word[1:]:
        return None
    if len(word) == 1 and len(pinyin(word, style=Style.TONE3, heteronym=True)[0]) > 1:
        return None
    pinyins = phones.word_pinyin(word)
    spelled = phones.spell(tuple(phones.third_tones(list(pinyins))))
    return phones.units(spelled) if spelled and len(pinyins) == len(word) else None


def decode(mp3: bytes) -> NDArray[np.float32]:
    """Return the mono samples of an mp3 at 8 kHz in [-1, 1]."""
    import soundfile  # noqa: PLC0415 - of the model group

    sound, rate = soundfile.read(io.BytesIO(mp3), dtype="float32", always_2d=True)
    common = gcd(RATE, rate)
    slow: NDArray[np.float32] = resample_poly(sound.mean(axis=1), RATE // common, rate // common)
    return slow.astype(np.float32)


def trimmed(sound: NDArray[np.float32]) -> NDArray[np.int16] | None:
    """Return `sound` without the silence beyond 60 ms before and 100 ms after it, peak at 0.5."""
    energy = np.convolve(np.square(sound), np.ones(160) / 160, "same")
    loud = np.flatnonzero(energy > max(float(energy.max()) * 1e-3, 1e-7))
    if len(loud) < 400:
        return None
    kept = sound[max(0, loud[0] - 480) : loud[-1] + 800]
    scaled: NDArray[np.float32] = kept / (np.abs(kept).max() + 1e-6) * 0.5 * 32767
    return scaled.astype(np.int16)
