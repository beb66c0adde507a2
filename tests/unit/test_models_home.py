"""What a model's name stands for, which is in use, and what a list of them says."""

from pathlib import Path

import pytest

from gateway.errors import ModelError
from gateway.settings import SpeechSettings
from gateway.speech.models import home as places
from gateway.speech.models.home import ModelHome, model_path
from gateway.speech.models.listing import rows
from gateway.speech.models.registry import DEMO, known_models
from tests.unit.model_folder import model_folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelHome:
    monkeypatch.setattr(places, "shipped_dir", lambda: tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    model_folder(tmp_path / "shipped" / DEMO)
    model_folder(tmp_path / "pulled/big")
    return ModelHome(tmp_path / "pulled", tmp_path / "shipped")


def speech(home: ModelHome, model: str = "current") -> SpeechSettings:
    return SpeechSettings(models_dir=home.pulled, model_dir=Path(model))


def test_before_any_choice_the_demo_model_is_in_use(home: ModelHome) -> None:
    assert model_path(speech(home)) == home.shipped / DEMO


def test_a_choice_stands_until_the_next(home: ModelHome) -> None:
    assert home.choose(Path("big")) == home.pulled / "big"
    assert model_path(speech(home)) == home.pulled / "big"
    home.choose(Path(DEMO))
    assert model_path(speech(home)) == home.shipped / DEMO
    assert sorted(path.name for path in home.pulled.iterdir()) == ["big", "current"]


def test_a_model_anywhere_can_be_chosen_by_its_path(home: ModelHome, tmp_path: Path) -> None:
    model_folder(tmp_path / "else/where")
    home.choose(Path("else/where"))
    assert model_path(speech(home)) == tmp_path / "else/where"


def test_a_choice_that_is_gone_is_no_other_model(home: ModelHome) -> None:
    home.choose(Path("big"))
    (home.pulled / "big").rename(home.pulled / "other")
    assert not model_path(speech(home)).exists()


def test_what_is_missing_or_broken_cannot_be_chosen(home: ModelHome) -> None:
    with pytest.raises(ModelError, match="no model nothing"):
        home.choose(Path("nothing"))
    (home.pulled / "big/graph/Gr.fst").write_bytes(b"cut")
    with pytest.raises(ModelError, match=r"graph/Gr.fst is cut off"):
        home.choose(Path("big"))
    assert model_path(speech(home)) == home.shipped / DEMO


@pytest.mark.parametrize("named", ["big", "pulled/big", "./pulled/big"])
def test_settings_may_name_a_model_or_its_path(home: ModelHome, named: str, tmp_path: Path) -> None:
    assert model_path(speech(home, named)).resolve() == tmp_path / "pulled/big"
    assert model_path(speech(home, str(tmp_path / "pulled/big"))) == tmp_path / "pulled/big"


def test_a_list_has_known_models_and_those_that_are_here(home: ModelHome) -> None:
    home.choose(Path("big"))
    found = {row.name: row for row in rows(speech(home))}
    assert list(found) == [*known_models(), "big"]
    assert [row.name for row in found.values() if row.in_use] == ["big"]
    assert found["big"].directory == str(home.pulled / "big")
    assert found["vosk-model-small-cn-0.22"].directory == ""
    assert found["vosk-model-small-cn-0.22"].bytes == 42_000_000
    (home.pulled / "big/conf/mfcc.conf").write_text("--num-ceps=40\n--sample-frequency=8000\n")
    assert rows(speech(home))[-1].sample_rate == 8000


def test_a_model_in_use_from_elsewhere_is_listed_too(home: ModelHome, tmp_path: Path) -> None:
    model_folder(tmp_path / "else/where")
    row = rows(speech(home, "else/where"))[-1]
    assert (row.name, row.in_use) == (str(tmp_path / "else/where"), True)


def test_the_small_official_model_is_held_to_its_sum() -> None:
    small = known_models()["vosk-model-small-cn-0.22"]
    assert small.sha256 == "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba"
    assert all(one.url.startswith("https://") for one in known_models().values() if one.url)
