"""Training on two invented clips: it learns, stops, resumes, and is written for Kaldi."""

from pathlib import Path

import numpy as np
import pytest

from asr_models.recipe import clips
from asr_models.recipe.errors import RecipeError
from asr_models.recipe.paths import Paths
from asr_models.recipe.phones import UNIT_IDS, UNITS
from asr_models.recipe.plan import Phase, Plan

torch = pytest.importorskip("torch", reason="needs the dependency group `model`")

from asr_models.recipe import export, network, train  # noqa: E402
from asr_models.recipe.batches import windows_of  # noqa: E402
from asr_models.recipe.loss import batch_loss, window_loss  # noqa: E402

PHASES = (Phase(2, ("syllables",), 0.2), Phase(3, ("words",), 0.2), Phase(4, ("words",), 0.3))
PLAN = Plan(PHASES, batch=1, save_every=1, watch_every=100)


def invented(natural: bool) -> clips.Clip:
    sound = (np.sin(np.arange(8000) * 0.3) * 3000).astype(np.int16)
    units = np.array([UNIT_IDS[unit] for unit in ("n", "i3", "h", "ao3")], np.uint8)
    ends = np.array([1500, 4000, 5000, 8000], np.int32)
    starts = np.array([0, 1500, 4000, 5000], np.int32)
    return clips.Clip(sound, units, starts, ends, "你好", aligned=True, natural=natural, dev=False)


@pytest.fixture
def work(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path, tmp_path)
    for source, names in (("base", ("0",)), ("recorded", ("syllables", "words"))):
        for name in names:
            made = [invented(natural=True), invented(natural=False)]
            clips.save(paths.sub("clips", source) / f"{name}.npz", made)
        (paths.sub("clips", source) / clips.DIGEST).write_text(source)
    return paths


def test_a_stopped_training_goes_on_to_the_same_weights(work: Paths, tmp_path: Path) -> None:
    whole = train.Trainer(work, PLAN)
    assert whole.run()
    weights = {name: value.clone() for name, value in whole.net.state_dict().items()}
    (work.work / "train" / "last.pt").unlink()
    half = train.Trainer(work, PLAN)
    phase = half._phase()
    next(phase)
    half._save()
    phase.close()
    again = train.Trainer(work, PLAN)
    assert again.run()
    assert again.step == 4
    for name, value in again.net.state_dict().items():
        torch.testing.assert_close(value, weights[name], rtol=1e-3, atol=1e-4)


def test_a_checkpoint_of_other_clips_is_refused(work: Paths) -> None:
    train.Trainer(work, PLAN)._save()
    (work.sub("clips", "base") / clips.DIGEST).write_text("other")
    with pytest.raises(RecipeError, match=r"remove .* to train anew"):
        train.Trainer(work, PLAN).run()


def test_the_written_layers_compute_what_the_network_does() -> None:
    torch.manual_seed(1)
    net = network.Tdnn().eval()
    for norm in net.norm:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    net.mean.normal_()
    net.scale.uniform_(0.5, 2)
    frames = torch.randn(1, 1 + network.LEFT + network.RIGHT, 40)
    layers, weights, bias = export.folded(net)
    held = {t - network.LEFT: frames[0, t].numpy() for t in range(frames.shape[1])}
    for layer in layers:
        out = {}
        for t, value in held.items():
            parts = [held.get(t + offset) for offset in layer.offsets]
            if all(part is not None for part in parts):
                sum_ = layer.weights @ np.concatenate(parts) + layer.bias
                out[t] = np.maximum(sum_, 0) + (value if layer.residual else 0)
        held = out
    scores = weights @ held[0] + bias
    expected = net.output(net.hidden((frames - net.mean) * net.scale))[0, 0]
    np.testing.assert_allclose(scores, expected.detach().numpy(), rtol=1e-3, atol=1e-3)


def test_the_loss_is_the_sum_over_all_allowed_placements() -> None:
    torch.manual_seed(2)
    log_probs = torch.log_softmax(torch.randn(1, 6, 4), -1)
    windows = windows_of([(1, 4, [2, 3], [0, 2], [2, 4])])
    total = torch.tensor(0.0)
    for first in (0, 1):
        for second in (2, 3):
            path = log_probs[0, 1:5, 0].sum()
            for place, unit in ((first, 2), (second, 3)):
                path = path + log_probs[0, 1 + place, unit] - log_probs[0, 1 + place, 0]
            total = total + path.exp()
    torch.testing.assert_close(window_loss(log_probs[0], windows), -total.log()[None])
    silent = torch.tensor([[1.0, 0, 0, 0, 0, 1]])
    outside = -(log_probs[0, 0, 0] + log_probs[0, 5, 0])
    whole = (-total.log() + outside) / 2
    torch.testing.assert_close(batch_loss(log_probs, [windows], silent), whole)


def test_phones_of_a_graph_get_their_outputs() -> None:
    told = "<eps> 0\nSIL 1\nb_B 2\na1_E 3\nSPN 4\n#0 5\n"
    assert export.word_ends(told) == [1, 3]
    assert export.phone_pdfs(told) == [len(UNITS), UNIT_IDS["b"], UNIT_IDS["a1"], UNIT_IDS["spn"]]
    with pytest.raises(RecipeError, match="phone 2"):
        export.phone_pdfs("<eps> 0\nSIL 1\nxx_B 2\n")
