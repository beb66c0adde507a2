"""Notes when a person at the page could first see each thing, and hear the alert's tones."""

from playwright.async_api import Browser, Page

from gateway.lab.dialogue import Turn
from gateway.lab.scene import Scene
from gateway.lab.town import operator_token

_EYES_AND_EARS = """
window.since = {};
const mark = (name, seen) => { if (seen && !(name in since)) since[name] = Date.now() / 1000; };
const text = (id) => document.getElementById(id)?.textContent ?? "";
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  mark("words", text("transcript").includes("报警"));
  mark("highlight", document.querySelector("#transcript mark"));
  mark("suggestion", text("suggestion").includes("违法犯罪"));
  mark("alert", document.getElementById("emergency")?.hidden === false);
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true }));
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...more) {
  if (to instanceof AudioDestinationNode) {
    const ear = new AnalyserNode(this.context);
    const heard = new Float32Array(ear.fftSize);
    connect.call(this, ear);
    setInterval(() => {
      ear.getFloatTimeDomainData(heard);
      mark("sound", Math.max(...heard) > 0.05);
    }, 20);
  }
  return connect.call(this, to, ...more);
};
"""


async def operator_page(browser: Browser, scene: Scene) -> Page:
    """Return the page of operator 1001, logged in and live."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    page.set_default_timeout(15_000)
    await page.add_init_script(_EYES_AND_EARS)
    await page.goto(scene.town.page_url)
    await page.get_by_label("访问令牌").fill(operator_token("1001"))
    await page.get_by_role("button", name="登录").click()
    await page.get_by_text("● 实时").wait_for()
    return page


async def noticed(page: Page, said: Turn, ended_at: float) -> dict[str, float]:
    """Return seconds from the last word of `said`, whose recording ended then, to each thing."""
    await page.wait_for_function("'sound' in since")
    last_word = ended_at - said.trailing_silence_s
    since: dict[str, float] = await page.evaluate("since")
    return {name: round(at - last_word, 2) for name, at in since.items()}
