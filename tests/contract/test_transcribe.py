"""`liandong transcribe` as people run it, on a real model: formats, speakers, broken files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.contract.spoken import AUDIO, MODEL_ENV, dialogue, engine, errors

pytestmark = pytest.mark.speech


def run(
    *arguments: str | Path, stdin: bytes = b"", model: str = ""
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {MODEL_ENV: model or str(engine().model_dir.resolve())}
    return subprocess.run(
        [sys.executable, "-m", "gateway", "transcribe", *map(str, arguments)],
        env=environment,
        input=stdin,
        capture_output=True,
        timeout=100,
        check=False,
    )


def lines(ended: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in ended.stdout.decode().splitlines()]


def turn(number: int) -> tuple[str, np.ndarray]:
    """Return script and 8 kHz samples of a turn of the dialogue about a fight."""
    spoken = dialogue("fight")[number]
    return spoken.text, np.frombuffer(spoken.pcm, "<i2")[::2]


def up(samples: np.ndarray, rate: int) -> np.ndarray:
    places = np.arange(len(samples) * rate // 8000) * 8000 / rate
    return np.interp(places, np.arange(len(samples)), samples).astype("<i2")


def test_every_format_says_the_same_and_broken_files_say_why(tmp_path: Path) -> None:
    text, samples = turn(1)
    quiet = np.zeros(8000, "<i2")
    samples = np.concatenate([samples, quiet])
    soundfile.write(tmp_path / "alaw.wav", samples, 8000, subtype="ALAW")
    soundfile.write(tmp_path / "some.flac", samples, 8000)
    soundfile.write(tmp_path / "cd.mp3", up(samples, 44_100), 44_100)
    soundfile.write(tmp_path / "cut.wav", np.concatenate([samples, quiet]), 8000)
    with (tmp_path / "cut.wav").open("r+b") as file:
        file.truncate(44 + 2 * len(samples))
    (tmp_path / "text.wav").write_text("这是文字，不是录音。" * 50, "utf-8")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "silent.wav", np.zeros(0, "<i2"), 8000)
    good = ["alaw.wav", "some.flac", "cd.mp3", "cut.wav"]
    names = ["text.wav", *good, "empty.wav", "silent.wav"]
    ended = run("--jsonl", *(tmp_path / name for name in names), AUDIO / "fight-02-caller.alaw")
    said = lines(ended)
    files = list(dict.fromkeys(Path(str(one["file"])).name for one in said))
    assert files == [*good, "fight-02-caller.alaw"]
    for name in files:
        parts = [one for one in said if Path(str(one["file"])).name == name]
        assert errors(text, "".join(str(one["text"]) for one in parts)) <= 1, name
    for one in said:
        assert str(one["text_raw"]).replace(" ", "")
        assert 0 < float(str(one["start"])) < float(str(one["end"])) < 4.2
    told = ended.stderr.decode().splitlines()
    assert [line.split(": ", 1)[1].split(" (")[0] for line in told] == [
        "is text, whatever its name says; taken are WAV, FLAC, OGG, MP3, or raw .alaw, .ulaw, "
        ".pcm, .gsm",
        told[1].split(": ", 1)[1].split(" (")[0],
        "is empty",
        "has no audio in it",
    ]
    assert "cut.wav: is cut off" in told[1]
    assert ended.returncode == 1


def test_two_channels_at_cd_rate_are_two_speakers(tmp_path: Path) -> None:
    (asked, first), (told, second) = turn(0), turn(1)
    pause = np.zeros(8000, "<i2")
    left = np.concatenate([first, pause, np.zeros_like(second), pause])
    right = np.concatenate([np.zeros_like(first), pause, second, pause])
    both = np.stack([up(left, 44_100), up(right, 44_100)], axis=1)
    soundfile.write(tmp_path / "call.wav", both, 44_100)
    ended = run("--jsonl", "--words", tmp_path / "call.wav")
    assert ended.returncode == 0, ended.stderr
    said = lines(ended)
    for channel, script in enumerate((asked, told)):
        parts = [one for one in said if one["channel"] == channel]
        text = "".join(str(one["text_raw"]) for one in parts).replace(" ", "")
        assert errors(script, text) / len(script) < 0.2
    begins = len(first) / 8000 + 1
    assert float(str(said[-1]["start"])) == pytest.approx(begins + 0.1, abs=0.25)
    words = said[-1]["words"]
    assert isinstance(words, list)
    assert words[0]["start"] == said[-1]["start"]
    assert words[-1]["end"] == said[-1]["end"]


def test_a_wav_may_come_in_by_standard_input(tmp_path: Path) -> None:
    text, samples = turn(1)
    soundfile.write(tmp_path / "call.wav", samples, 8000, subtype="ULAW")
    ended = run("--jsonl", "-", stdin=(tmp_path / "call.wav").read_bytes())
    said = lines(ended)
    assert {one["file"] for one in said} == {"-"}
    assert errors(text, "".join(str(one["text"]) for one in said)) <= 1
    nothing = run("--jsonl", "-")
    assert nothing.returncode == 1
    assert nothing.stderr.decode().strip() == "-: is empty (0 bytes): nothing came in"


def test_people_read_lines_with_times() -> None:
    ended = run(AUDIO / "fight-02-caller.alaw")
    head, *spoken = ended.stdout.decode().splitlines()
    assert head.endswith("fight-02-caller.alaw")
    assert all(line.strip().startswith("00:00:0") for line in spoken)
    assert "打架" in spoken[-1]
    assert ended.stderr == b""


def test_without_a_model_it_says_so_in_a_line(tmp_path: Path) -> None:
    ended = run(AUDIO / "fight-02-caller.alaw", model=str(tmp_path / "none"))
    assert ended.returncode == 1
    assert ended.stderr.decode().count("\n") == 1
    assert "no speech model at" in ended.stderr.decode()
