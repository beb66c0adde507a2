"""`liandong suggest --jsonl`: one text a line in, one JSON object a line out."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TextIO

import typer

from gateway.calls.facts import UtteranceHeard
from gateway.dispatch.facts import Fact
from gateway.dispatch.suggest import Dispatcher, Proposal
from gateway.dispatch.taxonomy import load
from gateway.errors import ConfigError

MAX_CODE_POINTS = 400_000
"""Longest text answered; an hour of fast speech is about 20,000."""

_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def suggest_lines(
    stdin: Iterable[bytes | str], stdout: TextIO, dispatcher: Dispatcher | None = None
) -> int:
    """Answer each line of `stdin` (UTF-8 bytes or text) on `stdout`; return 0.

    Every line gets one object with the same keys. `platform` is null when nothing was said that
    bears on dispatch; `error` is there when the line itself could not be answered, and says why.
    """
    engine = dispatcher or Dispatcher(load())
    for number, line in enumerate(stdin, start=1):
        answer = _answer(engine, line, number)
        stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        stdout.flush()
    return 0


def command(
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One text a line on standard input.")
    ] = False,
    taxonomy: Annotated[
        Path | None, typer.Option(help="Another taxonomy file than the shipped one.")
    ] = None,
) -> None:
    """Suggest platform, class and urgency for texts, with the words behind it."""
    if not jsonl:
        typer.echo("say --jsonl and give one text a line on standard input", err=True)
        raise typer.Exit(2)
    try:
        dispatcher = Dispatcher(load(taxonomy))
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    # Bytes in, so that a line that is not UTF-8 spoils only itself.
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    raise typer.Exit(suggest_lines(sys.stdin.buffer, sys.stdout, dispatcher))


def _answer(engine: Dispatcher, line: bytes | str, number: int) -> dict[str, object]:
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
    except UnicodeDecodeError as error:
        return _unsure(engine, f"line {number}: not UTF-8 at byte {error.start}; send UTF-8")
    # One code point for one, so that offsets still count from the text that was sent.
    text = text.rstrip("\r\n").translate(_SURROGATES)
    if not text.strip():
        return _unsure(engine, f"line {number}: empty; send the words that were said")
    if len(text) > MAX_CODE_POINTS:
        problem = f"line {number}: {len(text)} code points; send at most {MAX_CODE_POINTS} a line"
        return _unsure(engine, problem)
    utterance = UtteranceHeard(
        call_id="text",
        utterance_id=str(number),
        leg_id="text",
        start_ms=0,
        end_ms=0,
        text=text,
        text_raw=text,
        model="text",
    )
    proposal = engine.suggest([utterance])
    return _shape(proposal) if proposal else _unsure(engine)


def _shape(proposal: Proposal) -> dict[str, object]:
    return {
        "platform": proposal.platform,
        "item": proposal.item,
        "item_name": proposal.item_name,
        "runner_up": proposal.runner_up,
        "urgency": proposal.urgency,
        "type": proposal.type,
        "unit": proposal.units[0] if proposal.units else None,
        "assist": list(proposal.units[1:]),
        "district": asdict(proposal.district) if proposal.district else None,
        "place": proposal.place or None,
        "facts": [_fact(fact) for fact in proposal.facts],
        "title": proposal.title,
        "summary": proposal.summary,
        "ask": list(proposal.ask),
        "deadline": proposal.deadline,
        "confidence": proposal.confidence,
        "sure": proposal.sure,
        "also": list(proposal.also),
        "evidence": [span.model_dump(exclude={"utterance_id"}) for span in proposal.evidence],
        "version": proposal.version,
    }


def _fact(fact: Fact) -> dict[str, object]:
    return {
        "kind": fact.kind,
        "value": fact.value,
        "start": fact.start,
        "end": fact.end,
        "text": fact.text,
    }


def _unsure(engine: Dispatcher, error: str = "") -> dict[str, object]:
    answer: dict[str, object] = {
        "platform": None,
        "item": None,
        "item_name": "",
        "runner_up": None,
        "urgency": "normal",
        "type": "其他",
        "unit": None,
        "assist": [],
        "district": None,
        "place": None,
        "facts": [],
        "title": "",
        "summary": "",
        "ask": ["请问您要反映什么事？在什么位置？"],
        "deadline": "",
        "confidence": 0.0,
        "sure": False,
        "also": [],
        "evidence": [],
        "version": engine.version,
    }
    return answer | {"error": error} if error else answer
