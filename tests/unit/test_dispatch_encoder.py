"""The encoder's file is plain data, read with checks; each piece's share of a score is known."""

from pathlib import Path

import numpy as np
import pytest
from dispatch_said import engine

from gateway.dispatch import encoder_file, sense
from gateway.dispatch.datafile import packaged
from gateway.dispatch.encoder import LONGEST
from gateway.dispatch.fold import fold_spoken
from gateway.errors import ConfigError

SENSES = engine().classifier.senses


def test_a_file_written_again_holds_the_same(tmp_path: Path) -> None:
    held = encoder_file.read(packaged("encoder.npz"))
    encoder_file.write(held, tmp_path / "encoder.npz")
    again = encoder_file.read(tmp_path / "encoder.npz")
    assert (again.version, again.texts, again.heads) == (held.version, held.texts, held.heads)
    assert again.graph == held.graph
    assert np.array_equal(again.table.steps, held.table.steps)
    assert np.array_equal(again.weights["target"][0], held.weights["target"][0])


def test_a_broken_encoder_names_the_fix(tmp_path: Path) -> None:
    path = tmp_path / "encoder.npz"
    path.write_bytes(b"not an encoder")
    with pytest.raises(ConfigError, match=r"encoder\.npz: not a dispatch encoder .*docs/dispatch"):
        sense.load(path)


def test_a_broken_graph_names_the_fix(tmp_path: Path) -> None:
    held = encoder_file.read(packaged("encoder.npz"))
    encoder_file.write(held._replace(graph=held.graph[:1000]), tmp_path / "encoder.npz")
    with pytest.raises(ConfigError, match="take the file of this release"):
        sense.load(tmp_path / "encoder.npz")


def test_shares_of_the_characters_add_up_to_the_score() -> None:
    folded = fold_spoken("厨房里全是煤气味，我不敢开灯")
    read = SENSES.read(folded)
    share = SENSES.contribution(read, SENSES.column("target", "B6"), len(folded.chars))
    scores = SENSES.scores("target", read.total, len(read.states))
    weights, bias = SENSES.weights["target"]
    at = SENSES.heads["target"].index("B6")
    told = scores[at] - bias[at] - (scores - bias).mean()
    # The signs that begin and end a text, and the one before its first character, are no words.
    silent = read.end <= read.start
    column = weights[:, at] - weights.mean(axis=1)
    rest = float(((read.states - SENSES.centre)[silent] @ column).sum()) / len(read.states)
    assert share.sum() == pytest.approx(float(told) - rest, abs=1e-3)


def test_meaning_tells_matters_apart_that_share_no_word() -> None:
    lamp = SENSES.read(fold_spoken("巷子里夜里黑漆漆的 灯杆子全不亮"))
    knife = SENSES.read(fold_spoken("有个疯子提着菜刀追着路人砍"))
    names = SENSES.heads["target"]
    best = [
        names[int(SENSES.scores("target", one.total, len(one.states)).argmax())]
        for one in (lamp, knife)
    ]
    assert best == ["A1", "B1"]


def test_a_long_text_is_read_in_windows_and_bounded() -> None:
    read = SENSES.read(fold_spoken("路灯坏了没有人来修" * 2000))
    assert len(read.states) == sense.WINDOWS * (LONGEST + 2)
    assert np.isfinite(read.states).all()
