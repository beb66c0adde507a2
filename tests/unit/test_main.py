"""Which command was meant: the gateway's own processes load less than commands for people."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from gateway import commands
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


def shown(cli: typer.Typer, *arguments: str) -> str:
    return CliRunner().invoke(cli, [*arguments, "--help"], terminal_width=200).output


def test_the_list_says_of_each_command_what_it_says_of_itself() -> None:
    listed, whole = typer.Typer(), typer.Typer()
    commands.mount(listed, "")
    commands.mount(whole)
    for name, (_, about) in commands.COMMANDS.items():
        words = about.split()
        assert " ".join(words) in " ".join(shown(whole, name).split())
        assert " ".join(words[:4]) in shown(listed)


def test_a_command_that_is_asked_for_is_there_whole() -> None:
    cli = typer.Typer()
    commands.mount(cli, "callbacks")
    assert "take" in shown(cli, "callbacks").split()
    assert "take" not in shown(cli, "tickets").split()


def test_a_list_of_commands_loads_none_of_them() -> None:
    program = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from gateway.__main__ import main\n"
        "try: main()\n"
        "finally: print([one for one in ('sqlalchemy', 'numpy', 'vosk') if one in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stdout.endswith("[]\n")
