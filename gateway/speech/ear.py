"""One leg's recogniser with its end-pointing and its renewal; blocking, one call at a time."""

from dataclasses import dataclass

from gateway.media.audiosocket_codec import BYTES_PER_MS
from gateway.speech.endpoint import Endpoint
from gateway.speech.port import Engine, Heard, Recogniser


@dataclass(frozen=True)
class Said:
    """What an ear heard. Milliseconds of audio since the ear was made, words' times included."""

    final: bool
    text: str
    words: list[tuple[str, float, float, float]]
    """(text, start_ms, end_ms, confidence)"""
    onset_ms: float
    end_ms: float
    """Where the voice was last loud: the end of speech, once `final`."""


class Ear:
    """Not thread-safe, but calls may come from different threads one after the other."""

    def __init__(self, engine: Engine, *, recycle_s: float) -> None:
        self._engine = engine
        self._recycle_ms = recycle_s * 1000
        self._endpoint = Endpoint()
        self._recogniser: Recogniser | None = None
        self._base_ms = 0.0
        self._fed_ms = 0.0

    @property
    def fed_ms(self) -> float:
        return self._fed_ms

    def hear(self, pcm: bytes) -> Said | None:
        """Take one batch, at best 100-200 ms: end-pointing looks once a batch.

        Raises whatever the engine raises, and then starts anew.
        """
        try:
            return self._hear(pcm)
        except Exception:
            self._renew()
            raise

    def finish(self) -> Said | None:
        """Say what is left; the ear may be used again."""
        recogniser, self._recogniser = self._recogniser, None
        heard = recogniser.finish() if recogniser else None
        said = self._said(heard) if heard else None
        self._renew()
        return said

    def _hear(self, pcm: bytes) -> Said | None:
        if self._recogniser is None:
            self._recogniser, self._base_ms = self._engine.recogniser(), self._fed_ms
        self._fed_ms += len(pcm) / BYTES_PER_MS
        heard = self._recogniser.accept(pcm)
        if self._endpoint.due(pcm, "" if heard is None or heard.final else heard.text):
            heard = self._recogniser.finish()
        if heard is None:
            return None
        said = self._said(heard)
        if heard.final:
            self._endpoint.forget()
            # At an endpoint nothing is cut: the moment to let a recogniser's memory go.
            if self._fed_ms - self._base_ms >= self._recycle_ms:
                self._renew()
        return said

    def _renew(self) -> None:
        self._recogniser = None
        self._endpoint.forget()

    def _said(self, heard: Heard) -> Said:
        words = [
            (w.text, self._base_ms + w.start_s * 1000, self._base_ms + w.end_s * 1000, w.confidence)
            for w in heard.words
        ]
        voice = self._endpoint.voice
        onset = voice.onset_ms if voice.onset_ms is not None else self._fed_ms
        end = voice.last_ms if voice.last_ms is not None else self._fed_ms
        return Said(heard.final, heard.text, words, onset, end)
