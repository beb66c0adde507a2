"""Settings that are wrong: one ConfigError that names the place and the fix."""

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings import CONFIG_ENV, load

CENTRE = '[[centres]]\ncode = "12345"\nname = "n"\nqueue = "12345"\n'


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG_ENV, "")


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "liandong.toml"


def complaint(told: Path, text: str | bytes) -> str:
    told.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load(told)
    return str(caught.value)


def test_without_a_file_there_are_defaults() -> None:
    assert load().switch.port == 5038


def test_the_environment_wins_over_the_file(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told.write_text('[switch]\nhost = "a"\nport = 1\n')
    monkeypatch.setenv("LIANDONG_SWITCH__PORT", "2")
    switch = load(told).switch
    assert (switch.host, switch.port) == ("a", 2)


def test_a_missing_file_is_named(told: Path) -> None:
    with pytest.raises(ConfigError, match=r"no settings file at .*liandong\.toml"):
        load(told)


@pytest.mark.parametrize("text", ["[switch\n", "# 热线\n".encode("gb18030")])
def test_what_is_not_toml(told: Path, text: str | bytes) -> None:
    said = complaint(told, text)
    assert str(told) in said
    assert "not valid TOML" in said


def test_an_unknown_key_is_named(told: Path) -> None:
    said = complaint(told, '[switch]\nhots = "a"\n')
    assert "switch.hots: Extra inputs" in said


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[[links]]\nsource = "12345"\ntarget = "110"\ndial = "d"\n', "unknown centre ['110']"),
        (
            '[[seats]]\nextension = "1001"\nendpoint = "PJSIP/1001"\n'
            'centre = "119"\nagent = "a"\nname = "n"\n',
            "1001 names unknown centre 119",
        ),
    ],
)
def test_an_unknown_centre_is_named(told: Path, text: str, what: str) -> None:
    assert what in complaint(told, CENTRE + text)


def test_a_list_in_the_environment_that_is_not_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANDONG_CENTRES", "12345,110")
    with pytest.raises(ConfigError, match=r"centres.*JSON"):
        load()


def test_no_secret_is_told(told: Path) -> None:
    said = complaint(told, '[switch]\nsecret = ["hunter2"]\n[orders]\nsecret = 17017017\n')
    assert "switch.secret" in said
    assert "hunter2" not in said
    assert "17017017" not in said
