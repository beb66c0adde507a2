"""Proposals: the class, why, spans that hold on messy text, the incremental form, and its cost."""

import json
from pathlib import Path
from unittest.mock import patch

import pytest
from dispatch_said import AGENT, CALLER, conversation, engine, said, spoken, suggest

from gateway.dispatch.incremental import Incremental
from gateway.dispatch.suggest import Proposal

DIALOGUES = Path(__file__).parents[2] / "gateway/lab/audio/dialogues.json"


def spans_hold(proposal: Proposal, texts: dict[str, str]) -> bool:
    return all(
        texts[s.utterance_id][s.start : s.end] == s.text and s.text and s.why
        for s in proposal.evidence
    )


@pytest.mark.parametrize(
    ("text", "platform", "item"),
    [
        ("我们小区门口的路灯坏了", "12345", "A1"),
        ("煤气公司多收了我的燃气费", "12345", "A6"),
        ("邻居打架的事派出所调解过了，还是谈不拢", "12345", "A7"),
        ("邻居正在打我，快来人", "110", "B1"),
        ("小区消防通道停满了车", "12345", "A8"),
        ("有辆车挡住我的车，帮我联系车主挪车", "guide", None),
        ("路口的红绿灯不亮了", "110", "B3"),
        ("我要投诉派出所不出警", "110", "B7"),
        ("捡了部手机 想还给人家 交到哪", "12345", "A9"),
        ("上次车祸多亏了交警，我想写封表扬信", "12345", "A9"),
    ],
)
def test_hard_pairs(text: str, platform: str, item: str | None) -> None:
    proposal = spoken(text)
    assert (proposal.platform, proposal.item) == (platform, item)


def test_a_parked_car_is_guided_to_114() -> None:
    proposal = spoken("前面的车挡着我了，麻烦通知车主挪车")
    assert proposal.item_name == "挪车服务"
    assert any("114" in span.why for span in proposal.evidence)


@pytest.mark.parametrize("text", ["我捡到一只走丢的狗 有牌子", "走失的宠物在哪登记"])
def test_a_stray_pet_is_no_missing_person(text: str) -> None:
    assert spoken(text).urgency != "emergency"


@pytest.mark.parametrize(
    "text", ["我家孩子走丢了", "老人去找走丢的狗没回来", "孩子去找走丢的猫一晚上没回家"]
)
def test_whoever_looks_for_a_stray_pet_may_be_missing(text: str) -> None:
    assert spoken(text).urgency == "emergency"


@pytest.mark.parametrize("text", ["", "喂你好", "嗯嗯好的谢谢", "hello", "请问", "12345", "🔥🔥🔥"])
def test_not_sure_is_an_answer(text: str) -> None:
    proposal = suggest(text)
    assert proposal is None or (proposal.item == "A9" and proposal.confidence < 0.7)


def test_version_names_taxonomy_and_rules() -> None:
    version = spoken("路灯坏了").version
    assert engine().taxonomy.version in version
    assert engine().rules.version in version


@pytest.mark.parametrize(
    "text",
    [
        "小区 门口 的 路 灯 坏 了",
        "路\u200b灯🙂坏了",
        "Ａ区路灯,坏了!路灯　不亮",
        "\ud800路灯不亮\udfff",
        "𠮷𠮷路灯 不\t亮",
    ],
)
def test_spans_hold_on_messy_text(text: str) -> None:
    # Built without validation: pydantic refuses lone surrogates, a switch need not.
    utterance = said("x").model_copy(update={"text": text})
    proposal = engine().suggest([utterance])
    assert proposal is not None
    assert proposal.item == "A1"
    assert proposal.evidence
    assert spans_hold(proposal, {utterance.utterance_id: text})


@pytest.mark.parametrize(
    ("misheard", "meant", "item"),
    [
        ("小区的路等不亮了", "路灯不亮", "A1"),
        ("门口有人大架", "有人打架", "B1"),
        ("厨房找火了快来", "着火了", "B4"),
        ("我家停谁了没水用", "停水", "A1"),
        ("煤气写漏了味道很大", "煤气泄漏", "B6"),
        ("老人走丢乐", "走丢了", "B5"),
        ("有人跳何了在河里", "跳河", "B5"),
    ],
)
def test_misheard_words_match_by_sound_with_the_words_as_heard(
    misheard: str, meant: str, item: str
) -> None:
    proposal = spoken(misheard)
    assert proposal.item == item, meant
    assert spans_hold(proposal, {"u0": misheard})
    clear = spoken(misheard.replace("乐", "了").replace("大架", "打架").replace("找火", "着火"))
    assert proposal.confidence <= clear.confidence + 0.1


def test_a_match_by_sound_says_so() -> None:
    whys = [s.why for s in spoken("小区的路等不亮了").evidence]
    assert any("按读音" in why for why in whys)


@pytest.mark.parametrize(
    "text", ["我们大家都等着", "大货车太多了", "看了一下", "市火车站", "寻思着"]
)
def test_chance_homophones_raise_nothing(text: str) -> None:
    proposal = suggest(text)
    assert proposal is None or proposal.urgency != "emergency"


def test_incremental_equals_whole_and_reads_each_utterance_once() -> None:
    turns = conversation(
        (CALLER, "你好 我们小区停水了"),
        (AGENT, "停了多久了"),
        (CALLER, "路灯也坏了"),
        (CALLER, "等一下 楼下有人打架 拿着刀"),
        (AGENT, "有人受伤吗"),
        (CALLER, "有一个 头上流血"),
    )
    live = Incremental(engine(), agents={AGENT})
    with patch.object(
        type(engine()), "read", autospec=True, side_effect=type(engine()).read
    ) as read:
        for size in range(1, len(turns) + 1):
            assert live.suggest(turns[:size]) == engine().suggest(turns[:size], {AGENT})
        whole = sum(range(1, len(turns) + 1))
        assert read.call_count == whole + len(turns)
    corrected = [*turns[:-1], said("没有", 5)]
    assert live.suggest(corrected) == engine().suggest(corrected, {AGENT})


def dialogue(name: str) -> list[tuple[str, str]]:
    listed = json.loads(DIALOGUES.read_text(encoding="utf-8"))["dialogues"]
    turns = next(one["turns"] for one in listed if one["id"] == name)
    return [(turn["speaker"], turn["text"]) for turn in turns]


@pytest.mark.parametrize("speakers", ["caller", "all", "roles known"])
@pytest.mark.parametrize(
    ("name", "platform", "items", "urgency"),
    [("fight", "110", {"B1", "B5"}, "emergency"), ("lamp", "12345", {"A1"}, "urgent")],
)
def test_demo_dialogues(
    name: str, platform: str, items: set[str], urgency: str, speakers: str
) -> None:
    alone = speakers == "caller"
    turns = conversation(*(t for t in dialogue(name) if not alone or t[0] == "caller"))
    agents = {"operator", "officer"} if speakers == "roles known" else set()
    proposal = engine().suggest(turns, agents)
    assert proposal is not None
    assert (proposal.platform, proposal.urgency) == (platform, urgency)
    assert proposal.item in items
    assert proposal.evidence
    assert spans_hold(proposal, {turn.utterance_id: turn.text for turn in turns})


def test_lamp_dialogue_is_never_an_emergency_on_the_way() -> None:
    turns = conversation(*dialogue("lamp"))
    for size in range(1, len(turns) + 1):
        proposal = engine().suggest(turns[:size])
        assert proposal is None or proposal.urgency != "emergency"
