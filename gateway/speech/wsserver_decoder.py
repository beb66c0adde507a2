"""A stream's decoder as vosk-server's clients see it: Vosk's own JSON, at any sample rate."""

import json
from collections.abc import Callable
from typing import Any, Protocol

from gateway.speech.text.spaces import plain
from gateway.speech.vosk_engine import VoskEngine
from gateway.speech.wsserver_messages import StreamConfig

_SAMPLE_BYTES = 2


class Decoder(Protocol):
    """Blocking, one call at a time; each answer is a JSON object for the client."""

    def accept(self, pcm: bytes) -> str:
        """Take audio; return ``{"partial": ...}``, or a result at the end of an utterance."""
        ...

    def finish(self) -> str:
        """Return the result of what is left."""
        ...


MakeDecoder = Callable[[StreamConfig], Decoder]


class VoskDecoder:
    """KaldiRecognizer, made anew at the end of an utterance now and then: its memory grows."""

    def __init__(
        self,
        engine: VoskEngine,
        config: StreamConfig,
        *,
        recycle_s: float,
        normalise: Callable[[str], str] = plain,
    ) -> None:
        """`normalise` writes results for readers, for clients that ask for it."""
        self._engine = engine
        self._normalise = normalise
        self._config = config
        self._recycle_s = recycle_s
        self._odd = b""
        self._base_s = 0.0
        """Seconds of audio that earlier recognisers took."""
        self._renew()

    def accept(self, pcm: bytes) -> str:
        data = self._odd + pcm if self._odd else pcm
        whole = len(data) - len(data) % _SAMPLE_BYTES
        # A sample may come in two messages: Vosk would take the rest of the stream askew.
        self._odd = data[whole:]
        self._fed_s += whole / _SAMPLE_BYTES / self._config.sample_rate
        if not self._vosk.AcceptWaveform(data[:whole]):
            return self._shaped(self._vosk.PartialResult())
        answer = self._shaped(self._vosk.Result())
        if self._fed_s >= self._recycle_s:
            self._base_s += self._fed_s
            self._renew()
        return answer

    def finish(self) -> str:
        return self._shaped(self._vosk.FinalResult())

    def _renew(self) -> None:
        config = self._config
        self._vosk = self._engine.kaldi(config.sample_rate, config.phrase_list)
        self._vosk.SetWords(config.words)
        self._vosk.SetMaxAlternatives(config.max_alternatives)
        self._fed_s = 0.0

    def _shaped(self, answer: str) -> str:
        if not self._base_s and not self._config.normalise:
            return answer
        said = json.loads(answer)
        for part in (said, *said.get("alternatives", ())):
            self._shift(part)
            if self._config.normalise:
                self._write(part)
        return json.dumps(said, ensure_ascii=False)

    def _shift(self, part: dict[str, Any]) -> None:
        for word in part.get("result", ()):
            word["start"] = round(word["start"] + self._base_s, 6)
            word["end"] = round(word["end"] + self._base_s, 6)

    def _write(self, part: dict[str, Any]) -> None:
        for name, written in (("text", self._normalise), ("partial", plain)):
            if name in part:
                part[f"{name}_raw"] = part[name]
                part[name] = written(part[name])
