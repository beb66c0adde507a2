"""From what an ear said to speech events: ids, text, and times from the start of the call."""

from bisect import bisect_right

from gateway.calls.facts import UtteranceHeard
from gateway.ids import new_id
from gateway.speech.ear import Said
from gateway.speech.port import PartialHeard, TapGrant
from gateway.speech.text.spaces import plain

__all__ = ["Timeline", "Transcript", "plain"]


class Timeline:
    """Maps milliseconds of fed audio to milliseconds of the call, across gaps."""

    def __init__(self) -> None:
        self._fed: list[float] = []
        self._call: list[float] = []

    def mark(self, fed_ms: float, call_ms: float) -> None:
        """Audio fed from `fed_ms` on was spoken from `call_ms` on."""
        if not self._fed or abs(self.call_ms(fed_ms) - call_ms) > 1:
            self._fed.append(fed_ms)
            self._call.append(call_ms)

    def call_ms(self, fed_ms: float) -> int:
        if not self._fed:
            return 0
        at = max(bisect_right(self._fed, fed_ms) - 1, 0)
        return max(round(self._call[at] + fed_ms - self._fed[at]), 0)

    def forget(self, before_ms: float) -> None:
        """Nothing that was fed before `before_ms` will be asked for again."""
        keep = max(bisect_right(self._fed, before_ms) - 1, 0)
        del self._fed[:keep], self._call[:keep]


class Transcript:
    """One leg's utterances. A partial and the final that follows share an utterance id."""

    def __init__(self, grant: TapGrant, model_version: str, timeline: Timeline) -> None:
        self._grant = grant
        self._model = model_version
        self._timeline = timeline
        self._id = ""
        self._shown = ""

    def event(self, said: Said) -> PartialHeard | UtteranceHeard | None:
        """Return the event to publish; None when nothing changed."""
        text = said.written or plain(said.text)
        if said.final and text:
            return self._final(said, text)
        if text == self._shown:
            if said.final:
                self._begin()
            return None
        partial = self._partial(said, text)
        if said.final:
            # Words were shown and then taken back: the empty partial clears them.
            self._begin()
        return partial

    def _begin(self) -> None:
        self._id, self._shown = "", ""

    def _partial(self, said: Said, text: str) -> PartialHeard:
        self._id, self._shown = self._id or new_id(), text
        return PartialHeard(
            call_id=self._grant.call_id,
            leg_id=self._grant.leg_id,
            utterance_id=self._id,
            start_ms=self._timeline.call_ms(said.onset_ms),
            text=text,
        )

    def _final(self, said: Said, text: str) -> UtteranceHeard:
        call_ms = self._timeline.call_ms
        words = [
            (word, call_ms(start), call_ms(end), conf) for word, start, end, conf in said.words
        ]
        heard = UtteranceHeard(
            call_id=self._grant.call_id,
            leg_id=self._grant.leg_id,
            utterance_id=self._id or new_id(),
            start_ms=words[0][1] if words else call_ms(said.onset_ms),
            end_ms=words[-1][2] if words else call_ms(said.end_ms),
            text=text,
            text_raw=said.text,
            confidence=round(sum(w[3] for w in words) / len(words), 4) if words else None,
            model=self._model,
            words=words,
        )
        self._begin()
        return heard
