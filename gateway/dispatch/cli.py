"""`liandong suggest --jsonl`: one text a line in, one JSON object a line out."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TextIO

import typer

from gateway.dispatch.advice import ProfileId
from gateway.dispatch.answer import answer, unsure
from gateway.dispatch.cli_exit import or_exit
from gateway.dispatch.suggest import Dispatcher
from gateway.dispatch.taxonomy import load
from gateway.errors import TextRefused


def suggest_lines(
    stdin: Iterable[bytes | str], stdout: TextIO, dispatcher: Dispatcher | None = None
) -> int:
    """Answer each line of `stdin` (UTF-8 bytes or text) on `stdout`; return 0.

    Every line gets one object with the same keys. `platform` is null when nothing was said that
    bears on dispatch; `error` is there when the line itself could not be answered, and says why.
    """
    engine = dispatcher or Dispatcher(load())
    for number, line in enumerate(stdin, start=1):
        answered = _answer(engine, line, number)
        stdout.write(json.dumps(answered, ensure_ascii=False) + "\n")
        stdout.flush()
    return 0


def command(
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One text a line on standard input.")
    ] = False,
    taxonomy: Annotated[
        Path | None, typer.Option(help="Another taxonomy file than the shipped one.")
    ] = None,
    platform: Annotated[
        ProfileId, typer.Option(help="Whose places, units and deadlines are meant.")
    ] = "siyang",
) -> None:
    """Suggest platform, class and urgency for texts, with the words behind it."""
    if not jsonl:
        typer.echo("say --jsonl and give one text a line on standard input", err=True)
        raise typer.Exit(2)
    dispatcher = or_exit(lambda: Dispatcher(load(taxonomy), profile=platform))
    # Bytes in, so that a line that is not UTF-8 spoils only itself.
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    raise typer.Exit(suggest_lines(sys.stdin.buffer, sys.stdout, dispatcher))


def _answer(engine: Dispatcher, line: bytes | str, number: int) -> dict[str, object]:
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        return answer(engine, text)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}; send UTF-8"
    except TextRefused as error:
        problem = str(error)
    return unsure(engine, f"line {number}: {problem}")
