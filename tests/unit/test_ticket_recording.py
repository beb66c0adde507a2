"""Whether a recording covers its call."""

import wave
from datetime import timedelta

import pytest

from gateway.tickets.recording import covers


def given_wav(path, seconds, header_seconds=None):
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(b"\0\0" * int(8000 * seconds))
    if header_seconds is not None:  # as while Asterisk still has the file open
        data = bytearray(path.read_bytes())
        data[40:44] = int(16000 * header_seconds).to_bytes(4, "little")
        path.write_bytes(data)


@pytest.mark.parametrize(("seconds", "answer"), [(60, True), (58.5, True), (40, False)])
def test_length_is_compared_with_the_call(tmp_path, seconds, answer):
    given_wav(tmp_path / "call.wav", seconds)
    assert covers(tmp_path, "call.wav", timedelta(seconds=60)) is answer


def test_open_file_is_measured_by_its_size(tmp_path):
    given_wav(tmp_path / "call.wav", 60, header_seconds=0)
    assert covers(tmp_path, "call.wav", timedelta(seconds=60)) is True


def test_name_without_suffix_is_a_wav(tmp_path):
    given_wav(tmp_path / "call.wav", 60)
    assert covers(tmp_path, "call", timedelta(seconds=60)) is True


def test_unknown_where_the_file_cannot_be_read(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    assert covers(tmp_path, "text.wav", timedelta(seconds=60)) is None
    assert covers(tmp_path, "missing.wav", timedelta(seconds=60)) is None
