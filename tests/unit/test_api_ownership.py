"""Whose call it is, by REST: what a three-way came to, and a supervisor's designation."""

import pytest

CALL = "0197a000-0000-7000-8000-000000000001"


async def test_the_operator_writes_down_what_was_agreed(api):
    answer = await api.ask("POST", f"/calls/{CALL}/ownership", "operator", json={"centre": "110"})
    owner = answer.json()["owner"]
    assert (owner["centre"], owner["how"], owner["by"]) == ("110", "accepted", "1001")


async def test_undecided_the_first_centre_accepts(api):
    answer = await api.ask("POST", f"/calls/{CALL}/ownership", "operator", json={})
    assert (answer.json()["owner"]["centre"], answer.json()["owner"]["how"]) == (
        "12345", "first_answer",
    )  # fmt: skip


async def test_a_supervisor_designates(api):
    body = {"centre": "110", "reason": "治安案件"}
    answer = await api.ask("POST", f"/calls/{CALL}/designation", "supervisor", json=body)
    owner = answer.json()["owner"]
    assert (owner["centre"], owner["how"], owner["by"], owner["reason"]) == (
        "110", "designated", "boss", "治安案件",
    )  # fmt: skip
    assert answer.json()["may_designate"] is True


@pytest.mark.parametrize("body", [{}, {"centre": "x"}, {"centre": ""}])
async def test_a_designation_names_a_centre(api, body):
    path = f"/calls/{CALL}/designation"
    assert (await api.ask("POST", path, "supervisor", json=body)).status_code == 422
