"""Stand-ins for the engine, Redis' stream and the grants, for tests without a model or Redis."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import numpy as np

from gateway.media.audiosocket_codec import SAMPLE_RATE
from gateway.speech.port import Heard, SpeechEvent, TapGrant, Word, speech_event


class FakeEngine:
    """Hears one word, `word`, for each 100 ms of loud audio; never ends an utterance itself.

    `trouble`, when set, is called with each batch first: raise or block there.
    """

    def __init__(self, word: str = "好", model_version: str = "fake-1") -> None:
        self.word = word
        self.model_version = model_version
        self.made = 0
        self.trouble: Callable[[bytes], None] | None = None

    def recogniser(self) -> "FakeRecogniser":
        self.made += 1
        return FakeRecogniser(self)


class FakeRecogniser:
    """Also proves the promise of one call in flight: a second one at a time raises."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self._busy = threading.Lock()
        self._taken_s = 0.0
        self._words: list[Word] = []
        self._loud_s = 0.0

    def accept(self, pcm: bytes) -> Heard | None:
        if not self._busy.acquire(blocking=False):
            raise RuntimeError("two calls in flight")
        try:
            if self._engine.trouble:
                self._engine.trouble(pcm)
            self._take(np.frombuffer(pcm, "<i2"))
            return Heard(final=False, text=self._text)
        finally:
            self._busy.release()

    def finish(self) -> Heard | None:
        heard = Heard(final=True, text=self._text, words=self._words)
        self._words, self._loud_s = [], 0.0
        return heard

    @property
    def _text(self) -> str:
        return " ".join(word.text for word in self._words)

    def _take(self, samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> None:
        for start in range(0, len(samples), SAMPLE_RATE // 100):
            part = samples[start : start + SAMPLE_RATE // 100]
            self._taken_s += len(part) / SAMPLE_RATE
            if int(np.abs(part.astype(np.int32)).max()) > 1000:
                self._loud_s += len(part) / SAMPLE_RATE
            if self._loud_s > 0.0999:
                self._loud_s = 0.0
                end = self._taken_s
                word = Word(text=self._engine.word, start_s=end - 0.1, end_s=end, confidence=0.9)
                self._words.append(word)


class FakeEventLog:
    """Keeps what is appended; `away` (an exception) makes it fail."""

    def __init__(self) -> None:
        self.events: list[SpeechEvent] = []
        self.away: Exception | None = None
        self.refused = 0
        self._changed = asyncio.Event()

    async def append(self, events: Sequence[str]) -> None:
        if self.away is not None:
            self.refused += 1
            self._changed.set()
            raise self.away
        self.events += [speech_event.validate_json(event) for event in events]
        self._changed.set()

    async def until(self, condition: Callable[["FakeEventLog"], bool]) -> None:
        """Wait for a condition on what has been appended or refused."""
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()


class FakeGrants:
    """Grants in a dictionary; `away` (an exception) makes look-ups fail, `hold` take time."""

    def __init__(self) -> None:
        self.grants: dict[str, TapGrant] = {}
        self.away: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.asked = 0

    async def take(self, uuid: str) -> TapGrant | None:
        self.asked += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.away is not None:
            raise self.away
        return self.grants.pop(uuid, None)
