"""The normaliser that is loaded while the worker listens."""

import threading

import pytest

from gateway.errors import ConfigError
from gateway.settings import Settings, SpeechSettings
from gateway.speech.text.later import Later


def test_whoever_comes_before_waits_for_it() -> None:
    later = Later(Settings(speech=SpeechSettings(normalise=False)))
    written: list[str] = []
    asking = threading.Thread(target=lambda: written.append(later.normalise("你 好")))
    asking.start()
    assert written == []
    later.load()
    asking.join()
    assert written == ["你好"]


def test_wrong_settings_are_told_to_all() -> None:
    later = Later(Settings(speech=SpeechSettings(name_areas=["999999"])))
    with pytest.raises(ConfigError, match="999999"):
        later.load()
    with pytest.raises(ConfigError, match="999999"):
        later.normalise("一")
