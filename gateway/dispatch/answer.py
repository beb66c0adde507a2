"""One text in, one answer out: the shape that the command line and the API share."""

from dataclasses import asdict

from gateway.dispatch.evaluate import said
from gateway.dispatch.facts import Fact
from gateway.dispatch.suggest import Dispatcher, Proposal
from gateway.errors import TextRefused

MAX_CODE_POINTS = 400_000
"""Longest text answered; an hour of fast speech is about 20,000."""

_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def answer(engine: Dispatcher, text: str, limit: int = MAX_CODE_POINTS) -> dict[str, object]:
    """Return what `engine` proposes for `text`; `platform` is None where it proposes nothing.

    Raises TextRefused for an empty text, and for one of more than `limit` code points.
    """
    # One code point for one, so that offsets still count from the text that was sent.
    text = text.rstrip("\r\n").translate(_SURROGATES)
    if not text.strip():
        raise TextRefused("empty; send the words that were said")
    if len(text) > limit:
        raise TextRefused(f"{len(text)} code points; send at most {limit}")
    proposal = engine.suggest([said(text)])
    return _shape(proposal) if proposal else unsure(engine)


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


def unsure(engine: Dispatcher, error: str = "") -> dict[str, object]:
    """Return the answer that proposes nothing; `error` says why a text could not be read."""
    found: dict[str, object] = {
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
    return found | {"error": error} if error else found
