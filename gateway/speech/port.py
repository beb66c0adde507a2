"""What the recognition worker says, and what an engine must offer.

Finals, gaps and closings are facts (`gateway.calls.facts`); partials are shown and forgotten.
"""

from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gateway.calls.facts import GapMarked, SpeechClosed, UtteranceHeard


class PartialHeard(BaseModel):
    """Words so far of an utterance that is still being spoken."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["utterance.partial"] = "utterance.partial"
    call_id: str
    leg_id: str
    utterance_id: str
    start_ms: int
    text: str

    def so_far(self) -> UtteranceHeard:
        """Return it as if the utterance ended here."""
        return UtteranceHeard(
            call_id=self.call_id,
            utterance_id=self.utterance_id,
            leg_id=self.leg_id,
            start_ms=self.start_ms,
            end_ms=self.start_ms,
            text=self.text,
            text_raw=self.text,
            model="",
        )


SpeechEvent = Annotated[
    PartialHeard | UtteranceHeard | GapMarked | SpeechClosed, Field(discriminator="kind")
]
speech_event: TypeAdapter[SpeechEvent] = TypeAdapter(
    SpeechEvent, config=ConfigDict(hide_input_in_errors=True)
)


class TapGrant(BaseModel):
    """What a tap's uuid stands for; kept in Redis under `live.names.tap(uuid)`, read once."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    call_id: str
    leg_id: str
    call_started_ms: int
    """Unix milliseconds of the call's start: zero of every offset."""


class Word(BaseModel):
    text: str
    start_s: float
    end_s: float
    confidence: float


class Heard(BaseModel):
    """What an engine returns. Times are seconds of audio since the recogniser was made."""

    final: bool
    text: str
    words: list[Word] = Field(default_factory=list)


class Recogniser(Protocol):
    """Not thread-safe: at most one call in flight. After its final it may serve another leg."""

    def accept(self, pcm: bytes) -> Heard | None:
        """Take 16 kHz 16-bit mono PCM; blocking: run it in an executor.

        None: nothing to show that was not shown before.
        """
        ...

    def finish(self) -> Heard | None:
        """Say what is left."""
        ...


class Engine(Protocol):
    model_version: str

    def recogniser(self) -> Recogniser: ...
