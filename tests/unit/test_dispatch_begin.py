"""Advice that begins after the calls: nothing said before is passed over."""

import asyncio
import gc
from pathlib import Path

import pytest
from dispatch_said import engine

from gateway.calls import facts as f
from gateway.calls.view import CallView
from gateway.dispatch import suggest
from gateway.dispatch.begin import Advising
from gateway.errors import ConfigError


def says(text: str, call_id: str = "call-1") -> tuple[f.UtteranceHeard, CallView]:
    heard = f.UtteranceHeard(
        call_id=call_id,
        utterance_id="u1",
        leg_id=f"{call_id}.caller.0",
        start_ms=0,
        end_ms=900,
        text=text,
        text_raw=text,
        model="m",
    )
    view = CallView(id=call_id)
    view.apply(heard)
    return heard, view


@pytest.fixture(autouse=True)
def _shared_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "Dispatcher", lambda _taxonomy, **_: engine())
    monkeypatch.setattr(gc, "freeze", lambda: None)


async def test_what_was_said_before_is_advised_on_once_it_has_begun() -> None:
    made: list[f.Fact] = []
    advising = Advising(made.append)
    advising.see(*says("我们小区门口的路灯坏了"))
    advising.see(*says("邻居正在打我，快来人", "call-2"))
    assert made == []
    await advising.begin()
    assert gc.isenabled()
    found = [(one.call_id, one.platform) for one in made if isinstance(one, f.SuggestionMade)]
    assert found == [("call-1", "12345"), ("call-2", "110")]
    advising.see(*says("有人在小区门口打架", "call-3"))
    assert made[-1].call_id == "call-3"


async def test_broken_lists_are_told_with_the_fix(tmp_path: Path) -> None:
    lists = tmp_path / "lists.toml"
    lists.write_text("version = 1\n", "utf-8")
    with pytest.raises(ConfigError, match=str(lists)):
        await Advising(lambda _fact: None, lists).begin()


async def test_shipped_lists_do_not_change() -> None:
    advising = Advising(lambda _fact: None)
    await advising.begin()
    task = asyncio.create_task(advising.follow())
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
