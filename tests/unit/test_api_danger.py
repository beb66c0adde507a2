"""Marking danger by REST: by the operator on the call, and by accepting an emergency."""

import pytest

CALL = "0197a000-0000-7000-8000-000000000001"
PATH = f"/calls/{CALL}/danger"


async def test_the_operator_on_the_call_marks_it(api):
    answer = await api.ask("POST", PATH, "operator", json={"danger": True})
    assert (answer.status_code, answer.json()["danger"]) == (200, True)
    [(name, call, danger, by)] = api.control.requests
    assert (name, call, danger) == ("mark", CALL, True)
    assert by.role == "operator"


@pytest.mark.parametrize("role", ["supervisor", "admin", "system"])
async def test_nobody_else_may(api, role):
    refused = await api.ask("POST", PATH, role, json={"danger": True})
    assert refused.status_code == 403
    assert api.control.requests == []


async def test_a_call_that_is_not_there(api):
    path = PATH.replace(CALL, "0197a000-0000-7000-8000-00000000dead")
    assert (await api.ask("POST", path, "operator", json={"danger": True})).status_code == 404


@pytest.mark.parametrize("body", [{}, {"danger": "maybe"}, {"danger": True, "more": 1}])
async def test_a_body_that_does_not_fit(api, body):
    assert (await api.ask("POST", PATH, "operator", json=body)).status_code == 422
