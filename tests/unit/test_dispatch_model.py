"""The model file is plain data, read with checks; training is repeatable and guards danger."""

from pathlib import Path

import numpy as np
import pytest
from dispatch_said import engine, said
from typer.testing import CliRunner

from gateway.dispatch import concepts, corpus, model
from gateway.dispatch.cli_train import app
from gateway.dispatch.context import Context
from gateway.dispatch.datafile import packaged
from gateway.dispatch.model import Tally
from gateway.errors import ConfigError


def context() -> Context:
    return Context(engine().rules.context)


def test_a_saved_model_judges_as_before(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    model.save(engine().model, path, 0.5)
    again = model.load(concepts.load(), context(), path)
    assert model.heard(path) == 0.5
    assert again.version == engine().model.version
    off = np.abs(again.weights - engine().model.weights)
    assert (off <= np.abs(engine().model.weights).max(axis=1, keepdims=True) / 250 + 1e-6).all()
    assert path.stat().st_size < 5_000_000


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04broken"])
def test_a_broken_model_names_the_fix(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="dispatch train"):
        model.load(concepts.load(), context(), path)


def test_taking_an_utterance_out_again_leaves_nothing() -> None:
    first, second = (engine().read(said(t)).features for t in ("路灯坏了没人修", "有人拿刀砍人"))
    assert first is not None
    assert second is not None
    alone, both = Tally(engine().model), Tally(engine().model)
    alone.add(first.known)
    both.add(first.known)
    both.add(second.known)
    both.remove(second.known)
    assert np.allclose(alone.scores(), both.scores(), atol=1e-4)


def test_training_texts_are_the_same_for_the_same_seed() -> None:
    every = corpus.lines()[:50]
    assert corpus.said(every, 5, 7) == corpus.said(every, 5, 7)
    assert corpus.said(every, 5, 7) != corpus.said(every, 5, 8)


def test_choices_may_hold_choices() -> None:
    line = corpus.Line("{门口{路灯|水管}坏了|没有电} {急|}", "A1", "emergency", "x")
    told = {" ".join(one.parts) for one in corpus.said([line], 5, 3)}
    assert not {char for text in told for char in text} & set("{|}")
    assert any("路灯坏了" in text or "水管坏了" in text or "没有电" in text for text in told)


def test_a_model_that_hears_less_danger_is_refused(tmp_path: Path) -> None:
    held = tmp_path / "model.npz"
    model.save(engine().model, held, 1.1)
    before = held.read_bytes()
    texts = tmp_path / "said"
    texts.mkdir()
    for name in ("n.txt", "g.txt"):
        (texts / name).write_text((packaged("said") / name).read_text("utf-8"), encoding="utf-8")
    check = Path(__file__).parents[1] / "data/dispatch_eval/third"
    got = CliRunner().invoke(
        app, ["train", "--texts", str(texts), "--out", str(held), "--check", str(check)]
    )
    assert got.exit_code == 1
    assert "hear less danger" in got.output
    assert held.read_bytes() == before


def test_training_without_sentences_says_so(tmp_path: Path) -> None:
    got = CliRunner().invoke(app, ["train", "--texts", str(tmp_path)])
    assert got.exit_code == 2
    assert "no training sentences" in got.output


def test_the_shipped_model_is_no_pickle() -> None:
    with np.load(packaged("model.npz"), allow_pickle=False) as held:
        assert {held[name].dtype.kind for name in held.files} <= {"u", "i", "f"}
