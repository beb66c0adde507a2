"""Text, utterance ids and times of what an ear said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.calls.facts import UtteranceHeard
from gateway.speech.ear import Said
from gateway.speech.port import PartialHeard, TapGrant
from gateway.speech.transcript import Timeline, Transcript, plain

GRANT = TapGrant(call_id="c", leg_id="c.caller.1", call_started_ms=0)


def transcript(call_ms: float = 0) -> Transcript:
    timeline = Timeline()
    timeline.mark(0, call_ms)
    return Transcript(GRANT, "model-1", timeline)


def said(text: str, *, final: bool = False, onset_ms: float = 0) -> Said:
    words = [(word, 100.0 * i, 100.0 * i + 90, 0.8) for i, word in enumerate(text.split(), 1)]
    return Said(final, text, words if final else [], onset_ms, 500)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("有人 打架 快来", "有人打架快来"),
        ("我 的 iphone 手机 丢 了", "我的 iphone 手机丢了"),
        ("open the door", "open the door"),
        (" 好 ", "好"),
        ("", ""),
    ],
)
def test_spaces_go_only_between_chinese_words(raw: str, text: str) -> None:
    assert plain(raw) == text


def test_partials_and_their_final_share_an_id() -> None:
    script = transcript(call_ms=5000)
    first = script.event(said("有人", onset_ms=100))
    second = script.event(said("有人 打架", onset_ms=100))
    final = script.event(said("有人 打架", final=True))
    assert isinstance(first, PartialHeard)
    assert isinstance(second, PartialHeard)
    assert isinstance(final, UtteranceHeard)
    assert first.utterance_id == second.utterance_id == final.utterance_id
    assert (first.text, first.start_ms, second.text) == ("有人", 5100, "有人打架")
    assert (final.text, final.text_raw) == ("有人打架", "有人 打架")
    assert (final.start_ms, final.end_ms, final.model) == (5100, 5290, "model-1")
    assert final.words == [("有人", 5100, 5190, 0.8), ("打架", 5200, 5290, 0.8)]
    assert final.confidence == pytest.approx(0.8)


def test_the_next_utterance_has_another_id() -> None:
    script = transcript()
    ids = {script.event(said("好", final=True)).utterance_id for _ in range(2)}  # type: ignore[union-attr]
    assert len(ids) == 2


def test_an_unchanged_partial_is_not_said_twice() -> None:
    script = transcript()
    assert script.event(said("好")) is not None
    assert script.event(said("好")) is None


def test_silence_says_nothing() -> None:
    script = transcript()
    assert script.event(said("")) is None
    assert script.event(said("", final=True)) is None


def test_words_taken_back_are_cleared() -> None:
    script = transcript()
    shown = script.event(said("好"))
    cleared = script.event(said("", final=True))
    assert isinstance(shown, PartialHeard)
    assert isinstance(cleared, PartialHeard)
    assert (cleared.utterance_id, cleared.text) == (shown.utterance_id, "")
    later = script.event(said("喂"))
    assert isinstance(later, PartialHeard)
    assert later.utterance_id != shown.utterance_id


def test_a_final_without_word_times_has_the_voice_s() -> None:
    final = transcript(1000).event(Said(True, "好", [], 200, 700))
    assert isinstance(final, UtteranceHeard)
    assert (final.start_ms, final.end_ms, final.confidence) == (1200, 1700, None)


def test_a_gap_moves_what_follows() -> None:
    timeline = Timeline()
    timeline.mark(0, 1000)
    timeline.mark(500, 9000)
    assert [timeline.call_ms(at) for at in (0, 499, 500, 600)] == [1000, 1499, 9000, 9100]
    timeline.forget(550)
    assert timeline.call_ms(600) == 9100


def test_nothing_is_before_the_call() -> None:
    timeline = Timeline()
    timeline.mark(0, -40)
    assert timeline.call_ms(0) == 0


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.integers(0, 10_000))
def test_without_gaps_time_runs_straight(lengths: list[int], start: int) -> None:
    timeline, fed = Timeline(), 0
    for length in lengths:
        timeline.mark(fed, start + fed)
        fed += length
        timeline.forget(fed)
    assert timeline.call_ms(fed) == start + fed
