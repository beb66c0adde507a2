"""Danger that is said raises urgency; danger denied, past, supposed or quoted does not."""

import pytest
from dispatch_said import AGENT, CALLER, conversation, engine, spoken, suggest

from gateway.dispatch import safety
from gateway.dispatch.evaluate import said
from gateway.dispatch.taxonomy import RANK


@pytest.mark.parametrize(
    ("text", "item", "also"),
    [
        ("楼上着火了，快来人", "B4", "119"),
        ("有人拿着刀追着砍人", "B1", "120"),
        ("屋里全是煤气味，煤气漏了", "B6", "119"),
        ("有小孩掉河里了", "B5", "120"),
        ("她站在楼顶上说要跳楼", "B5", "119"),
        ("电线断了掉在地上冒火花", "B6", "120"),
        ("货车撞了人，压在车底下", "B3", "122"),
        ("我们执法的时候被人围住了，打我们的人", "B8", ""),
        ("老人走丢了，从昨天下午到现在没回来", "B5", ""),
    ],
)
def test_danger_goes_to_110_first_with_the_lines_to_bring_in(
    text: str, item: str, also: str
) -> None:
    proposal = spoken(text)
    assert (proposal.platform, proposal.item, proposal.urgency) == ("110", item, "emergency")
    if also:
        assert also in proposal.also
        assert any(f"联动{also}" in s.why or f"、{also}" in s.why for s in proposal.evidence)


@pytest.mark.parametrize(
    "text",
    [
        "没有人受伤",
        "没有什么人受伤",
        "没人打架",
        "这边没有着火",
        "不是煤气漏了",
        "昨天厨房着火已经灭了",
        "上个月有人落水，后来救上来了",
        "要是着火怎么办",
        "万一有人触电了谁负责",
        "消防演习说着火了往哪跑",
        "电视上有人跳楼",
        "有没有人受伤",
        "着火了吗",
        "有人受伤没有",
    ],
)
def test_danger_not_present_raises_nothing(text: str) -> None:
    proposal = suggest(text)
    assert proposal is None or proposal.urgency != "emergency", proposal


@pytest.mark.parametrize(
    "text",
    [
        "没办法了，着火了",
        "昨天就吵，现在又打起来了拿着刀",
        "我怕他跳楼",
        "再不给钱我就跳楼，要是不来人我就跳下去",
        "着火了没有人管",
        "是不是煤气漏了，好大的煤气味",
        "没想到他掏出刀来",
    ],
)
def test_words_that_look_like_denial_do_not_silence_danger(text: str) -> None:
    assert spoken(text).urgency == "emergency"


def test_an_operators_question_is_no_danger_until_the_caller_says_yes() -> None:
    asked = conversation((AGENT, "现场有人受伤吗"), (CALLER, "没有没有"))
    answered = conversation((AGENT, "现场有人受伤吗"), (CALLER, "有两个"))
    assert engine().suggest(asked) is None
    proposal = engine().suggest(answered)
    assert proposal is not None
    assert (proposal.urgency, proposal.also) == ("emergency", ("120",))
    assert proposal.evidence[0].text == "有人受伤"


def test_what_an_agent_says_alone_raises_no_alarm() -> None:
    turns = conversation((AGENT, "请讲是不是着火了"), (CALLER, "我想问一下医保怎么报销"))
    heard = engine().suggest(turns, agents={AGENT})
    assert heard is not None
    assert (heard.item, heard.urgency) == ("A9", "normal")


def test_danger_anywhere_in_the_call_outranks_what_else_was_said() -> None:
    texts = ("路灯坏了好几天", "路灯没人修", "垃圾没人收", "等一下，楼下着火了")
    proposal = spoken(*texts)
    assert (proposal.platform, proposal.item) == ("110", "B4")
    assert proposal.runner_up in {"A1", "A2"}
    assert RANK[proposal.urgency] > RANK[spoken(*texts[:3]).urgency]


@pytest.mark.parametrize(
    "text",
    [
        "这道菜辣得嘴里喷火 你们饭店乱收费我要退钱",
        "孩子作业写到半夜我困得要死了 请问图书馆周末几点开门",
    ],
)
def test_a_figure_of_speech_stays_in_sight_but_is_no_emergency(text: str) -> None:
    proposal = spoken(text)
    assert (proposal.platform, proposal.urgency) == ("12345", "urgent")
    assert any("危及" in span.why for span in proposal.evidence)


def test_a_farewell_in_ordinary_words_is_an_emergency() -> None:
    proposal = spoken("我想问下户口本放在哪个柜子好找 药都摆好了")
    assert proposal.urgency == "emergency"
    assert "轻生" in proposal.evidence[0].why


def test_danger_in_a_call_about_ordinary_matters_is_not_taken_for_a_figure() -> None:
    talk = ["我要反映门口的垃圾桶好几天没人来收", "菜市场边上那一排都是这样味道很大", "着火了"]
    assert spoken(*talk).urgency == "emergency"


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("Help! There is a fire in my hotel room", "B4"),
        ("somebody broke into my apartment he has a knife", "B1"),
        ("my husband is not breathing please come", "B5"),
    ],
)
def test_danger_told_in_english(text: str, item: str) -> None:
    proposal = spoken(text)
    assert (proposal.platform, proposal.item, proposal.urgency) == ("110", item, "emergency")


def _alarmed(text: str) -> bool:
    told = safety.alarms([engine().read(said(text))])
    return any(alarm.raises == "emergency" for alarm in told)


@pytest.mark.parametrize(
    "text",
    [
        "孩子溺水那天你们的人站岸上拍照",
        "着火那回接警问了我八遍地址",
        "煤气要是漏了 先开窗还是先关阀",
        "化工厂演习 大喇叭喊泄漏",
        "我以为着火了 跑出来一看烤羊腰子呢",
        "热死人了 咋还不发高温补贴",
        "急死人了 孩子明天报名 户口页丢了",
    ],
)
def test_rules_are_silent_on_what_is_dated_supposed_played_or_an_idiom(text: str) -> None:
    assert not _alarmed(text)


@pytest.mark.parametrize(
    "text",
    [
        "我以为是放炮 结果着火了",
        "着火那会儿我在睡觉 现在还在烧 出不去",
        "煤气漏了 要是炸了你们负责",
        "急死人了 我妈喘不上气",
    ],
)
def test_rules_still_hear_danger_beside_such_words(text: str) -> None:
    assert _alarmed(text)
