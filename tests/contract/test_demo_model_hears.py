"""The shipped Mandarin model on the shipped sample of telephone sentences."""

import pytest

from asr_models.recipe.evaluate import SAMPLE, Figures, Listener, figures
from asr_models.recipe.paths import SHIPPED
from asr_models.recipe.utterances import load

pytestmark = pytest.mark.speech
SENTENCES = 60


@pytest.fixture(scope="module")
def heard() -> Figures:
    every = load(*SAMPLE)
    assert len(every) >= SENTENCES
    listener = Listener(SHIPPED)
    return figures("sample", every, [listener.hear(one) for one in every])


def test_free_wording_is_understood(heard: Figures) -> None:
    assert heard.cer.percent <= 5


def test_utterances_are_final_soon_after_the_last_word(heard: Figures) -> None:
    assert heard.final_soon is not None
    assert heard.final_soon >= 0.9


def test_words_stand_where_they_were_said(heard: Figures) -> None:
    assert heard.times_close is not None
    assert heard.times_close >= 0.85  # begins are nearer than ends, which come late before a pause
