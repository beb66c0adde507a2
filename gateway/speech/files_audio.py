"""Audio files of any kind as the recogniser wants them: 16 kHz, 16 bit, each channel apart."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import samplerate as untyped_samplerate
import soundfile as untyped_soundfile

from gateway.errors import AudioError
from gateway.media.audiosocket_codec import SAMPLE_RATE
from gateway.speech.files_formats import (
    MAX_CHANNELS,
    RATES,
    RawFormat,
    raw_format,
    unreadable,
)
from gateway.speech.files_wav import closed_wav, promised_bytes

soundfile: Any = untyped_soundfile
samplerate: Any = untyped_samplerate

_CONVERTER = "sinc_medium"
"""Passes 90 % of the band (libsamplerate): up to 3.6 kHz of a telephone line."""

Samples = np.ndarray[tuple[int, int], np.dtype[np.float32]]


class AudioFile:
    """One open file, read from its beginning to its end, once; a context manager.

    `warning` says what is wrong with a file that can be heard all the same.
    """

    def __init__(
        self, source: Path | BinaryIO, *, rate: int | None = None, channels: int | None = None
    ) -> None:
        """Raises AudioError, which says what is wrong and what to do.

        `rate` (hertz) and `channels` are for raw files, which do not tell (8000 and 1 by default).
        """
        raw = raw_format(source, rate, channels)
        self._stream = closed_wav(source) if raw is None else None
        if self._stream is None and not isinstance(source, Path):
            self._stream = source
        try:
            self._file = _open(self._stream or source, raw)
        except soundfile.LibsndfileError as error:
            raise AudioError(unreadable(source, str(error.error_string))) from error
        self.channels: int = self._file.channels
        self.rate: int = self._file.samplerate
        self._frames: int = self._file.frames
        self._read = 0
        self.warning = ""
        try:
            self._check()
        except AudioError:
            self.close()
            raise
        if not self._frames:
            self.warning = "has no audio in it (0 s)"
        elif raw is None and (promised := promised_bytes(source)):
            self.warning = _cut_off(*promised)

    def __enter__(self) -> "AudioFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, a stream that was given too."""
        self._file.close()
        if self._stream is not None:
            self._stream.close()

    @property
    def duration_s(self) -> float:
        """What the file holds, as far as its beginning tells."""
        return self._frames / self.rate

    @property
    def position_s(self) -> float:
        return self._read / self.rate

    def blocks(self, ms: int) -> Iterator[list[bytes]]:
        """Yield the audio `ms` at a time (the last one is shorter): 16 kHz PCM of each channel.

        Raises AudioError where the file breaks off in a way that its decoder cannot get over.
        """
        size = SAMPLE_RATE * ms // 1000
        waiting = np.empty((0, self.channels), np.float32)
        for part in self._resampled(ms):
            waiting = np.concatenate((waiting, part)) if len(waiting) else part
            while len(waiting) >= size:
                yield _pcm(waiting[:size])
                waiting = waiting[size:]
        if len(waiting):
            yield _pcm(waiting)

    def _resampled(self, ms: int) -> Iterator[Samples]:
        if self.rate == SAMPLE_RATE:
            yield from self._parts(ms)
            return
        resampler = samplerate.Resampler(_CONVERTER, self.channels)
        ratio, given = SAMPLE_RATE / self.rate, 0
        for part in self._parts(ms):
            given += len(out := self._converted(resampler, part, ratio))
            yield out
        # The converter holds some milliseconds back: silence after the end pushes them out.
        tail = np.zeros((self.rate // 10 + 1, self.channels), np.float32)
        yield self._converted(resampler, tail, ratio)[: round(self._read * ratio) - given]

    def _converted(self, resampler: Any, part: Samples, ratio: float) -> Samples:
        return np.asarray(resampler.process(part, ratio), np.float32).reshape(-1, self.channels)

    def _parts(self, ms: int) -> Iterator[Samples]:
        frames = max(self.rate * ms // 1000, 1)
        while True:
            try:
                part = self._file.read(frames, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, OSError) as error:
                raise AudioError(
                    f"is broken after {self.position_s:.1f} s ({error}); "
                    "what came before it is transcribed, record or convert it again"
                ) from error
            if not len(part):
                break
            self._read += len(part)
            yield part
        if self._read < self._frames and not self.warning:
            self.warning = (
                f"is cut off: {self.duration_s:.1f} s promised, {self.position_s:.1f} s there; "
                "what is there is transcribed"
            )

    def _check(self) -> None:
        if self.rate not in RATES:
            raise AudioError(
                f"has a sample rate of {self.rate} Hz; {RATES.start} to {RATES.stop - 1} are taken"
            )
        if self.channels > MAX_CHANNELS:
            raise AudioError(
                f"has {self.channels} channels; at most {MAX_CHANNELS} are taken, each a speaker"
            )


def _open(source: Path | BinaryIO, raw: RawFormat | None) -> Any:
    file = str(source) if isinstance(source, Path) else source
    if raw is None:
        return soundfile.SoundFile(file)
    return soundfile.SoundFile(
        file,
        format="RAW",
        subtype=raw.subtype,
        samplerate=raw.rate,
        channels=raw.channels,
        endian="LITTLE" if raw.subtype.startswith("PCM") else "FILE",
    )


def _cut_off(promised: int, there: int) -> str:
    share = there / promised
    return (
        f"is cut off: its header promises {promised} bytes of audio, {there} are there "
        f"({share:.0%}); what is there is transcribed"
    )


def _pcm(samples: Samples) -> list[bytes]:
    whole = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
    return [np.ascontiguousarray(whole[:, at]).tobytes() for at in range(whole.shape[1])]
