"""Utterances and one shared engine for the dispatch tests."""

from functools import cache

from gateway.calls.facts import UtteranceHeard
from gateway.dispatch import taxonomy
from gateway.dispatch.suggest import Dispatcher, Proposal

CALLER, AGENT = "leg-caller", "leg-agent"


@cache
def engine() -> Dispatcher:
    return Dispatcher(taxonomy.load())


def said(text: str, number: int = 1, leg: str = CALLER) -> UtteranceHeard:
    return UtteranceHeard(
        call_id="call",
        utterance_id=f"u{number}",
        leg_id=leg,
        start_ms=number * 1000,
        end_ms=number * 1000 + 900,
        text=text,
        text_raw=text,
        model="test",
    )


def conversation(*turns: tuple[str, str]) -> list[UtteranceHeard]:
    return [said(text, number, leg) for number, (leg, text) in enumerate(turns)]


def suggest(*texts: str) -> Proposal | None:
    return engine().suggest([said(text, number) for number, text in enumerate(texts)])


def spoken(*texts: str) -> Proposal:
    """Like `suggest`, where an answer is expected."""
    proposal = suggest(*texts)
    assert proposal is not None, texts
    return proposal
