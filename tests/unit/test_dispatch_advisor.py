"""The suggestion of a live call follows what is heard, and is told only when it has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dispatch_desk import AGENT, DANGER, LIGHT, Desk, given_call
from dispatch_said import engine

from gateway.calls import facts as f
from gateway.clock import now
from gateway.dispatch.datafile import packaged
from gateway.errors import ConfigError


@pytest.fixture
def desk() -> Desk:
    return given_call()


def test_a_suggestion_is_made_of_what_the_caller_says(desk: Desk) -> None:
    desk.says(LIGHT)
    [made] = desk.made
    assert (made.call_id, made.platform, made.item) == ("call-1", "12345", "A1")
    assert {span.utterance_id for span in made.evidence} == {"u1"}
    assert made.version == engine().version


def test_nothing_is_made_of_a_greeting(desk: Desk) -> None:
    desk.says("喂你好")
    assert desk.made == []


def test_words_that_change_nothing_make_no_new_one(desk: Desk) -> None:
    desk.says(LIGHT)
    desk.says("嗯")
    assert len(desk.made) == 1


def test_a_turn_of_the_call_makes_a_new_one_with_its_own_id(desk: Desk) -> None:
    desk.says(LIGHT)
    desk.says(DANGER)
    first, *_, last = desk.made
    assert (last.platform, last.item, last.urgency) == ("110", "B1", "emergency")
    assert first.suggestion_id != last.suggestion_id


def test_the_operators_words_are_not_the_callers(desk: Desk) -> None:
    caller = Desk()
    caller.says(LIGHT)
    desk.says(LIGHT, AGENT)
    assert [(one.item, one.confidence) for one in desk.made] != [
        (one.item, one.confidence) for one in caller.made
    ]


def test_calls_do_not_hear_each_other(desk: Desk) -> None:
    desk.says(DANGER)
    desk.says(LIGHT, "call-2.caller.0", "call-2")
    assert [(one.call_id, one.item) for one in desk.made] == [("call-1", "B1"), ("call-2", "A1")]


def _ended() -> f.Fact:
    return f.CallEnded(call_id="call-1", at=now(), reason="caller_hung_up")


@pytest.mark.parametrize(
    "after", [lambda desk: None, lambda desk: desk.says("就是这样")], ids=["end", "late words"]
)
def test_an_ended_call_is_forgotten(desk: Desk, after: Callable[[Desk], None]) -> None:
    desk.says(LIGHT)
    desk.see(_ended())
    after(desk)
    assert desk.advisor._calls == {}


def test_words_that_come_after_the_end_still_count(desk: Desk) -> None:
    desk.says(LIGHT)
    desk.see(_ended())
    desk.says(DANGER)
    assert desk.made[-1].item == "B1"


def test_a_broken_taxonomy_names_line_and_fix_and_leaves_the_old_one_in_force(
    desk: Desk, tmp_path: Path
) -> None:
    shipped = packaged("taxonomy.toml").read_text("utf-8")
    file = tmp_path / "taxonomy.toml"
    file.write_text(shipped.replace('urgency = "urgent"', 'urgency = "soon"', 1), "utf-8")
    with pytest.raises(ConfigError, match=r"taxonomy\.toml:\d+: .*urgent"):
        desk.advisor.renew(file)
    desk.says(LIGHT)
    assert "taxonomy 2022.2;" in desk.made[-1].version
    file.write_text(shipped.replace('version = "2022.2"', 'version = "2023.1"'), "utf-8")
    desk.advisor.renew(file)
    desk.says(LIGHT, call_id="call-2")
    assert "taxonomy 2023.1;" in desk.made[-1].version
