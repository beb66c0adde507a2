"""Whom to call back, and whose call it is, on the page; the tasks are in a real ledger."""

import os

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.calls import facts as f
from gateway.calls.callback_task import Hand
from gateway.ids import new_id
from gateway.ledger.repository import open_ledger

pytestmark = [pytest.mark.page, pytest.mark.asyncio(loop_scope="module")]
SHOTS = os.environ.get("LIANDONG_SHOTS", "")


@pytest_asyncio.fixture(loop_scope="module")
async def recorded(desk, tmp_path):
    """The desk over a ledger in SQLite."""
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    await desk.stop()
    desk.ledger = ledger
    await desk.start()
    yield desk
    await desk.page.goto("about:blank")
    await ledger.close()


async def gone(desk, danger=False):
    """A caller has hung up while 110 rang."""
    script = desk.script()
    due = f.CallbackDue(
        call_id=script.call_id, centre="12345", why="caller_gone", target="110", danger=danger
    )
    told = [*script.answered(), script.said(1), script.suggested(), due, *script.ended()]
    await desk.ledger.record(told)
    desk.control.feed(*told)


async def shoot(desk, name):
    if SHOTS:
        await desk.page.screenshot(path=f"{SHOTS}/{name}.png")


async def test_an_operator_takes_a_task_and_ends_it(recorded):
    await recorded.log_in()
    await expect(recorded.page.get_by_text("没有待回拨的来电")).to_be_visible()
    await gone(recorded)
    await gone(recorded, danger=True)
    tasks = recorded.page.locator("#callbacks-list li")
    await expect(tasks).to_have_count(2)
    first = tasks.first
    await expect(first).to_contain_text("危险")
    await expect(first).to_contain_text("138****1234")
    await expect(first).to_contain_text("接通前挂断（110）")
    await first.get_by_role("button", name="领取").click()
    await first.get_by_role("button", name="显示号码").click()
    await expect(first).to_contain_text("13812341234")
    await shoot(recorded, "callbacks-operator")
    await first.get_by_role("button", name="已联系上").click()
    await expect(tasks).to_have_count(1)
    [done] = await recorded.ledger.callbacks(["done"], "", 9)
    assert (done.done_by, done.outcome) == ("1001", "reached")


async def test_who_comes_second_is_told(recorded):
    await recorded.log_in()
    await gone(recorded)
    task = recorded.page.locator("#callbacks-list li")
    await expect(task).to_have_count(1)
    [open_task] = await recorded.ledger.callbacks(["open"], "", 9)
    await recorded.ledger.take_callback(open_task.number, Hand("1002"))
    await task.get_by_role("button", name="领取").click()
    await expect(recorded.page.locator("#notices")).to_contain_text("已由他人领取")
    await expect(task).to_contain_text("1002 已领取")
    await expect(task.get_by_role("button")).to_have_count(0)


def asked(script):
    return f.DesignationAsked(
        call_id=script.call_id,
        ref=new_id(),
        source="12345",
        target="110",
        leg_id=script.agent,
        agent="1001",
        hop=3,
    )


async def test_a_supervisor_designates(desk):
    await desk.log_in("supervisor")
    script = desk.script()
    desk.control.feed(*script.answered(), asked(script))
    panel = desk.page.locator("#ownership")
    await expect(panel).to_contain_text("第 3 次移交 12345 → 110")
    await expect(desk.page.locator("#calls li")).to_contain_text("待指定")
    await shoot(desk, "designation-supervisor")
    await panel.get_by_role("button", name="指定 110 公安报警").click()
    await expect(panel).to_contain_text("受理单位：110 公安报警 · 督导指定（boss）")
    await expect(panel.get_by_role("button")).to_have_count(0)


async def test_an_operator_sees_why_nothing_rings(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), asked(script))
    panel = desk.page.locator("#ownership")
    await expect(panel).to_contain_text("须由督导指定受理单位")
    await expect(panel.get_by_role("button")).to_have_count(0)


async def test_the_operator_writes_down_what_a_three_way_came_to(desk):
    await desk.log_in()
    script = desk.script()
    three_way = script.requested().model_copy(
        update={"transfer_kind": f.TransferKind.THREE_WAY, "hop": 1}
    )
    desk.control.feed(*script.answered(), three_way, *script.target_rings())
    desk.control.feed(*script.target_answers())
    panel = desk.page.locator("#ownership")
    await expect(panel.get_by_role("button")).to_have_text(["12345 受理", "110 受理", "未达成一致"])
    await shoot(desk, "settle-operator")
    await panel.get_by_role("button", name="未达成一致").click()
    await expect(panel).to_contain_text("首接负责")
