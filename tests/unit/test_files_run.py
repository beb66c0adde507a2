"""Many files at once: in order, as they come, one broken file spoils itself only."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gateway.errors import AudioError
from gateway.speech.fakes import FakeEngine
from gateway.speech.files_audio import AudioFile
from gateway.speech.files_run import Failure, Remark, Stopped, in_order
from gateway.speech.files_transcribe import FileUtterance, Listening, transcribe
from gateway.speech.pool import Pool
from tests.unit.speech_sounds import silence, voice


def test_results_come_by_file_however_soon_they_are_there() -> None:
    second_done = threading.Event()

    def work(file: str) -> Iterator[str]:
        if file == "first":
            assert second_done.wait(10)
        yield f"{file} 1"
        yield f"{file} 2"
        if file == "second":
            second_done.set()

    found = list(in_order(["first", "second"], work, jobs=2, stopped=threading.Event()))
    assert found == ["first 1", "first 2", "second 1", "second 2"]


def test_a_result_is_there_before_its_file_is_over() -> None:
    go_on = threading.Event()

    def work(_file: str) -> Iterator[str]:
        yield "early"
        assert go_on.wait(10)
        yield "late"

    results = in_order(["one"], work, jobs=1, stopped=threading.Event())
    assert next(results) == "early"
    go_on.set()
    assert list(results) == ["late"]


def test_a_broken_file_is_one_failure_and_the_rest_go_on() -> None:
    def work(file: str) -> Iterator[str | Remark]:
        if file == "broken":
            raise AudioError("is empty")
        if file == "strange":
            raise RuntimeError("what the caller said")
        yield file
        yield Remark(file, "is cut off")

    found = list(in_order(["broken", "good", "strange"], work, jobs=2, stopped=threading.Event()))
    assert found == [
        Failure("broken", "is empty"),
        "good",
        Remark("good", "is cut off"),
        Failure("strange", "could not be transcribed (RuntimeError)"),
    ]


def test_stopping_early_stops_the_work() -> None:
    begun: list[str] = []
    stopped = threading.Event()

    def work(file: str) -> Iterator[str]:
        begun.append(file)
        yield file
        assert stopped.wait(10)
        raise Stopped

    results = in_order([str(number) for number in range(50)], work, jobs=2, stopped=stopped)
    assert next(results) == "0"
    results.close()
    assert stopped.is_set()
    assert set(begun) <= {"0", "1"}


def utterances(path: Path) -> list[FileUtterance]:
    listening = Listening(Pool(FakeEngine(), recycle_s=600), batch_ms=200)
    with AudioFile(path) as audio:
        return list(transcribe(audio, str(path), listening, lambda _at: None))


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2")


def test_two_channels_are_two_speakers_with_their_own_times(tmp_path: Path) -> None:
    left = silence(500) + voice(1000) + silence(3500)
    right = silence(3000) + voice(500) + silence(1500)
    both = np.stack([samples(left), samples(right)], axis=1)
    soundfile.write(tmp_path / "call.wav", both, 16000)
    first, second = utterances(tmp_path / "call.wav")
    assert (first.channel, second.channel) == (0, 1)
    assert first.start == pytest.approx(0.5, abs=0.15)
    assert first.end == pytest.approx(1.5, abs=0.15)
    assert second.start == pytest.approx(3.0, abs=0.15)
    assert second.end == pytest.approx(3.5, abs=0.15)
    assert set(first.text) == {"好"}
    assert first.text == first.text_raw.replace(" ", "")
    assert first.confidence == pytest.approx(0.9)


def test_what_is_said_up_to_the_end_is_not_lost(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "cut.wav", samples(silence(300) + voice(700)), 16000)
    (said,) = utterances(tmp_path / "cut.wav")
    assert said.end == pytest.approx(1.0, abs=0.15)


def test_pauses_part_utterances(tmp_path: Path) -> None:
    pcm = (voice(600) + silence(1400)) * 3
    soundfile.write(tmp_path / "turns.wav", samples(pcm), 16000)
    assert len(utterances(tmp_path / "turns.wav")) == 3


def test_the_shape_is_the_promised_one(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "call.wav", samples(voice(500) + silence(1000)), 16000)
    (said,) = utterances(tmp_path / "call.wav")
    names = ["file", "channel", "start", "end", "text", "text_raw", "confidence"]
    assert list(said.shape(words=False)) == names
    shape = json.loads(json.dumps(said.shape(words=True)))
    assert list(shape) == [*names, "words"]
    assert set(shape["words"][0]) == {"word", "start", "end", "conf"}


def test_what_came_before_a_broken_place_is_kept(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "call.wav", samples(voice(500) + silence(1000)), 16000)

    class Breaks(AudioFile):
        def blocks(self, ms: int) -> Iterator[list[bytes]]:
            yield from super().blocks(ms)
            raise AudioError("is broken after 1.5 s")

    listening = Listening(Pool(FakeEngine(), recycle_s=600), batch_ms=200)
    found: list[FileUtterance] = []
    with Breaks(tmp_path / "call.wav") as audio:
        said = transcribe(audio, "call.wav", listening, lambda _at: None)
        found.append(next(said))
        with pytest.raises(AudioError, match="is broken after"):
            found += said
    assert [one.channel for one in found] == [0]
