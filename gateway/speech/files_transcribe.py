"""From one audio file to its utterances, with the ear and the end-pointing of live calls."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.errors import AudioError
from gateway.speech.ear import Ear, Said
from gateway.speech.files_audio import AudioFile
from gateway.speech.pool import Pool
from gateway.speech.text.spaces import plain


@dataclass(frozen=True)
class Listening:
    """How files are heard: as calls are."""

    pool: Pool
    """Of recognisers; it also writes text for readers."""
    batch_ms: int


@dataclass(frozen=True)
class FileUtterance:
    """What one speaker said without a pause. Seconds from the beginning of the file."""

    file: str
    channel: int
    """From 0; each channel is a speaker."""
    start: float
    end: float
    text: str
    text_raw: str
    """As the recogniser gave it, with its spaces."""
    confidence: float | None
    """Mean of the words' confidences."""
    words: list[dict[str, str | float]] = field(default_factory=list)
    """Each with `word`, `start`, `end` and `conf`, as Vosk names them."""

    def shape(self, *, words: bool) -> dict[str, object]:
        """Return the JSON object of `liandong transcribe --jsonl`."""
        return {name: value for name, value in vars(self).items() if words or name != "words"}


def transcribe(
    audio: AudioFile, name: str, listening: Listening, advance: Callable[[float], None]
) -> Iterator[FileUtterance]:
    """Yield the utterances of all channels, each as soon as it is over.

    `advance` is told how many seconds of the file are read. Raises AudioError, after what came
    before the broken place; its text goes on from a file name.
    """
    ears = [Ear(listening.pool, batch_ms=listening.batch_ms) for _ in range(audio.channels)]
    broken: AudioError | None = None
    try:
        for block in audio.blocks(listening.batch_ms):
            for channel, (ear, pcm) in enumerate(zip(ears, block, strict=True)):
                yield from _utterances(ear.hear(pcm), name, channel)
            advance(audio.position_s)
    except AudioError as error:
        broken = error
    for channel, ear in enumerate(ears):
        yield from _utterances(ear.finish(), name, channel)
    if broken:
        raise broken


def _utterances(heard: list[Said], name: str, channel: int) -> Iterator[FileUtterance]:
    for said in heard:
        if said.final and (text := said.written or plain(said.text)):
            yield _utterance(said, text, name, channel)


def _utterance(said: Said, text: str, name: str, channel: int) -> FileUtterance:
    words = said.words
    return FileUtterance(
        file=name,
        channel=channel,
        start=_seconds(words[0][1] if words else said.onset_ms),
        end=_seconds(words[-1][2] if words else said.end_ms),
        text=text,
        text_raw=said.text,
        confidence=round(sum(word[3] for word in words) / len(words), 4) if words else None,
        words=[
            {"word": word, "start": _seconds(start), "end": _seconds(end), "conf": sure}
            for word, start, end, sure in words
        ],
    )


def _seconds(ms: float) -> float:
    return round(max(ms, 0) / 1000, 3)
