"""Numerals are read in a process of their own: beside Vosk the library corrupts memory."""

import gc
import os
import signal
import subprocess
import sys

import pytest

from gateway.speech.text.reader import WeTextReader


def test_it_reads_and_another_process_takes_over_when_it_dies() -> None:
    reader = WeTextReader()
    assert [reader(one) for one in ("一百二十三", "百分之五十")] == ["123", "50%"]
    process = reader._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    with pytest.raises(OSError):  # noqa: PT011 - any of a closed pipe's errors
        reader("三百二十一")
    assert reader("三百二十一") == "321"


def test_its_process_ends_with_it() -> None:
    reader = WeTextReader()
    reader("十二")
    process = reader._process
    assert process is not None
    del reader
    gc.collect()
    assert process.poll() is not None


def test_it_stays_out_of_the_process_that_decodes() -> None:
    code = (
        "import sys, vosk; from gateway.speech.text.reader import WeTextReader;"
        "print(WeTextReader()('一百二十三'), 'kaldifst' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["123", "False"]
