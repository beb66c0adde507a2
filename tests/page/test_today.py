"""The supervisor's figures of the day on the page."""

import re

import pytest
from playwright.async_api import expect

from gateway.calls.leg_record import CallRecord
from gateway.clock import now

pytestmark = [pytest.mark.page, pytest.mark.asyncio(loop_scope="module")]


def ended_call(desk, number, centre="12345", **more):
    at = now()
    times = {"started_at": at, "answered_at": at, "ended_at": at, "wait_ms": 4000}
    about = {"message_status": "Actual", "outcome": "answered", "end_reason": "caller_hung_up"}
    desk.ledger.ended.append(CallRecord(id=f"c{number}", centre=centre, **(times | about | more)))


async def test_supervisor_sees_todays_connection_rate(desk):
    for number in range(3):
        ended_call(desk, number)
    ended_call(desk, 3, answered_at=None, outcome="abandoned")
    ended_call(desk, 4, centre="110", outcome="lost")
    await desk.log_in("supervisor")
    lines = desk.page.locator("#today-lines li")
    await expect(lines).to_have_text(
        [re.compile("110 公安报警.*100.0%.*掉线 1.*1/1"), re.compile("12345.*75.0%.*放弃 1.*3/4")]
    )
    script = desk.script()
    desk.control.feed(*script.answered())
    ended_call(desk, 5)
    desk.control.feed(*script.ended())
    await expect(lines.nth(1)).to_contain_text("4/5")


async def test_operators_have_calls_to_look_at_and_no_figures(desk):
    await desk.log_in()
    await expect(desk.page.locator("#today")).to_be_hidden()
