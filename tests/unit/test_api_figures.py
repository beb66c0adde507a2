"""Figures and the leg log over the API, from the real ledger in SQLite."""

import pytest

from gateway.api.app import create_app
from gateway.calls import facts as f
from gateway.calls.scripts import NUMBER, LinkedCall
from gateway.ledger.repository import open_ledger

CALLS = [f"0197a000-0000-7000-8000-0000000000a{number}" for number in range(3)]
DAY = {"from": "2026-03-02", "to": "2026-03-03", "message_status": "Exercise"}
"""In Shanghai; the scripted calls are drills of 09:30 there."""


def lost(call_id):
    """Answered, then ended by the switch in mid-talk."""
    script = LinkedCall(call_id)
    head = {"call_id": call_id, "at": script.at(20)}
    return [
        *script.answered(),
        f.LegEnded(**head, leg_id=script.caller, ended_by="switch"),
        f.CallEnded(**head, reason="switch"),
    ]


@pytest.fixture
async def ledger(tmp_path, api):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}")
    api.client._transport.app = create_app(api.settings, api.control, api.live, ledger)
    script = LinkedCall(CALLS[0])
    for facts in ([*script.three_way(), *script.ended()], lost(CALLS[1]), lost(CALLS[2])):
        await ledger.record(facts)
    await ledger.log_calls(CALLS)
    yield ledger
    await ledger.close()


async def test_figures_of_a_day(api, ledger):
    answer = (await api.ask("GET", "/figures", "supervisor", params=DAY)).json()
    by_centre = {one["centre"]: one for one in answer["figures"]}
    assert set(by_centre) == {"12345", ""}
    found = by_centre["12345"]
    assert (found["offered"], found["answered"], found["lost"]) == (3, 3, 2)
    assert (found["connection_rate"], found["wait"]["p50_ms"]) == (1.0, 3000)
    assert answer["start"] == "2026-03-02T00:00:00+08:00"
    assert (answer["timezone"], answer["not_logged"]) == ("Asia/Shanghai", 0)
    assert [(one["target"], one["count"]) for one in answer["transfers"]] == [("110", 1)]


async def test_drills_are_left_out_unless_asked_for(api, ledger):
    real = DAY | {"message_status": "Actual"}
    (found,) = (await api.ask("GET", "/figures", "supervisor", params=real)).json()["figures"]
    assert (found["offered"], found["connection_rate"]) == (0, None)


async def test_times_with_an_offset_and_a_line_an_hour(api, ledger):
    params = DAY | {"from": "2026-03-02T01:00:00Z", "per": "hour", "centre": "12345"}
    (found,) = (await api.ask("GET", "/figures", "admin", params=params)).json()["figures"]
    assert found["start"] == "2026-03-02T09:00:00+08:00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "2026-03-02"},
        {"per": "hour", "to": "2026-05-01"},
        {"to": "2028-03-02"},
        {"from": "yesterday"},
        {"centre": "police"},
        {"per": "month"},
    ],
)
async def test_what_cannot_be_counted_is_refused_with_the_reason(api, ledger, wrong):
    answer = await api.ask("GET", "/figures", "supervisor", params=DAY | wrong)
    assert (answer.status_code, answer.json()["slug"]) == (422, "invalid-request")
    assert answer.json()["errors"][0]["message"]


async def test_lost_calls_one_by_one(api, ledger):
    params = DAY | {"which": "lost", "limit": 1}
    first = (await api.ask("GET", "/figures/calls", "supervisor", params=params)).json()
    (call,) = first["calls"]
    assert (call["id"], call["caller_number"]) == (CALLS[2], "138****1234")
    assert (call["outcome"], call["end_reason"]) == ("lost", "switch")
    params["before"] = first["next_before"]
    second = (await api.ask("GET", "/figures/calls", "supervisor", params=params)).json()
    assert [call["id"] for call in second["calls"]] == [CALLS[1]]
    params["before"] = second["next_before"]
    third = (await api.ask("GET", "/figures/calls", "supervisor", params=params)).json()
    assert third == {"calls": [], "next_before": None}


async def test_numbers_in_clear_are_audited(api, ledger, monkeypatch):
    audited = []

    async def audit(*entry):
        audited.append(entry)

    monkeypatch.setattr(ledger, "audit", audit)
    params = DAY | {"which": "lost"}
    answer = (await api.ask("GET", "/figures/calls", "system", params=params)).json()
    assert {call["caller_number"] for call in answer["calls"]} == {NUMBER}
    assert audited == [("orders", "numbers.clear", "*", "2 calls")]


async def test_legs_of_one_call(api, ledger):
    answer = (await api.ask("GET", "/legs", "supervisor", params={"call": CALLS[0]})).json()
    legs = {leg["agent"]: leg for leg in answer["legs"]}
    assert {leg["role"] for leg in legs.values()} == {"caller", "agent", "target"}
    assert (legs["2001"]["wait_ms"], legs["2001"]["ring_ms"]) == (5000, 4000)
    assert (legs[""]["talk_ms"], legs[""]["conference_ms"]) == (32_000, 55_000)
    assert (answer["next_before"], answer["wrap_up_cap_s"]) == (None, 600.0)


async def test_legs_of_a_day_page_by_page(api, ledger):
    params, seen = DAY | {"limit": 3}, []
    while True:
        page = (await api.ask("GET", "/legs", "supervisor", params=params)).json()
        seen += [leg["id"] for leg in page["legs"]]
        if page["next_before"] is None:
            break
        params["before"] = page["next_before"]
    assert len(seen) == len(set(seen)) == 7


async def test_legs_of_a_call_that_is_not_in_the_record(api, ledger):
    answer = await api.ask("GET", "/legs", "supervisor", params={"call": "none"})
    assert (answer.status_code, answer.json()["slug"]) == (404, "call-not-found")


async def test_ledger_down_is_told(api):
    api.ledger.down = True
    answer = await api.ask("GET", "/figures", "supervisor")
    assert (answer.status_code, answer.json()["slug"]) == (503, "ledger")
