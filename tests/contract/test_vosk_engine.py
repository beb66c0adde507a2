"""What the worker relies on in Vosk, and how well and how soon the lab's voices are heard."""

import shutil
from pathlib import Path

import pytest

from gateway.errors import ModelError
from gateway.speech.ear import Ear, Said
from gateway.speech.pool import Pool
from gateway.speech.vosk_engine import VoskEngine, check_model
from tests.contract.spoken import Turn, dialogue, engine, errors
from tests.unit.model_folder import model_folder

BATCH = 200 * 32
QUIET = bytes([0xF8, 0xFF, 0x08, 0x00])
"""Two samples of what A-law makes of silence."""


def quiet(ms: int) -> bytes:
    return QUIET * (ms * 8)


def hear(ear: Ear, pcm: bytes) -> tuple[list[Said], list[float]]:
    """Return the finals with words, and how much had been fed when each came."""
    finals, at = [], []
    for start in range(0, len(pcm), BATCH):
        for said in ear.hear(pcm[start : start + BATCH]):
            if said.final and said.text:
                finals.append(said)
                at.append(ear.fed_ms)
    return finals, at


def speakers() -> list[tuple[str, list[Turn]]]:
    legs: dict[tuple[str, str], list[Turn]] = {}
    for name in ("fight", "lamp"):
        for turn in dialogue(name):
            legs.setdefault((name, turn.speaker), []).append(turn)
    return [(speaker, turns) for (_, speaker), turns in legs.items()]


@pytest.mark.speech
def test_the_last_words_of_every_turn_are_final_within_a_second_of_its_end() -> None:
    lags, wrong, length = [], 0, 0
    for _, turns in speakers():
        ear = Ear(Pool(engine(), recycle_s=600), batch_ms=200)
        for number, turn in enumerate(turns):
            begun = ear.fed_ms
            # Turns end at any place in a batch.
            pcm = turn.pcm + quiet(2000 + number * 37)
            # A comma may end an utterance too: the model's end-pointing says.
            finals, at = hear(ear, pcm)
            final = finals[-1]
            heard = "".join(one.text for one in finals).replace(" ", "")
            wrong, length = wrong + errors(turn.text, heard), length + len(turn.text)
            end = begun + len(turn.pcm) / 32 - 80
            lags.append(at[-1] - end)
            assert final.end_ms == pytest.approx(end, abs=120)
            assert begun <= finals[0].words[0][1] < final.words[-1][2] <= end + 100
    lags.sort()
    assert lags[int(len(lags) * 0.95)] <= 900, lags
    assert wrong / length < 0.1


@pytest.mark.speech
@pytest.mark.parametrize(
    ("name", "words"), [("fight", ("报警", "打架", "受伤")), ("lamp", ("路灯", "停水"))]
)
def test_the_words_that_matter_come_out_right(name: str, words: tuple[str, ...]) -> None:
    ear = Ear(Pool(engine(), recycle_s=600), batch_ms=200)
    pcm = b"".join(t.pcm + quiet(1500) for t in dialogue(name) if t.speaker == "caller")
    text = "".join(said.text.replace(" ", "") for said in hear(ear, pcm)[0])
    assert [word for word in words if word not in text] == []


@pytest.mark.speech
def test_a_recogniser_goes_on_after_its_final_with_times_that_go_on() -> None:
    recogniser = engine().recogniser()
    turn = dialogue("fight")[1]
    for _ in range(2):
        for start in range(0, len(turn.pcm), BATCH):
            recogniser.accept(turn.pcm[start : start + BATCH])
        heard = recogniser.finish()
        assert heard is not None
        assert "打架" in heard.text.replace(" ", "")
    assert heard.words[0].start_s > len(turn.pcm) / 32000
    assert heard.words[-1].end_s < 2 * len(turn.pcm) / 32000


@pytest.mark.speech
def test_finishing_silence_says_nothing() -> None:
    recogniser = engine().recogniser()
    recogniser.accept(quiet(400))
    heard = recogniser.finish()
    assert heard is not None
    assert heard.text == ""


@pytest.mark.speech
def test_the_version_names_folder_and_content() -> None:
    folder, digest = engine().model_version.rsplit("-", 1)
    assert folder
    assert len(digest) == 8


def test_no_folder_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no speech model at .*LIANDONG_SPEECH__MODEL_DIR"):
        check_model(tmp_path / "none")


@pytest.mark.parametrize("gone", ["am/final.mdl", "conf/model.conf", "graph/Gr.fst"])
def test_a_missing_file_is_named(tmp_path: Path, gone: str) -> None:
    model_folder(tmp_path)
    check_model(tmp_path)
    (tmp_path / gone).unlink()
    with pytest.raises(ModelError, match=gone):
        check_model(tmp_path)


@pytest.mark.speech
def test_a_broken_model_is_no_crash(tmp_path: Path) -> None:
    source = Path(str(engine().model_dir))
    shutil.copytree(source, tmp_path / "broken", copy_function=shutil.copyfile)
    (tmp_path / "broken/am").chmod(0o755)
    (tmp_path / "broken/am/final.mdl").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"am/final.mdl is no Kaldi acoustic model"):
        VoskEngine(tmp_path / "broken")
