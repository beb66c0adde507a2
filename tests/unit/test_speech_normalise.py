"""The text for readers: its steps, what happens when one fails, and texts of any kind."""

import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.calls.facts import UtteranceHeard
from gateway.settings import Settings, SpeechSettings
from gateway.speech.ear import Ear
from gateway.speech.fakes import FakeEngine
from gateway.speech.pool import Pool
from gateway.speech.port import PartialHeard, TapGrant
from gateway.speech.text import normalise
from gateway.speech.text.normalise import Normaliser
from gateway.speech.text.numbers import Numbers
from gateway.speech.transcript import Timeline, Transcript
from tests.unit.speech_sounds import frames, silence, voice

TURN = voice(600) + silence(800)
GRANT = TapGrant(call_id="c", leg_id="c.caller.1", call_started_ms=0)


class Recorder(Numbers):
    """Takes notes of the pieces that it is given."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def write(self, text: str) -> str:
        self.pieces.append(text)
        return text


class Broken(Numbers):
    def __init__(self) -> None:
        pass

    def write(self, text: str) -> str:
        raise RuntimeError(text)


class Silent(Broken):
    def write(self, text: str) -> str:
        return ""


@cache
def loaded() -> Normaliser:
    return normalise.load(Settings())


def test_spaces_names_and_numbers() -> None:
    raw = "喂 我 在 四 阳 县 重兴 街道 幸福 小区 十二 号 楼 三 单元 五 零 二 室 有 三 个 人 打架"
    assert loaded().normalise(raw) == "喂我在泗阳县众兴街道幸福小区12号楼3单元502室有三个人打架"


def test_names_with_numerals_are_no_numbers() -> None:
    tianjin = normalise.load(Settings(platform="tianjin"))
    assert tianjin.normalise("在 二 号 桥 街道") == "在二号桥街道"
    assert tianjin.normalise("五大道 十二 号") == "五大道12号"


def test_what_is_switched_off_is_left_out() -> None:
    off = normalise.load(Settings(speech=SpeechSettings(normalise=False)))
    assert off.normalise("四 阳 县 一百 块") == "四阳县一百块"
    numbers_only = normalise.load(Settings(speech=SpeechSettings(correct_names=False)))
    assert numbers_only.normalise("四 阳 县 一百 块") == "四阳县100块"


def test_a_step_that_fails_costs_its_work_and_nothing_else() -> None:
    with capture_logs() as logs:
        assert Normaliser(numbers=Broken()).normalise("我 要 报警") == "我要报警"
    assert [(log["event"], log["step"]) for log in logs] == [("speech.not_normalised", "numbers")]
    assert "报警" not in repr([{k: v for k, v in log.items() if k != "exc_info"} for log in logs])


def test_a_text_does_not_vanish() -> None:
    assert Normaliser(numbers=Silent()).normalise("我 要 报警") == "我要报警"


def test_a_long_text_is_read_in_pieces_and_kept_whole() -> None:
    recorder = Recorder()
    text = "我住在十二号楼" * 1500
    assert Normaliser(numbers=recorder).normalise(text) == text
    assert max(map(len, recorder.pieces)) <= 400
    assert "".join(recorder.pieces) == text


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "\ud800",
        "一百\ud83d块",
        "😀 三 十 个",
        "a\x00b\x07",
        "ｉｐｈｏｎｅ",
        "\U000f0001一百块",
    ],
)
def test_odd_characters_do_no_harm(raw: str) -> None:
    with capture_logs() as logs:
        written = loaded().normalise(raw)
    assert not logs
    assert bool(written) == bool(raw.strip())


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_any_text_is_taken(raw: str) -> None:
    with capture_logs() as logs:
        loaded().normalise(raw)
    assert not logs


def test_a_final_is_written_where_it_is_decoded_and_a_partial_only_loses_its_spaces() -> None:
    ear = Ear(Pool(FakeEngine(), recycle_s=600, normalise=lambda raw: f"<{raw}>"))
    said = [one for batch in frames(TURN, 100) for one in ear.decode(ear.take(batch))]
    assert {one.written for one in said if not one.final} == {""}
    final = next(one for one in said if one.final)
    assert final.written == f"<{final.text}>"
    script = Transcript(GRANT, "model-1", Timeline())
    events = [event for one in said if (event := script.event(one))]
    assert [e.text for e in events if isinstance(e, PartialHeard)][-1].startswith("好好好")
    heard = next(event for event in events if isinstance(event, UtteranceHeard))
    assert (heard.text, heard.text_raw) == (final.written, final.text)
    assert [word for word, *_ in heard.words] == final.text.split()


@pytest.mark.parametrize("module", ["gateway.control", "gateway.app"])
def test_control_does_not_carry_it(module: str) -> None:
    code = f"import sys, {module}; print([m for m in ('wetext', 'kaldifst') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
