"""Calls as the API shows them: masking, reveal, past calls, verbs and decisions."""

import pytest

from gateway.calls.facts import TransferState
from gateway.calls.scripts import NUMBER, LinkedCall
from gateway.calls.view import CallView
from gateway.errors import IllegalVerb, SwitchRefused, SwitchTimeout, SwitchUnreachable

CALL = "0197a000-0000-7000-8000-000000000001"
PATHS = ("/calls", f"/calls/{CALL}", f"/calls/{CALL}/transcript", f"/calls/{CALL}/suggestion")


async def test_call_by_an_operator_on_it(api):
    call = (await api.ask("GET", f"/calls/{CALL}", "operator")).json()
    assert [(leg["role"], leg["centre"], leg["state"]) for leg in call["legs"]] == [
        ("caller", "", "in_room"),
        ("agent", "12345", "in_room"),
        ("agent", "110", "in_room"),
    ]
    assert [step["state"] for step in call["transfers"][0]["steps"]] == [
        "requested", "ringing", "three_way",
    ]  # fmt: skip
    assert call["ticket"]["state"] == "delivered"
    assert (call["may_act"], call["may_reveal"], call["recording"]) == (True, True, "")


async def test_summary(api):
    (call,) = (await api.ask("GET", "/calls", "supervisor")).json()
    assert call["agents"] == ["王敏", "李强"]
    assert (call["transfer_state"], call["urgency"]) == ("three_way", "emergency")


@pytest.mark.parametrize("role", ["operator", "supervisor"])
@pytest.mark.parametrize("path", PATHS)
async def test_numbers_are_masked(api, role, path):
    api.control.feed(api.script.said(5, "我的电话是13812341234，也就是一三八一二三四一二三四"))
    text = (await api.ask("GET", path, role)).text
    assert "12341234" not in text
    assert "一二三四一二三四" not in text
    if path.endswith("transcript"):
        assert "138****1234" in text
        assert "一三八****一二三四" in text


async def test_number_told_in_pieces_is_masked_over_the_answers_between(api):
    for number, words in ((5, "我电话138"), (6, "嗯好的"), (7, "1234"), (8, "对"), (9, "1234")):
        api.control.feed(api.script.said(number, words))
    heard = (await api.ask("GET", f"/calls/{CALL}/transcript", "operator")).json()["utterances"]
    assert [one["text"] for one in heard][-5:] == ["我电话138", "嗯好的", "****", "对", "1234"]
    assert [one["text_raw"] for one in heard][-3:] == ["****", "对", "1234"]
    clear = (await api.ask("GET", f"/calls/{CALL}/transcript", "system")).json()["utterances"]
    assert clear[-3]["text"] == "1234"


async def test_system_gets_numbers_clear_and_is_audited(api):
    for path in PATHS:
        await api.ask("GET", path, "system")
    assert NUMBER in (await api.ask("GET", f"/calls/{CALL}", "system")).text
    assert {entry[:2] for entry in api.ledger.audited} == {("orders", "numbers.clear")}
    assert len(api.ledger.audited) == len(PATHS) + 1


async def test_reveal_is_audited_before_it_is_shown(api):
    body = {"reason": "回拨"}
    shown = await api.ask("POST", f"/calls/{CALL}/reveal", "operator", json=body)
    assert shown.json() == {"call_id": CALL, "caller_number": NUMBER}
    assert api.ledger.audited == [("wang", "numbers.reveal", CALL, "回拨")]


async def test_no_audit_no_reveal(api):
    api.ledger.down = True
    refused = await api.ask("POST", f"/calls/{CALL}/reveal", "supervisor", json={})
    assert (refused.status_code, refused.json()["slug"]) == (503, "ledger")
    assert NUMBER not in refused.text


async def test_operator_who_left_sees_but_neither_acts_nor_reveals(api):
    api.control.feed(*api.script.ended())
    call = (await api.ask("GET", f"/calls/{CALL}", "operator")).json()
    assert (call["may_act"], call["may_reveal"]) == (False, False)
    for path, body in (("back", None), ("reveal", {})):
        refused = await api.ask("POST", f"/calls/{CALL}/{path}", "operator", json=body)
        assert (refused.status_code, refused.json()["slug"]) == (403, "not-allowed")


async def test_past_call_comes_from_the_record(api):
    past = CallView(id="past")
    for fact in LinkedCall("past").three_way():
        past.apply(fact)
    api.ledger.past["past"] = past
    assert (await api.ask("GET", "/calls/past", "supervisor")).json()["id"] == "past"
    assert (await api.ask("GET", "/calls/never", "supervisor")).status_code == 404


async def test_live_call_needs_no_ledger(api):
    api.ledger.down = True
    assert (await api.ask("GET", f"/calls/{CALL}", "operator")).status_code == 200
    assert (await api.ask("POST", f"/calls/{CALL}/back", "operator")).status_code == 200


async def test_gaps_and_closed_legs(api):
    from gateway.calls.facts import GapMarked, SpeechClosed

    leg = api.script.caller
    api.control.feed(
        GapMarked(call_id=CALL, leg_id=leg, start_ms=100, end_ms=900, why="dropped"),
        SpeechClosed(call_id=CALL, leg_id=leg),
    )
    said = (await api.ask("GET", f"/calls/{CALL}/transcript", "operator")).json()
    assert said["gaps"] == [{"leg_id": leg, "start_ms": 100, "end_ms": 900, "why": "dropped"}]
    assert said["closed_legs"] == [leg]


async def test_evidence_spans_fit_the_utterances(api):
    said = (await api.ask("GET", f"/calls/{CALL}/transcript", "operator")).json()
    made = (await api.ask("GET", f"/calls/{CALL}/suggestion", "operator")).json()["suggestion"]
    texts = {heard["utterance_id"]: heard["text"] for heard in said["utterances"]}
    assert made["evidence"]
    for span in made["evidence"]:
        assert texts[span["utterance_id"]][span["start"] : span["end"]] == span["text"]


async def test_verbs(api):
    verbs = (await api.ask("GET", f"/calls/{CALL}/verbs", "operator")).json()
    assert verbs["may_act"]
    assert {"verb": "transfer", "target": "110", "key": "*110"} in verbs["verbs"]
    assert not (await api.ask("GET", f"/calls/{CALL}/verbs", "supervisor")).json()["may_act"]


@pytest.mark.parametrize(
    ("body", "platform", "item"),
    [
        ({"decision": "accepted"}, "110", "B1"),
        ({"decision": "ignored"}, "110", "B1"),
        ({"decision": "changed", "platform": "12345", "item": "A7"}, "12345", "A7"),
        ({"decision": "changed", "platform": "guide"}, "guide", None),
    ],
)
async def test_decision(api, body, platform, item):
    body = {"suggestion_id": f"{CALL}.s1", **body}
    path = f"/calls/{CALL}/suggestion/decision"
    decided = await api.ask("POST", path, "operator", json=body)
    assert decided.status_code == 200, decided.text
    assert decided.json()["decision"]["agent"] == "1001"
    ((_, _, _, decision, *rest, by),) = api.control.requests
    assert (decision, rest, by.name) == (body["decision"], [platform, item], "wang")


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"suggestion_id": "older", "decision": "accepted"}, 409, "illegal-verb"),
        ({"suggestion_id": f"{CALL}.s1", "decision": "changed"}, 422, "invalid-request"),
        ({"suggestion_id": f"{CALL}.s1", "decision": "maybe"}, 422, "invalid-request"),
        (
            {"suggestion_id": f"{CALL}.s1", "decision": "changed", "platform": "999"},
            *(422, "invalid-request"),
        ),
        ({}, 422, "invalid-request"),
    ],
)
async def test_decision_refused(api, body, status, slug):
    path = f"/calls/{CALL}/suggestion/decision"
    refused = await api.ask("POST", path, "operator", json=body)
    assert (refused.status_code, refused.json()["slug"]) == (status, slug)
    assert api.control.requests == []


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (IllegalVerb("no"), 409, "illegal-verb"),
        (SwitchUnreachable("no"), 503, "switch-unreachable"),
        (SwitchTimeout("no"), 504, "switch-timeout"),
        (SwitchRefused("no"), 502, "switch-refused"),
        (RuntimeError("secret 13812341234"), 500, "internal"),
    ],
)
async def test_what_control_raises_is_a_problem(api, error, status, slug):
    api.control.fail["back"] = error
    refused = await api.ask("POST", f"/calls/{CALL}/back", "operator")
    assert (refused.status_code, refused.json()["slug"]) == (status, slug)
    assert refused.json()["type"] == f"urn:liandong:problem:{slug}"
    assert NUMBER not in refused.text


async def test_invalid_input_is_not_repeated_back(api):
    body = {"suggestion_id": "x", "decision": "accepted", "note": "张三13812341234"}
    path = f"/calls/{CALL}/suggestion/decision"
    refused = await api.ask("POST", path, "operator", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["at"] == "body.note"
    assert "张三" not in refused.text


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [("GET", "/nothing", 404, "not-found"), ("PUT", "/calls", 405, "method-not-allowed")],
)
async def test_no_such_route(api, method, path, status, slug):
    refused = await api.ask(method, path, "supervisor")
    assert (refused.status_code, refused.json()["slug"]) == (status, slug)


async def test_states_follow_the_facts(api):
    api.control.feed(api.script.changed(TransferState.RELEASED, 40))
    call = (await api.ask("GET", f"/calls/{CALL}", "supervisor")).json()
    assert call["transfers"][0]["state"] == "released"
    assert call["recording"] == f"{CALL}.wav"
