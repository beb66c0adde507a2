"""Whatever is said: no crash, spans that hold, and a safety layer that only raises."""

import json
import os
from functools import cache
from pathlib import Path

from dispatch_said import AGENT, CALLER, engine, said
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calls.facts import UtteranceHeard
from gateway.dispatch.fold import STOP, fold
from gateway.dispatch.rules import DangerBook
from gateway.dispatch.suggest import Dispatcher
from gateway.dispatch.taxonomy import RANK

EXAMPLES = int(os.environ.get("LIANDONG_EXPLORE", "40"))
"""An example is a call of its own: 100 of them took a fifth of all unit tests' time."""
SENTENCES = [
    json.loads(line)["text"]
    for line in (Path(__file__).parents[1] / "data/dispatch_first.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
WORDS = [
    "着火", "没有", "昨天", "要是", "路灯", "坏了", "刀", "拿着", "派出所", "调解过", "停水", "吗",
    "煤气", "漏了", "跳楼", "孩子", "打我", "现在", "我怕", "挪车", "投诉", "\U0001f525", "，", " ",
]  # fmt: skip
anything = st.text(st.characters(), max_size=60)
pieces = st.lists(st.sampled_from([*WORDS, *SENTENCES]), max_size=8).map("".join)
texts = st.one_of(anything, pieces, st.tuples(anything, pieces).map("".join))
turns = st.lists(st.tuples(st.sampled_from([CALLER, AGENT]), texts), max_size=6)


def heard(spoken: list[tuple[str, str]]) -> list[UtteranceHeard]:
    return [
        said("x", number, leg).model_copy(update={"text": text})
        for number, (leg, text) in enumerate(spoken)
    ]


@cache
def without_safety() -> Dispatcher:
    rules = engine().rules
    silent = rules.model_copy(update={"danger": DangerBook(version="none", rule=())})
    return Dispatcher(engine().taxonomy, silent)


@given(turns, st.booleans())
@settings(max_examples=EXAMPLES, deadline=None)
def test_never_crashes_and_spans_always_match(spoken: list[tuple[str, str]], roles: bool) -> None:
    utterances = heard(spoken)
    proposal = engine().suggest(utterances, {AGENT} if roles else ())
    assert proposal == engine().suggest(utterances, {AGENT} if roles else ())
    if proposal is None:
        return
    assert 0 <= proposal.confidence <= 1
    assert proposal.evidence
    by_id = {utterance.utterance_id: utterance.text for utterance in utterances}
    for span in proposal.evidence:
        assert 0 <= span.start < span.end
        assert by_id[span.utterance_id][span.start : span.end] == span.text


@given(turns)
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_safety_layer_never_lowers_urgency(spoken: list[tuple[str, str]]) -> None:
    utterances = heard(spoken)
    plain, safe = without_safety().suggest(utterances), engine().suggest(utterances)
    if plain is not None:
        assert safe is not None
        assert RANK[safe.urgency] >= RANK[plain.urgency]


@given(turns, texts)
@settings(max_examples=EXAMPLES, deadline=None)
def test_more_talk_by_the_same_speaker_never_takes_an_emergency_back(
    spoken: list[tuple[str, str]], more: str
) -> None:
    caller_only = [(CALLER, text) for _, text in spoken]
    before = engine().suggest(heard(caller_only))
    after = engine().suggest(heard([*caller_only, (CALLER, more)]))
    if before is not None and before.urgency == "emergency":
        assert after is not None
        assert after.urgency == "emergency"


@given(texts)
def test_folding_keeps_the_way_back(text: str) -> None:
    folded = fold(text)
    assert len(folded.chars) == len(folded.at)
    assert list(folded.at) == sorted(set(folded.at))
    for index, char in enumerate(folded.chars):
        original = text[folded.at[index]]
        assert char in (STOP, original) or fold(original).chars == char
