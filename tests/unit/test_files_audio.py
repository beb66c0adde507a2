"""Audio of every kind comes out as 16 kHz, 16 bit, each channel apart; the rest is told."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gateway.errors import AudioError
from gateway.speech.files_audio import AudioFile

SECONDS = 1.5
TONES = (440.0, 1000.0)
"""Hertz, one a channel."""


def tone(hertz: float, rate: int, seconds: float = SECONDS) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def written(path: Path, rate: int, channels: int, **how: str) -> Path:
    samples = np.stack([tone(TONES[at], rate) for at in range(channels)], axis=1)
    soundfile.write(path, samples, rate, **how)
    return path


def heard(audio: AudioFile) -> list[np.ndarray]:
    """Samples of each channel, from -1 to 1."""
    blocks = list(audio.blocks(200))
    assert {len(pcm) for block in blocks[:-1] for pcm in block} <= {6400}
    return [
        np.frombuffer(b"".join(block[at] for block in blocks), "<i2") / 32768
        for at in range(audio.channels)
    ]


def loudest_hertz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.argmax(spectrum)) * 16000 / len(samples)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("u8.wav", {"subtype": "PCM_U8"}),
        ("s16.wav", {"subtype": "PCM_16"}),
        ("s24.wav", {"subtype": "PCM_24"}),
        ("s32.wav", {"subtype": "PCM_32"}),
        ("float.wav", {"subtype": "FLOAT"}),
        ("double.wav", {"subtype": "DOUBLE"}),
        ("alaw.wav", {"subtype": "ALAW"}),
        ("ulaw.wav", {"subtype": "ULAW"}),
        ("big.wav", {"subtype": "PCM_16", "endian": "BIG"}),
        ("long.wav", {"format": "RF64"}),
        ("some.flac", {}),
        ("some.ogg", {}),
        ("some.mp3", {}),
    ],
)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2)])
def test_every_kind_keeps_its_sound_length_and_channels(
    tmp_path: Path, name: str, how: dict[str, str], rate: int, channels: int
) -> None:
    with AudioFile(written(tmp_path / name, rate, channels, **how)) as audio:
        parts = heard(audio)
        assert audio.warning == ""
        assert audio.position_s == pytest.approx(audio.duration_s)
    assert len(parts) == channels
    for part, hertz in zip(parts, TONES, strict=False):
        assert len(part) / 16000 == pytest.approx(SECONDS, abs=0.15)  # MP3 adds some silence
        assert loudest_hertz(part) == pytest.approx(hertz, abs=4)
        middle = part[8000:16000]
        assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / 2**0.5, rel=0.1)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_every_sample_rate_has_the_right_length_and_pitch(tmp_path: Path, rate: int) -> None:
    with AudioFile(written(tmp_path / "some.wav", rate, 1)) as audio:
        (part,) = heard(audio)
    assert len(part) == pytest.approx(SECONDS * 16000, abs=16)
    assert loudest_hertz(part) == pytest.approx(440, abs=1)


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate"),
    [
        ("alaw", "ALAW", 8000),
        ("ULAW", "ULAW", 8000),
        ("pcm", "PCM_16", 8000),
        ("sln16", "PCM_16", 16000),
        ("gsm", "GSM610", 8000),
    ],
)
def test_raw_files_go_by_their_name(tmp_path: Path, suffix: str, subtype: str, rate: int) -> None:
    path = tmp_path / f"some.{suffix}"
    soundfile.write(path, tone(440, rate), rate, format="RAW", subtype=subtype, endian="LITTLE")
    with AudioFile(path) as audio:
        (part,) = heard(audio)
    assert len(part) == pytest.approx(SECONDS * 16000, abs=16)
    assert loudest_hertz(part) == pytest.approx(440, abs=1)


def test_a_raw_file_of_another_rate_and_two_channels(tmp_path: Path) -> None:
    path = tmp_path / "some.pcm"
    both = np.stack([tone(hertz, 16000) for hertz in TONES], axis=1)
    soundfile.write(path, both, 16000, format="RAW", subtype="PCM_16", endian="LITTLE")
    with AudioFile(path, rate=16000, channels=2) as audio:
        assert [round(loudest_hertz(part)) for part in heard(audio)] == [440, 1000]


def test_loud_float_audio_is_clipped_and_does_not_wrap(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", 8 * tone(440, 16000), 16000, subtype="FLOAT")
    with AudioFile(tmp_path / "loud.wav") as audio:
        (part,) = heard(audio)
    assert np.mean(np.abs(part) > 0.99) > 0.8
    assert loudest_hertz(part) == pytest.approx(440, abs=1)


def test_audio_comes_from_a_stream_too(tmp_path: Path) -> None:
    data = io.BytesIO(written(tmp_path / "some.wav", 8000, 1).read_bytes())
    with AudioFile(data) as audio:
        assert len(heard(audio)[0]) == pytest.approx(SECONDS * 16000, abs=16)


@pytest.mark.parametrize("subtype", ["PCM_16", "ALAW"])
def test_a_wav_that_is_cut_off_is_heard_as_far_as_it_goes(tmp_path: Path, subtype: str) -> None:
    path = written(tmp_path / "cut.wav", 8000, 1, subtype=subtype)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    for source in (path, io.BytesIO(path.read_bytes())):
        with AudioFile(source) as audio:
            (part,) = heard(audio)
            assert "is cut off" in audio.warning
        assert len(part) / 16000 == pytest.approx(SECONDS * 2 / 3, abs=0.01)


@pytest.mark.parametrize("length", [0, 0xFFFF_FFFF])
def test_a_wav_out_of_a_pipe_goes_to_its_end(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "piped.wav", 8000, 1, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = data[4:8] = struct.pack("<I", length)
    path.write_bytes(data)
    with AudioFile(path) as audio:
        assert len(heard(audio)[0]) / 16000 == pytest.approx(SECONDS, abs=0.01)
        assert audio.warning == ""


def test_what_follows_an_empty_wav_is_no_audio(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000, subtype="PCM_16")
    data = (
        bytearray((tmp_path / "none.wav").read_bytes())
        + b"LIST"
        + struct.pack("<I", 8)
        + b"INFOxxxx"
    )
    data[4:8] = struct.pack("<I", len(data) - 8)
    (tmp_path / "none.wav").write_bytes(data)
    with AudioFile(tmp_path / "none.wav") as audio:
        assert list(audio.blocks(200)) == []


@pytest.mark.parametrize("name", ["cut.flac", "cut.ogg", "cut.mp3"])
def test_packed_audio_that_is_cut_off_is_never_silently_short(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, 44_100, 2)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    blocks, told = [], ""
    try:
        with AudioFile(path) as audio:
            for block in audio.blocks(200):
                blocks.append(block)
            told = audio.warning
    except AudioError as error:
        told = str(error)
    # An OGG tells its length by its last page: what is there is all there is.
    assert told or name == "cut.ogg"


def test_no_samples_is_a_remark_and_no_error(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000, subtype="PCM_16")
    with AudioFile(tmp_path / "none.wav") as audio:
        assert list(audio.blocks(200)) == []
        assert "no audio in it" in audio.warning


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("empty.wav", b"", "is empty (0 bytes)"),
        ("empty.alaw", b"", "is empty (0 bytes)"),
        ("text.wav", "你好，这不是录音。\n".encode() * 200, "is text"),
        ("text.mp3", b"not a recording", "is text"),
        ("page.wav", b"<html><body>404</body></html>", "is text"),
        ("noise.wav", bytes(range(256)) * 9, "no audio that is known"),
        ("head.wav", b"RIFF\x24\0\0\0WAVEfmt ", "is a broken WAV file"),
    ],
)
def test_what_cannot_be_heard_says_why(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioError) as told:
        AudioFile(tmp_path / name)
    assert why in str(told.value)
    assert "\n" not in str(told.value)


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is not there"):
        AudioFile(tmp_path / "none.wav")
    with pytest.raises(AudioError, match="is a folder"):
        AudioFile(tmp_path)
    with pytest.raises(AudioError, match="nothing came in"):
        AudioFile(io.BytesIO())


def test_too_many_channels_and_odd_rates_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "many.wav", np.zeros((10, 17)), 8000)
    with pytest.raises(AudioError, match="17 channels"):
        AudioFile(tmp_path / "many.wav")
    soundfile.write(tmp_path / "slow.wav", np.zeros(10), 100)
    with pytest.raises(AudioError, match="100 Hz"):
        AudioFile(tmp_path / "slow.wav")
