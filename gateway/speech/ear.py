"""One leg's hearing: what of its audio is decoded, where its utterances end, what was said."""

from dataclasses import dataclass

from gateway.media.audiosocket_codec import BYTES_PER_MS
from gateway.speech import metrics
from gateway.speech.endpoint import TRAILING_MS, Voice, Words
from gateway.speech.gate import Gate
from gateway.speech.glimpse import Glimpse
from gateway.speech.pool import Lent, Pool
from gateway.speech.port import Heard

_PIECE_MS = 100
"""End-pointing looks once a piece."""
WHOLE_MS = 2000
"""A `batch_ms` for which short utterances are decoded whole, and none makes others wait long."""
_HUSH_MS = 400
"""Silence by the voice detector that ends an utterance; it holds on for 160 ms before."""
_HOLDING_MS = 200
"""The same, where the level has been low for long enough."""


@dataclass(frozen=True)
class Said:
    """What an ear heard. Milliseconds of audio since the ear was made, words' times included."""

    final: bool
    text: str
    """As the recogniser gave it, with its spaces."""
    words: list[tuple[str, float, float, float]]
    """(text, start_ms, end_ms, confidence)"""
    onset_ms: float
    end_ms: float
    """Where the voice was last loud: the end of speech, once `final`."""
    written: str = ""
    """A final's text as it is to be read."""


@dataclass(frozen=True)
class Work:
    """A run of one utterance's audio to be decoded."""

    pcm: bytes
    began_ms: float
    """Where the utterance's audio begins."""
    over: bool
    onset_ms: float
    end_ms: float
    due_ms: float
    """The audio up to here made it due."""


class Ear:
    """`take` is cheap and decides; `decode` is slow and runs elsewhere, one call after the other.

    Silence is not decoded. An utterance's audio, from its pre-roll to its tail, is decoded without
    a hole, so that words' times need its beginning only.
    """

    def __init__(self, pool: Pool, *, batch_ms: float = 0) -> None:
        """`batch_ms`: speech is given out for decoding in runs of at least so much; may change."""
        self.batch_ms = batch_ms
        self._pool = pool
        self._gate = Gate()
        self._voice = Voice()
        self._words = Words()
        self._ready = bytearray()
        self._fed_ms = 0.0
        self._speaking = False
        self._lent: Lent | None = None
        self._glimpse: Glimpse | None = Glimpse(pool)
        self._base_ms = 0.0
        self._said_ms = 0.0

    @property
    def fed_ms(self) -> float:
        """Milliseconds of audio taken."""
        return self._fed_ms

    def hear(self, pcm: bytes) -> list[Said]:
        """`take` and `decode` in one, for those who may wait."""
        return self.decode(self.take(pcm))

    def take(self, pcm: bytes) -> list[Work]:
        """Take any amount of audio; return what is to be decoded now."""
        self._fed_ms += len(pcm) / BYTES_PER_MS
        piece = _PIECE_MS * BYTES_PER_MS
        works = [self._piece(pcm[at : at + piece]) for at in range(0, len(pcm), piece)]
        return [work for work in works if work is not None]

    def decode(self, works: list[Work]) -> list[Said]:
        """Decode what `take` returned, blocking; a partial is left out when words follow it.

        Raises whatever the engine raises; the ear then starts anew.
        """
        said: list[Said] = []
        try:
            for work in works:
                said = [one for one in said if one.final] + self._decode(work)
        except Exception:
            self._lose()
            raise
        return said

    def finish(self) -> list[Said]:
        """Say what is left; the ear may be used again."""
        if not self._speaking:
            return []
        return self.decode([self._run(over=True)])

    def _piece(self, pcm: bytes) -> Work | None:
        self._ready += self._gate.take(pcm)
        self._voice.take(pcm)
        self._speaking = self._speaking or self._gate.open
        if not self._speaking:
            self._voice.forget()
            return None
        if self._over():
            return self._run(over=True)
        ready = self._ready and len(self._ready) >= self.batch_ms * BYTES_PER_MS
        return self._run(over=False) if ready else None

    def _over(self) -> bool:
        # The level is exact where the detector holds on, but in noise it takes speech for silence.
        quiet = self._voice.quiet_ms
        low = quiet is not None and quiet >= TRAILING_MS
        return self._gate.quiet_ms >= (_HOLDING_MS if low else _HUSH_MS)

    def _run(self, *, over: bool) -> Work:
        voice, gate = self._voice, self._gate
        onset = gate.began_ms if voice.onset_ms is None else voice.onset_ms
        end = gate.voice_ms if voice.last_ms is None else voice.last_ms
        due = float(gate.position_ms)
        work = Work(bytes(self._ready), gate.began_ms, over, onset, end, due)
        self._ready.clear()
        if over:
            self._forget()
        return work

    def _forget(self) -> None:
        self._speaking = False
        self._gate.shut()
        self._voice.forget()

    def _decode(self, work: Work) -> list[Said]:
        if self._lent is None:
            if not work.pcm:
                return []
            self._lent = self._pool.take()
            self._base_ms = work.began_ms - self._lent.fed_ms
            self._words.forget()
        heard = self._glimpsed(self._accept(self._lent, work), work)
        said = self._said(heard, work)
        if work.over:
            lent, heard = self._lent, self._lent.recogniser.finish()
            said = [one for one in said if one.final] + self._said(heard, work)
            self._lent = None
            self._pool.give(lent)
        return said

    def _accept(self, lent: Lent, work: Work) -> Heard | None:
        if not work.pcm:
            return None
        ms = len(work.pcm) / BYTES_PER_MS
        metrics.DECODED_SECONDS.inc(ms / 1000)
        heard = lent.accept(work.pcm, ms)
        if heard is None:
            return None
        if heard.final:
            self._words.forget()
        elif self._words.stable(heard.text, lent.fed_ms):
            # On a line too noisy to hear silence on; the recogniser goes on where it was.
            self._words.forget()
            return lent.recogniser.finish()
        return heard

    def _glimpsed(self, heard: Heard | None, work: Work) -> Heard | None:
        """Only of the first utterance, and until it has words."""
        if self._glimpse is None:
            return heard
        known = heard is not None and heard.text
        words = "" if known or work.over else self._glimpse.words(work.pcm)
        if known or work.over or words or self._glimpse.over:
            self._glimpse = None
        return Heard(final=False, text=words) if words else heard

    def _said(self, heard: Heard | None, work: Work) -> list[Said]:
        if heard is None or not (heard.final or heard.text):
            return []
        words = [
            (w.text, self._base_ms + w.start_s * 1000, self._base_ms + w.end_s * 1000, w.confidence)
            for w in heard.words
        ]
        onset = max(work.onset_ms, self._said_ms)
        written = ""
        if heard.final:
            self._said_ms = work.end_ms
            written = self._pool.normalise(heard.text) if heard.text else ""
        return [Said(heard.final, heard.text, words, onset, work.end_ms, written)]

    def _lose(self) -> None:
        lent, self._lent = self._lent, None
        if lent is not None:
            self._pool.lose(lent)
        self._glimpse = None
        self._ready.clear()
        self._forget()
