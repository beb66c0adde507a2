"""The page during a real call: Chromium, real switch, real speech, one click that rings 110.

The gateway is stopped and started meanwhile: the page stays as it is, and goes on.
"""

import time
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from gateway.lab.dialogue import dialogue
from gateway.lab.phones.incoming import IncomingPolicy
from gateway.lab.scene import OFFICER_HZ, Scene
from tests.e2e.page_watch import noticed, operator_page
from tests.page.conftest import CHROMIUM, FLAGS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.page,
    pytest.mark.speech,
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_call_is_followed_and_handed_over_from_the_page(
    talk: Scene, tmp_path: Path
) -> None:
    turns = {turn.id: turn for turn in dialogue("fight")}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await operator_page(browser, talk)

        await talk.given_call()
        talk.citizen.tone(None)
        talk.operator.tone(None)
        await expect(page.locator("#calls")).to_contain_text("138****1234")
        said = turns["fight-02-caller"]
        await talk.citizen.play(said.path)
        ended_at = time.time()
        await expect(page.locator("#transcript")).to_contain_text("报警")
        await expect(page.locator("#transcript mark").first).to_be_visible()
        await expect(page.locator("#suggestion")).to_contain_text("违法犯罪")
        await expect(page.locator("#emergency")).to_be_visible()
        print("seconds after the last word:", await noticed(page, said, ended_at))
        await page.screenshot(path=tmp_path / "suggestion.png")
        await page.keyboard.press("Alt+KeyA")
        await expect(page.locator("#decide")).to_contain_text("已接受")

        await talk.town.stop_gateway()
        await page.get_by_text("● 实时").wait_for(state="detached")
        await talk.town.start_gateway()
        await page.get_by_text("● 实时").wait_for()
        said = page.locator("#transcript")

        async def heard() -> bool:
            return "流血" in await said.inner_text()

        await talk.repeats_until(talk.citizen, turns["fight-04-caller"].path, heard)
        await page.reload()
        await expect(said).to_contain_text("报警")
        await expect(said).to_contain_text("流血")
        await expect(said.locator(".gap").first).to_contain_text("秒未能转写")
        await expect(page.locator("#suggestion")).to_contain_text("违法犯罪")

        talk.phones["2001"].on_invite = IncomingPolicy.answer(0.5)
        await page.get_by_role("button", name="转接 110").click()
        talk.officer = await talk.next_live_call("2001")
        await talk.officer.until("up")
        talk.officer.tone(OFFICER_HZ)
        await talk.hears(talk.citizen, OFFICER_HZ)
        await expect(page.locator("#head")).to_contain_text("三方")
        await expect(page.locator("#ticket")).to_contain_text("已送达")
        await page.screenshot(path=tmp_path / "three-way.png")
        await page.get_by_role("button", name="离开通话").click()
        await talk.operator.until("ended")
        await talk.until_transfer("completed")
        await browser.close()
    await talk.citizen.hang_up()
    await talk.ends_clean()
