"""Which command was meant: the gateway's own processes load less than commands for people."""

import pytest

from gateway.__main__ import _command


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["serve", "--config", "x"], "serve"),
        (["--log-level", "serve", "doctor"], "doctor"),
        (["--log-json", "--log-level=debug", "recognise"], "recognise"),
        (["asr", "serve"], "asr"),
        (["--help"], ""),
        ([], ""),
    ],
)
def test_the_command_is_the_first_word(arguments: list[str], command: str) -> None:
    assert _command(arguments) == command
