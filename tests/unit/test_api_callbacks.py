"""Call-backs by REST over the real ledger: who sees, takes, reveals and ends them."""

import pytest

from gateway.api.app import create_app
from gateway.calls.facts import CallbackDue, CallbackReason
from gateway.calls.scripts import NUMBER, LinkedCall
from gateway.ledger.repository import open_ledger

GONE = "0197a000-0000-7000-8000-00000000000e"
ELSEWHERE = "0197a000-0000-7000-8000-00000000000d"


def due(script, centre, **more):
    why = CallbackReason.CALLER_GONE
    return CallbackDue(call_id=script.call_id, at=script.at(60), centre=centre, why=why, **more)


@pytest.fixture
async def ledger(tmp_path, api):
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}")
    api.client._transport.app = create_app(api.settings, api.control, api.live, ledger)
    ours, theirs = LinkedCall(GONE), LinkedCall(ELSEWHERE)
    words = ours.said(3, text="我的电话是13912345678，快点")
    await ledger.record([*ours.answered(), words, due(ours, "12345", target="110"), *ours.ended()])
    await ledger.record([*theirs.answered(), due(theirs, "110", danger=True)])
    yield ledger
    await ledger.close()


async def listed(api, role, **params):
    answer = await api.ask("GET", "/callbacks", role, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["callbacks"]


async def test_an_operator_sees_those_of_the_own_centre(api, ledger):
    [one] = await listed(api, "operator")
    assert (one["number"], one["centre"], one["state"]) == (
        "CB-12345-20260302-0001", "12345", "open",
    )  # fmt: skip
    assert (one["caller_number"], one["may_take"], one["may_reveal"]) == (
        "138****1234",
        True,
        False,
    )
    assert "13912345678" not in one["last_words"]
    assert await listed(api, "operator", centre="110") == []
    assert await listed(api, "colleague") == []


async def test_a_supervisor_sees_all_danger_first(api, ledger):
    found = await listed(api, "supervisor")
    assert [(one["centre"], one["danger"]) for one in found] == [("110", True), ("12345", False)]
    assert [one["centre"] for one in await listed(api, "supervisor", centre="12345")] == ["12345"]


async def test_another_centres_does_not_exist_for_an_operator(api, ledger):
    refused = await api.ask("POST", "/callbacks/CB-110-20260302-0001/take", "operator")
    assert (refused.status_code, refused.json()["slug"]) == (404, "callback-not-found")


async def test_taken_revealed_and_done(api, ledger):
    path = "/callbacks/CB-12345-20260302-0001"
    refused = await api.ask("POST", f"{path}/reveal", "operator", json={})
    assert refused.status_code == 403
    taken = (await api.ask("POST", f"{path}/take", "operator")).json()
    assert (taken["state"], taken["taken_by"], taken["mine"]) == ("taken", "1001", True)
    shown = (await api.ask("POST", f"{path}/reveal", "operator", json={})).json()
    assert shown["caller_number"] == NUMBER
    done = await api.ask("POST", f"{path}/done", "operator", json={"outcome": "reached"})
    assert (done.json()["state"], done.json()["outcome"]) == ("done", "reached")
    again = await api.ask("POST", f"{path}/take", "supervisor")
    assert (again.status_code, again.json()["slug"]) == (409, "callback-not-yours")
    assert await listed(api, "operator") == []
    assert len(await listed(api, "operator", state="done")) == 1
    assert await ledger.audit_broken_at() is None


async def test_pages_hear_of_it(api, ledger):
    await api.ask("POST", "/callbacks/CB-12345-20260302-0001/take", "operator")
    call = (await api.ask("GET", f"/calls/{GONE}", "supervisor")).json()
    assert (call["callback"]["state"], call["callback"]["by"]) == ("taken", "1001")


@pytest.mark.parametrize("body", [{}, {"outcome": "maybe"}, {"outcome": "reached", "more": 1}])
async def test_a_body_that_does_not_fit(api, ledger, body):
    path = "/callbacks/CB-12345-20260302-0001/done"
    assert (await api.ask("POST", path, "supervisor", json=body)).status_code == 422


async def test_machines_get_the_number_in_clear_and_audited(api, ledger):
    found = await listed(api, "system")
    assert {one["caller_number"] for one in found} == {NUMBER}
    assert all(not one["may_take"] for one in found)
