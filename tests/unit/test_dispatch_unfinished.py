"""Words of danger are told before the utterance is over: who is afraid draws no breath."""

import pytest
from dispatch_desk import AGENT, CALLER, LIGHT, Desk, given_call

from gateway.calls import facts as f
from gateway.clock import now

LONG = "邻居拿刀砍人了你们快点来在小区东门那边的超市门口好多人在看"


@pytest.fixture
def desk() -> Desk:
    return given_call()


def spoken(desk: Desk, text: str, by: int = 3) -> None:
    for end in range(by, len(text), by):
        desk.is_saying(text[:end])


def test_danger_is_told_while_it_is_still_being_spoken(desk: Desk) -> None:
    spoken(desk, LONG)
    [made] = desk.made
    assert (made.platform, made.urgency) == ("110", "emergency")
    assert {span.utterance_id for span in made.evidence} == {"u1"}
    assert any("刀" in span.text for span in made.evidence)


def test_it_waits_for_the_words_that_follow(desk: Desk) -> None:
    desk.is_saying("邻居拿刀砍人了")
    assert desk.made == []
    desk.is_saying("邻居拿刀砍人了你")
    assert desk.made == []
    desk.is_saying("邻居拿刀砍人了你们快来")
    assert [made.urgency for made in desk.made] == ["emergency"]


def test_it_is_told_within_three_characters_of_the_words(desk: Desk) -> None:
    for end in range(2, len(LONG)):
        desk.is_saying(LONG[:end])
        if desk.made:
            break
    assert end <= len("邻居拿刀砍") + 3


def test_what_the_next_words_take_back_is_no_alarm(desk: Desk) -> None:
    said = "楼下着火了", "楼下着火了已经灭了没有人受伤", "楼下着火了已经灭了没有人受伤我问问赔偿"
    for text in said:
        desk.is_saying(text)
    assert [made for made in desk.made if made.urgency == "emergency"] == []
    spoken(desk, "邻居家着火了你们快来")
    assert desk.made[-1].urgency == "emergency"  # as the first words alone would have been


def test_what_is_taken_back_is_lowered_and_what_is_told_again_raised(desk: Desk) -> None:
    text = "楼下邻居家里着火了你们快来啊哦灭了没有着火是烧纸呢哎呀不对楼上真的着火了火很大"
    spoken(desk, text, by=1)
    raised = [made.urgency == "emergency" for made in desk.made]
    assert (raised[0], not all(raised), raised[-1]) == (True, True, True)


def test_words_heard_for_the_first_time_wait_however_long_the_utterance(desk: Desk) -> None:
    before = "喂你好是这样子的我跟你说一下这个事情啊我在我们家这边菜市场门口刚才看到"
    spoken(desk, before + "有人拿刀切西瓜卖呢没有营业执照", by=1)
    assert [made.urgency for made in desk.made if made.urgency == "emergency"] == []


@pytest.mark.parametrize("taken_back", ["", "喂"])
def test_words_that_were_taken_back_leave_no_alarm(desk: Desk, taken_back: str) -> None:
    spoken(desk, LONG)
    if taken_back:
        desk.says(taken_back)
    else:
        desk.is_saying("")
    last = desk.made[-1]
    assert (last.urgency, last.evidence, last.sure) == ("normal", [], False)


def test_the_final_takes_the_place_of_its_beginning(desk: Desk) -> None:
    spoken(desk, LONG)
    desk.says("邻居要我说快点来在小区东门那边的超市门口看路灯坏了")
    assert desk.made[-1].urgency != "emergency"
    assert {span.utterance_id for span in desk.made[-1].evidence} == {"u1"}


def test_another_speakers_words_do_not_take_it_back(desk: Desk) -> None:
    spoken(desk, LONG)
    desk.see(desk.heard("您慢慢说您在哪个小区", AGENT, at=9))
    assert desk.made[-1].urgency == "emergency"


def test_it_is_told_once_however_long_it_goes_on(desk: Desk) -> None:
    spoken(desk, LONG, by=1)
    assert [made.urgency for made in desk.made] == ["emergency"]
    desk.says(LONG)
    assert {made.urgency for made in desk.made} == {"emergency"}


def test_a_long_story_without_danger_is_advised_on_before_it_ends(desk: Desk) -> None:
    spoken(desk, LIGHT)
    assert desk.made == []
    spoken(
        desk,
        LIGHT
        + "，晚上回家黑灯瞎火的，老人都不敢出门，报了好多次物业也没有人来修，你们能不能帮忙催一下",
    )
    [made] = desk.made
    assert made.item == "A1"


def test_an_operators_words_are_no_alarm(desk: Desk) -> None:
    for end in range(3, len(LONG), 3):
        desk.is_saying(LONG[:end], AGENT)
    assert desk.made == []


def test_words_whose_recogniser_died_stand(desk: Desk) -> None:
    spoken(desk, LONG)
    desk.see(f.SpeechClosed(call_id="call-1", leg_id=CALLER))
    desk.see(desk.heard("喂听得见吗", CALLER, at=9))
    assert desk.made[-1].urgency == "emergency"


def test_nothing_is_kept_of_a_call_that_has_ended(desk: Desk) -> None:
    spoken(desk, LONG)
    desk.see(f.CallEnded(call_id="call-1", at=now(), reason="caller_hung_up"))
    spoken(desk, LONG)
    assert (desk.advisor._unfinished, desk.advisor._calls) == ({}, {})
