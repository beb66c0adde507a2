"""What operators and supervisors see and do on the page."""

import asyncio

import pytest
from playwright.async_api import expect

from gateway.calls import facts as f
from gateway.calls.port import LegalVerb, Verb
from gateway.calls.scripts import SPOKEN
from gateway.errors import SwitchUnreachable

pytestmark = [pytest.mark.page, pytest.mark.asyncio(loop_scope="module")]
TRANSFER = LegalVerb(Verb.TRANSFER, "110", "*110")
BACK = LegalVerb(Verb.BACK, key="*0")
RELEASE = LegalVerb(Verb.RELEASE, key="*9")
EVERYTHING = (TRANSFER, LegalVerb(Verb.THREE_WAY, "110", "*3"), BACK, RELEASE)


def row(desk, text):
    return desk.page.locator("#transcript li", has_text=text)


async def requests(desk, count):
    """Wait until control was asked `count` times."""
    async with asyncio.timeout(5):
        while len(desk.control.requests) < count:  # noqa: ASYNC110 - the fake tells nobody
            await asyncio.sleep(0.01)
    return desk.control.requests


async def test_a_call_appears_with_everybody_on_it(desk):
    await desk.log_in()
    await expect(desk.page.get_by_text("当前没有通话")).to_be_visible()
    script = desk.script()
    desk.control.feed(*script.answered())
    await expect(desk.page.get_by_role("heading", name="138****1234")).to_be_visible()
    desk.control.feed(script.requested(), *script.target_rings())
    legs = desk.page.get_by_role("list", name="在线各方").get_by_role("listitem")
    await expect(legs).to_have_count(3)
    await expect(legs.filter(has_text="李强")).to_contain_text("振铃中")
    await expect(desk.page.locator("#calls li")).to_contain_text("王敏")


async def test_transfer_in_the_words_of_the_trade(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered())
    steps = desk.page.get_by_role("list", name="转接进度").locator("li.done .step-name")
    current = desk.page.locator("li[aria-current=step]")
    desk.control.feed(script.requested(), *script.target_rings())
    await expect(steps).to_have_text(["已请求", "振铃"])
    desk.control.feed(*script.target_answers(), script.changed(f.TransferState.RELEASED, 40))
    await expect(steps).to_have_text(["已请求", "振铃", "三方", "已释放"])
    await expect(current).to_contain_text("已释放")


async def test_failed_transfer_says_why(desk):
    await desk.log_in()
    script = desk.script()
    returned = script.changed(
        f.TransferState.RETURNED_TO_AGENT, 60, reason=f.FailureReason.NO_ANSWER
    )
    desk.control.feed(*script.answered(), script.requested(), *script.target_rings(), returned)
    await expect(desk.page.locator("li.failed")).to_contain_text("已退回坐席（无人接听）")


async def test_partial_becomes_final(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered())
    desk.partial(script, 1, "你好我们小区")
    partials = desk.page.locator("#partials li")
    await expect(partials).to_contain_text("你好我们小区")
    desk.partial(script, 1, "你好我们小区门口有人")
    await expect(partials).to_contain_text("你好我们小区门口有人")
    await expect(partials).to_have_count(1)
    desk.control.feed(script.said(1))
    await expect(row(desk, SPOKEN[1])).to_contain_text("来电人")
    await expect(partials).to_have_count(0)


async def test_partial_that_comes_after_its_final_is_not_shown(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.said(1))
    desk.partial(script, 1, "迟到的话")
    desk.control.feed(script.said(2))
    await expect(row(desk, SPOKEN[2])).to_be_visible()
    await expect(desk.page.locator("#partials li")).to_have_count(0)


async def test_what_was_not_heard_is_marked_where_it_was(desk):
    await desk.log_in()
    script = desk.script()
    gap = f.GapMarked(
        call_id=script.call_id, leg_id=script.caller, start_ms=14_500, end_ms=15_700, why="dropped"
    )
    desk.control.feed(*script.answered(), script.said(1), script.said(2), gap)
    lines = desk.page.locator("#transcript li .words")
    await expect(lines).to_have_text([SPOKEN[1], "〔约 1.2 秒未能转写，请听录音〕", SPOKEN[2]])


async def test_evidence_is_highlighted_with_its_reason(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.said(1), script.said(3), script.suggested())
    marks = desk.page.locator("#transcript mark")
    await expect(marks).to_have_text(["动手打起来", "头上流血", "拿着刀"])
    tip = desk.page.get_by_role("tooltip")
    await marks.nth(0).hover()
    await expect(tip).to_have_text("依据：正在发生的斗殴")
    await desk.page.locator("#evidence-2").click()
    await expect(marks.nth(2)).to_be_focused()
    await expect(tip).to_have_text("依据：持械，危及人身安全")


async def test_evidence_in_words_still_being_spoken_is_highlighted_while_they_stand(desk):
    await desk.log_in()
    script = desk.script()
    span = f.EvidenceSpan(
        utterance_id=f"{script.call_id}.u1", start=3, end=5, text="着火", why="火情"
    )
    desk.control.feed(*script.answered())
    desk.partial(script, 1, "我们楼着火了快来人")
    desk.control.feed(script.suggested().model_copy(update={"evidence": [span]}))
    mark = desk.page.locator("#partials mark")
    await expect(mark).to_have_text(["着火"])
    await desk.page.locator("#evidence-0").click()
    await expect(mark).to_be_focused()
    desk.partial(script, 1, "我们楼着火了快来人吧")
    await expect(desk.page.locator("#partials")).to_contain_text("人吧")
    await expect(mark).to_be_focused()
    await expect(desk.page.get_by_role("tooltip")).to_have_text("依据：火情")
    desk.partial(script, 1, "我们楼找货了快来人吧")
    await expect(desk.page.locator("#partials")).to_contain_text("找货")
    await expect(mark).to_have_count(0)
    await expect(desk.page.get_by_role("tooltip")).to_be_hidden()


async def test_evidence_after_characters_beyond_the_basic_plane(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.said(1, "𠮷先生说着火了"))
    span = f.EvidenceSpan(
        utterance_id=f"{script.call_id}.u1", start=4, end=6, text="着火", why="火情"
    )
    made = script.suggested().model_copy(update={"evidence": [span]})
    desk.control.feed(made)
    await expect(desk.page.locator("#transcript mark")).to_have_text(["着火"])


async def test_emergency_is_not_to_be_missed(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.suggested())
    await expect(desk.page.locator("#emergency")).to_contain_text("特急")
    await expect(desk.page).to_have_title("【特急】联动坐席台")
    await expect(desk.page.locator("#calls .chip.emergency")).to_be_visible()
    desk.control.feed(*script.ended())
    await expect(desk.page.locator("#emergency")).to_be_hidden()


async def test_an_emergency_sounds_once(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.suggested())
    page = desk.page.locator("html")
    await expect(page).to_have_attribute("data-alarms", "1")
    desk.control.feed(script.suggested().model_copy(update={"confidence": 0.99}))
    await expect(desk.page.locator("#suggestion")).to_contain_text("99%")
    await expect(page).to_have_attribute("data-alarms", "1")


async def test_an_emergency_that_was_taken_back_and_is_said_again_sounds_again(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.suggested())
    page = desk.page.locator("html")
    await expect(page).to_have_attribute("data-alarms", "1")
    desk.control.feed(script.suggested().model_copy(update={"urgency": "normal"}))
    await expect(desk.page.locator("#calls .chip.emergency")).to_have_count(0)
    desk.control.feed(script.suggested())
    await expect(page).to_have_attribute("data-alarms", "2")


async def test_a_page_that_may_not_sound_yet_says_so_and_makes_up_for_it(desk):
    await desk.log_in()
    await desk.page.reload()
    await desk.page.get_by_text("● 实时").wait_for()
    silent = desk.page.get_by_role("button", name="警报声未开启")
    await expect(silent).to_be_visible()
    script = desk.script()
    desk.control.feed(*script.answered(), script.suggested())
    await expect(desk.page.locator("#emergency")).to_be_visible()
    await expect(desk.page.locator("html")).not_to_have_attribute("data-alarms", "1")
    await silent.click()
    await expect(desk.page.locator("html")).to_have_attribute("data-alarms", "1")
    await expect(silent).to_be_hidden()


async def test_what_to_write_down_and_to_ask_stands_beside_the_class(desk):
    await desk.log_in()
    script = desk.script()
    made = script.suggested().model_copy(
        update={
            "sure": False,
            "runner_up": "A1",
            "also": ["119"],
            "unit": "泗阳县公安局",
            "assist": ["消防救援大队"],
            "district": f.Area(
                code="321323001", code_system="NBS-2023", name="众兴街道", path="泗阳县众兴街道"
            ),
            "place": "北京路路口",
            "ask": ["有人受伤吗？"],
            "deadline": "30 分钟内到场",
            "request_type": "求助",
            "title": "楼上着火了",
            "facts": [
                f.Said(
                    kind="phone", value="13812341234", utterance_id="u", start=0, end=2, text="x"
                )
            ],
        }
    )
    desk.control.feed(*script.answered(), made)
    panel = desk.page.locator("#suggestion")
    for words in (
        "不确定", "泗阳县公安局", "协办 消防救援大队", "泗阳县众兴街道 · 北京路路口",
        "30 分钟内到场", "求助", "有人受伤吗？", "楼上着火了", "A1 公共设施", "119",
    ):  # fmt: skip
        await expect(panel).to_contain_text(words)
    await expect(panel.locator(".fact")).to_have_text("电话 138****1234")
    await expect(panel.locator("dd[title*='NBS-2023']")).to_be_visible()


async def test_verbs_are_enabled_only_when_legal(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.allow(script.call_id, TRANSFER)
    desk.control.feed(*script.answered())
    button = desk.page.get_by_role("button", name="转接 110")
    await expect(button).to_be_enabled()
    await expect(button.locator("kbd")).to_have_text("*110")
    await expect(desk.page.get_by_role("button", name="标记危险")).to_be_enabled()
    for name in ("三方 110", "返回来电人", "离开通话"):
        await expect(desk.page.get_by_role("button", name=name)).to_be_disabled()
    desk.control.allow(script.call_id, BACK, RELEASE)
    desk.control.feed(script.requested())
    await expect(button).to_be_disabled()
    await expect(desk.page.get_by_role("button", name="返回来电人")).to_be_enabled()
    desk.control.feed(*script.ended())
    await expect(desk.page.get_by_role("button", name="返回来电人")).to_be_disabled()
    await expect(desk.page.locator("#verbs-note")).to_have_text("通话已结束")


async def test_transfer_by_click(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.allow(script.call_id, TRANSFER)
    desk.control.feed(*script.answered())
    await desk.page.get_by_role("button", name="转接 110").click()
    ((name, call_id, order, by),) = await requests(desk, 1)
    assert (name, call_id, order.target, by.agent) == ("transfer", script.call_id, "110", "1001")
    await expect(desk.page.locator("li.current")).to_contain_text("已请求")


async def test_a_consultation_and_letting_one_party_go(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.allow(script.call_id, LegalVerb(Verb.CONSULT, "110", "*7110"))
    desk.control.feed(*script.answered())
    button = desk.page.get_by_role("button", name="咨询 110")
    await expect(button.locator("kbd")).to_have_text("*7110")
    await button.click()
    await requests(desk, 1)
    desk.control.allow(script.call_id, LegalVerb(Verb.JOIN, key="*3"), BACK, RELEASE)
    desk.control.feed(
        f.CallerOnHold(call_id=script.call_id),
        f.LegJoinedRoom(call_id=script.call_id, leg_id=script.agent, room="consult"),
    )
    legs = desk.page.get_by_role("list", name="在线各方").get_by_role("listitem")
    await expect(legs.filter(has_text="市民")).to_contain_text("听音乐等待")
    await expect(legs.filter(has_text="王敏")).to_contain_text("咨询中")
    await desk.page.get_by_role("button", name="三方合并").click()
    await requests(desk, 2)
    drop = LegalVerb(Verb.DROP, script.target, "*6")
    desk.control.allow(script.call_id, BACK, RELEASE, drop)
    desk.control.feed(*script.target_rings(), *script.target_answers())
    await desk.page.get_by_role("button", name="请离 李强").click()
    asked = await requests(desk, 3)
    assert [request[0] for request in asked] == ["transfer", "join", "drop"]
    assert asked[0][2].kind is f.TransferKind.CONSULT
    assert asked[2][2] == script.target


async def test_danger_is_marked_and_taken_back(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered())
    await desk.page.get_by_role("button", name="标记危险").click()
    await expect(desk.page.locator("#emergency")).to_contain_text("坐席已标记危险")
    await expect(desk.page.locator("#calls .is-emergency")).to_be_visible()
    await desk.page.get_by_role("button", name="取消危险标记").click()
    await expect(desk.page.locator("#emergency")).to_be_hidden()
    assert [request[:3] for request in desk.control.requests] == [
        ("mark", script.call_id, True),
        ("mark", script.call_id, False),
    ]


async def test_refused_verb_is_explained(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.allow(script.call_id, *EVERYTHING)
    desk.control.fail["back"] = SwitchUnreachable("down")
    desk.control.feed(*script.answered())
    await desk.page.get_by_role("button", name="返回来电人").click()
    await expect(desk.page.locator("#notices")).to_contain_text("请用话机按键操作")


@pytest.mark.parametrize(
    ("key", "button", "decision"),
    [("", "接受", "accepted"), ("Alt+a", "", "accepted"), ("Alt+i", "", "ignored")],
)
async def test_decide_by_click_and_by_key(desk, key, button, decision):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.suggested())
    await expect(desk.page.locator("#decide-accepted")).to_be_enabled()
    if key:
        await desk.page.keyboard.press(key)
    else:
        await desk.page.get_by_role("button", name=button).click()
    (asked,) = await requests(desk, 1)
    assert asked[:4] == ("decide", script.call_id, script.suggestion, decision)
    await expect(desk.page.locator("#decide")).to_contain_text("坐席 1001")


async def test_change_the_suggestion(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.suggested())
    await expect(desk.page.locator("#decide-changed")).to_be_enabled()
    await desk.page.keyboard.press("Alt+c")
    await desk.page.get_by_label("类别").select_option("A7")
    await desk.page.get_by_role("button", name="确定更改").click()
    (asked,) = await requests(desk, 1)
    assert asked[3:6] == ("changed", "12345", "A7")
    await expect(desk.page.locator("#decide")).to_contain_text("已更改 → 12345 政务热线 A7")


@pytest.mark.parametrize(("dead", "attempts", "word"), [(False, 3, "重试中"), (True, 12, "死信")])
async def test_ticket_state(desk, dead, attempts, word):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered())
    ticket = desk.page.locator("#ticket")
    await expect(ticket).to_contain_text("尚未生成")
    desk.control.feed(script.ticket(1))
    await expect(ticket).to_contain_text("待发送")
    desk.control.feed(script.delivered(1))
    await expect(ticket).to_contain_text("已送达")
    failed = f.TicketFailed(
        call_id=script.call_id, ticket_id="T", revision=2, attempts=attempts, dead=dead, error="503"
    )
    desk.control.feed(script.ticket(2, "final"), failed)
    await expect(ticket).to_contain_text(word)
    await expect(ticket).to_contain_text("第 2 版 · 终报")
    await expect(ticket).to_contain_text(f"已尝试 {attempts} 次")


async def test_number_is_masked_until_revealed_and_that_is_audited(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered())
    await expect(desk.page.get_by_role("heading", name="138****1234")).to_be_visible()
    assert "13812341234" not in await desk.page.content()
    await desk.page.get_by_role("button", name="显示号码").click()
    await expect(desk.page.get_by_role("heading", name="13812341234")).to_be_visible()
    assert desk.ledger.audited == [("wang", "numbers.reveal", script.call_id, "")]


async def test_supervisor_sees_all_and_touches_nothing(desk):
    await desk.log_in("supervisor")
    script = desk.script()
    desk.control.allow(script.call_id, *EVERYTHING)
    desk.control.feed(*script.answered("1009", "赵云"), script.suggested())
    await expect(desk.page.locator("#verbs-note")).to_have_text("仅查看：由通话中的坐席操作")
    for button in await desk.page.locator("#verbs button, #decide button").all():
        await expect(button).to_be_disabled()
    await expect(desk.page.get_by_role("button", name="显示号码")).to_be_enabled()


async def test_operator_does_not_see_others_calls(desk):
    await desk.log_in()
    mine, theirs = desk.script(), desk.script("13900001111")
    desk.control.feed(*theirs.answered("1009", "赵云"), *mine.answered())
    await expect(desk.page.locator("#calls li")).to_have_count(1)
    await expect(desk.page.locator("#calls li")).to_contain_text("138****1234")


async def test_wrong_token(desk):
    await desk.page.goto(f"{desk.url}/console/")
    await desk.page.get_by_label("访问令牌").fill("wrong")
    await desk.page.get_by_role("button", name="登录").click()
    await expect(desk.page.get_by_role("alert").filter(has_text="令牌无效")).to_be_visible()
    await expect(desk.page.locator("#desk")).to_be_hidden()


async def test_log_out_leaves_nothing_behind(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.said(1))
    await expect(row(desk, SPOKEN[1])).to_be_visible()
    await desk.page.get_by_role("button", name="退出").click()
    await expect(desk.page.get_by_role("heading", name="登录")).to_be_visible()
    assert SPOKEN[1] not in await desk.page.content()
    await desk.page.reload()
    await expect(desk.page.get_by_role("heading", name="登录")).to_be_visible()


async def test_it_goes_on_after_the_server_was_away(desk):
    """Same port, same session; what happened meanwhile is there, and nothing twice."""
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered(), script.said(0))
    await expect(row(desk, SPOKEN[0])).to_be_visible()
    await desk.stop()
    await expect(desk.page.locator("#connection")).to_have_text("↻ 重连中")
    desk.control.feed(script.said(1), script.said(2))
    await desk.start()
    await expect(desk.page.locator("#connection")).to_have_text("● 实时", timeout=15_000)
    desk.control.feed(script.said(3))
    lines = desk.page.locator("#transcript li .words")
    await expect(lines).to_have_text(list(SPOKEN))


async def test_without_redis_the_page_still_follows(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.feed(*script.answered())
    await expect(desk.page.locator("#calls li")).to_have_count(1)
    await desk.lab.stop()
    await expect(desk.page.locator("#connection")).to_have_text("↻ 重连中")
    desk.control.feed(script.said(1))
    await expect(row(desk, SPOKEN[1])).to_be_visible()


EVIL = '<img src=x onerror="document.title=1"><script>document.title=2</script>{{7*7}}'


async def test_what_a_caller_says_is_never_markup(desk):
    await desk.log_in()
    script = desk.script(caller="<b>138</b>")
    desk.control.feed(*script.answered(name=EVIL), script.said(1, EVIL))
    span = f.EvidenceSpan(
        utterance_id=f"{script.call_id}.u1", start=0, end=4, text=EVIL[:4], why=EVIL
    )
    made = script.suggested().model_copy(update={"evidence": [span], "item_name": EVIL})
    desk.control.feed(made, script.ticket(1))
    desk.partial(script, 3, EVIL)
    await expect(row(desk, EVIL)).to_be_visible()
    await expect(desk.page.locator("#partials")).to_contain_text(EVIL)
    await expect(desk.page.locator("#suggestion")).to_contain_text(EVIL)
    assert await desk.page.locator("#desk img, #desk script, #desk b").count() == 0
    assert await desk.page.title() == "【特急】联动坐席台"


async def test_1280_by_800_without_scrolling_the_page(desk):
    await desk.log_in("supervisor")
    for number in range(15):
        desk.control.feed(*desk.script(f"1390000{number:04}").answered())
    script = desk.script()
    long = [script.said(n, "说了很长的一段话，" * 20, at=4 + n) for n in range(4, 40)]
    desk.control.feed(*script.three_way(), *long)
    await desk.page.locator(f"#call-{script.call_id}").click()
    await expect(desk.page.locator("#transcript li")).to_have_count(40)
    size = await desk.page.evaluate(
        "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert size == [1280, 800]
    for place in ("#verbs", "#decide", "#ticket", "#head", "#transcript-scroll", "#connection"):
        box = await desk.page.locator(place).bounding_box()
        assert box["height"] > 10, place
        assert box["x"] >= 0, place
        assert box["x"] + box["width"] <= 1280, place
        assert box["y"] + box["height"] <= 800, place
    scrolls = (
        "e => e.scrollHeight > e.clientHeight && e.scrollTop + e.clientHeight > e.scrollHeight - 5"
    )
    assert await desk.page.locator("#transcript-scroll").evaluate(scrolls)
    assert (await desk.page.locator("#transcript-scroll").bounding_box())["height"] > 250


async def test_reading_back_is_not_disturbed_by_new_words(desk):
    await desk.log_in()
    script = desk.script()
    said = [script.said(n, "一段话。" * 30, at=4 + n) for n in range(30)]
    desk.control.feed(*script.answered(), *said)
    await expect(desk.page.locator("#transcript li")).to_have_count(30)
    box = desk.page.locator("#transcript-scroll")
    await box.evaluate("e => { e.scrollTop = 0; }")
    desk.control.feed(script.said(31, "最新的话", at=60))
    newest = desk.page.get_by_role("button", name="↓ 有新内容")
    await expect(newest).to_be_visible()
    assert await box.evaluate("e => e.scrollTop") == 0
    await newest.click()
    await expect(newest).to_be_hidden()
    await expect(row(desk, "最新的话")).to_be_in_viewport()


CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.offsetParent || element.closest(":disabled, option")) continue;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) poor.push(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


async def test_contrast_is_wcag_aa_and_controls_have_names(desk):
    await desk.log_in()
    script = desk.script()
    desk.control.allow(script.call_id, *EVERYTHING)
    desk.control.feed(*script.three_way(), *desk.script().ended())
    desk.partial(script, 5, "正在说")
    await expect(desk.page.locator("#partials li")).to_have_count(1)
    assert await desk.page.evaluate(CONTRAST) == []
    for button in await desk.page.get_by_role("button").all():
        assert (await button.inner_text()).strip()


async def test_desk_works_by_keyboard_alone(desk):
    await desk.page.goto(f"{desk.url}/console/")
    await expect(desk.page.get_by_label("访问令牌")).to_be_focused()
    await desk.page.keyboard.type("operator-token-0123456789")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.locator("#connection")).to_have_text("● 实时")
    script = desk.script()
    desk.control.allow(script.call_id, BACK)
    desk.control.feed(*script.answered())
    back = desk.page.get_by_role("button", name="返回来电人")
    await expect(back).to_be_enabled()
    for _ in range(20):
        await desk.page.keyboard.press("Tab")
        if await back.evaluate("e => e === document.activeElement"):
            break
    await desk.page.keyboard.press("Enter")
    assert (await requests(desk, 1))[0][0] == "back"


async def test_api_documentation_needs_a_log_in_and_no_internet(desk):
    await desk.page.goto(f"{desk.url}/console/docs.html")
    await expect(desk.page.get_by_text("Log in first")).to_be_visible()
    await desk.log_in()
    await desk.page.get_by_role("link", name="接口文档").click()
    transfer = desk.page.locator("details", has_text="/transfers — Transfer")
    await transfer.locator("summary").click()
    await expect(transfer).to_contain_text("idempotency-key")
    await transfer.get_by_role("link", name="TransferIn").click()
    await expect(desk.page.locator("#schema-TransferIn pre")).to_be_visible()
