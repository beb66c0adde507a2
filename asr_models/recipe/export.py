"""Turn a checkpoint into the `am/` and `conf/` of a Vosk model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from asr_models.recipe import kaldi, mfcc
from asr_models.recipe.errors import RecipeError
from asr_models.recipe.kaldi import Floats, Layer
from asr_models.recipe.network import INPUTS, LAYERS, STEP, Tdnn
from asr_models.recipe.phones import NOISE, UNIT_IDS

SILENCE_LOOP, PHONE_LOOP = 0.99, 0.9


@dataclass(frozen=True)
class Decoding:
    """What was tuned on the development set."""

    blank_penalty: float = 3.0
    acoustic_scale: float = 1.4
    beam: float = 13.0
    lattice_beam: float = 4.0
    max_active: int = 3000
    min_active: int = 200


def export(net: Tdnn, phones_txt: Path, out: Path, decoding: Decoding) -> None:
    """Write `out`/am and `out`/conf for a graph with the phones of `phones_txt`."""
    pdfs = phone_pdfs(phones_txt.read_text("utf-8"))
    loops = [SILENCE_LOOP, *([PHONE_LOOP] * (len(pdfs) - 1))]
    layers, weights, bias = folded(net)
    bias = bias.copy()
    bias[0] -= decoding.blank_penalty
    model = b"\0B" + kaldi.transition_model(pdfs, loops)
    model += kaldi.network(layers, weights, bias, INPUTS)
    for name in ("am", "conf"):
        (out / name).mkdir(parents=True, exist_ok=True)
    (out / "am" / "final.mdl").write_bytes(model)
    (out / "conf" / "mfcc.conf").write_text(mfcc_conf(), "utf-8")
    (out / "conf" / "model.conf").write_text(model_conf(decoding), "utf-8")


def phone_pdfs(phones_txt: str) -> list[int]:
    """Return the pdf of phones 1, 2, ... of a `phones.txt`; RecipeError for an unknown phone."""
    named = [line.split() for line in phones_txt.splitlines() if line.strip()]
    known = {int(number): name for name, number in named if not name.startswith("#")}
    pdfs: list[int] = []
    for number in range(1, len(known)):
        name = known.get(number, "")
        unit = {"SIL": "<blk>", "SPN": NOISE}.get(name, name.rsplit("_", 1)[0])
        if unit not in UNIT_IDS:
            raise RecipeError(f"phone {number} ({name!r}) has no unit; see recipe/phones.py")
        pdfs.append(UNIT_IDS[unit])
    return pdfs


def folded(net: Tdnn) -> tuple[list[Layer], Floats, Floats]:
    """Return the layers with batch norm and input scaling folded into their weights."""
    layers: list[Layer] = []
    with torch.no_grad():
        for number, spec in enumerate(LAYERS):
            norm, affine = net.norm[number], net.affine[number]
            assert isinstance(norm, nn.BatchNorm1d)
            assert isinstance(affine, nn.Linear)
            assert norm.running_var is not None
            assert norm.running_mean is not None
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weights = affine.weight * gain[:, None]
            bias = norm.bias - norm.running_mean * gain
            if number == 0:
                many = len(spec.offsets)
                weights = weights * net.scale.repeat(many)
                bias = bias - weights @ net.mean.repeat(many)
            layers.append(Layer(spec.offsets, weights.numpy(), bias.numpy(), spec.residual))
        output = net.output.weight.numpy().astype(np.float32)
        return layers, output, net.output.bias.numpy().astype(np.float32)


def mfcc_conf() -> str:
    """Return the options of the features, as recipe/mfcc.py computes them."""
    return (
        f"--sample-frequency={mfcc.RATE}\n--use-energy=false\n--num-mel-bins={mfcc.BINS}\n"
        f"--num-ceps={mfcc.BINS}\n--low-freq={mfcc.LOW_HZ:g}\n--high-freq={mfcc.HIGH_HZ:g}\n"
        "--dither=0\n--allow-downsample=true\n"
    )


def model_conf(decoding: Decoding) -> str:
    """Return the options of the decoder and of Vosk's own end-pointing."""
    return (
        f"--min-active={decoding.min_active}\n--max-active={decoding.max_active}\n"
        f"--beam={decoding.beam:g}\n--lattice-beam={decoding.lattice_beam:g}\n"
        f"--acoustic-scale={decoding.acoustic_scale:g}\n--frame-subsampling-factor={STEP}\n"
        "--endpoint.silence-phones=1\n--endpoint.rule2.min-trailing-silence=0.5\n"
        "--endpoint.rule3.min-trailing-silence=0.75\n"
        "--endpoint.rule4.min-trailing-silence=1.5\n"
    )
