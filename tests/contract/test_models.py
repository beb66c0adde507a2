"""`liandong models` as people run it, on a real model, a cut one, an empty one, and no network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.speech.models.verify import MOST_ERRORS, RECORDING, character_error_rate, verify
from tests.contract.spoken import AUDIO, engine
from tests.unit.model_folder import model_folder
from tests.unit.publisher import published

pytestmark = pytest.mark.speech


def liandong(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing but its own settings."""
    kept = {name: value for name, value in os.environ.items() if "LIANDONG" not in name}
    kept |= {"XDG_DATA_HOME": str(home), **environment}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        env=kept,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the model under test that may be broken; no manifest tells of it."""
    source = engine().model_dir.resolve()
    model = tmp_path / "model"
    for path in source.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            place = model / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    return model


def test_a_healthy_model_is_whole_and_hears(tmp_path: Path) -> None:
    model = engine().model_dir.resolve()
    ended = liandong(tmp_path, "models", "verify", str(model), "--json")
    report = json.loads(ended.stdout)
    assert ended.returncode == 0, report
    assert report["ok"]
    heard = report["heard"]
    assert heard["recording"] == RECORDING
    assert character_error_rate(heard["script"], heard["text"]) < 0.2
    assert 0 < heard["real_time_factor"] < 5


@pytest.mark.parametrize(
    "name", ["am/final.mdl", "graph/Gr.fst", "graph/HCLr.fst", "conf/model.conf"]
)
def test_every_cut_and_missing_file_is_named(copied: Path, name: str) -> None:
    if not (copied / name).is_file():
        pytest.skip(f"this model has no {name}")
    os.truncate(copied / name, (copied / name).stat().st_size * 9 // 10 * (name[-4:] != "conf"))
    (copied / "conf/mfcc.conf").unlink()
    first, second = sorted(verify(copied).problems, key=lambda problem: "missing" not in problem)
    assert first == "conf/mfcc.conf is missing"
    assert second.startswith(f"{name} is ")


def test_an_empty_and_an_absent_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = liandong(tmp_path, "models", "verify", str(tmp_path / "empty"))
    assert ended.returncode == 1
    assert "am/final.mdl is missing" in ended.stdout
    absent = liandong(tmp_path, "models", "verify", "nothing-of-the-kind")
    assert absent.returncode == 1
    assert "there is no directory nothing-of-the-kind" in absent.stdout


def test_a_model_that_kills_its_process_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    """Every file looks right from outside, and Kaldi gives up on the first."""
    report = verify(model_folder(tmp_path / "senseless"))
    assert not report.ok
    assert "cannot be loaded and heard" in report.problems[0]


def test_a_model_that_hears_something_else_is_not_good_enough(
    monkeypatch: pytest.MonkeyPatch, copied: Path
) -> None:
    monkeypatch.setattr(verify.__globals__["json"], "loads", lambda _text: _book("完全不同的话"))
    report = verify(copied)
    assert report.heard is not None
    assert report.heard.character_error_rate > MOST_ERRORS
    assert "no model for Mandarin" in report.problems[0]


def _book(text: str) -> dict[str, object]:
    return {"dialogues": [{"turns": [{"id": RECORDING, "text": text}]}]}


def test_choosing_a_model_puts_it_in_use(tmp_path: Path) -> None:
    model = str(engine().model_dir.resolve())
    assert liandong(tmp_path, "models", "use", model).returncode == 0
    rows = json.loads(liandong(tmp_path, "models", "list", "--json").stdout)
    assert [row["directory"] for row in rows if row["in_use"]] == [model]


def test_a_choice_that_the_settings_overrule_is_told(tmp_path: Path) -> None:
    ended = liandong(tmp_path, "models", "use", "x", LIANDONG_SPEECH__MODEL_DIR="elsewhere")
    assert ended.returncode == os.EX_CONFIG
    assert 'say model_dir = "current"' in ended.stderr


def test_a_pull_without_a_network_says_what_to_do(tmp_path: Path) -> None:
    with published(b"") as gone:
        url = gone.url
    ended = liandong(tmp_path, "models", "pull", "vosk-model-small-cn-0.22", "--url", url)
    assert ended.returncode == 1
    for word in (url, "3af8b0e7e0f8", "--file", str(tmp_path / "liandong/models")):
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_pull_of_a_name_that_is_not_known_lists_the_known(tmp_path: Path) -> None:
    ended = liandong(tmp_path, "models", "pull", "vosk-model-xy")
    assert ended.returncode == 1
    assert "vosk-model-small-cn-0.22" in ended.stderr


def test_a_pulled_zip_can_be_used_at_once(copied: Path, tmp_path: Path) -> None:
    made = shutil.make_archive(str(tmp_path / "carried"), "zip", copied.parent, copied.name)
    ended = liandong(tmp_path, "models", "pull", "of-our-own", "--file", made)
    assert ended.returncode == 0, ended.stderr
    assert "Nobody has vouched" in ended.stdout
    assert liandong(tmp_path, "models", "use", "of-our-own").returncode == 0
    said = liandong(tmp_path, "transcribe", "--jsonl", str(AUDIO / f"{RECORDING}.alaw"))
    texts = [json.loads(line)["text"] for line in said.stdout.splitlines()]
    assert "报警" in "".join(texts)
