"""Turn a checkpoint into the `am/` and `conf/` of a Vosk model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from asr_models.recipe import kaldi, mfcc
from asr_models.recipe.errors import RecipeError
from asr_models.recipe.kaldi import Floats, Layer
from asr_models.recipe.network import INPUTS, LAYERS, STEP, Tdnn
from asr_models.recipe.phones import NOISE, UNIT_IDS, UNITS

SILENCE_LOOP, PHONE_LOOP = 0.99, 0.9


@dataclass(frozen=True)
class Decoding:
    """What was tuned on the development set."""

    blank_penalty: float = 3.0
    silence_bonus: float = 0.2
    """On every frame of silence: without it a word before a pause is held 0.1 s too long."""
    acoustic_scale: float = 1.4
    beam: float = 11.0
    lattice_beam: float = 4.0
    max_active: int = 2000
    min_active: int = 200
    chunk: int = 15
    """Frames (10 ms) computed at once."""
    trailing_s: float = 0.3
    """Silence after which Vosk ends an utterance by itself."""


def export(
    net: Tdnn, silence: tuple[Tensor, Tensor], phones_txt: Path, out: Path, decoding: Decoding
) -> None:
    """Write `out`/am and `out`/conf for a graph with the phones of `phones_txt`.

    `silence` are the weights and the bias of the silence output, which comes after all others.
    """
    told = phones_txt.read_text("utf-8")
    pdfs = phone_pdfs(told)
    loop_pdfs = [pdfs[0], *([0] * (len(pdfs) - 1))]
    loops = [SILENCE_LOOP, *([PHONE_LOOP] * (len(pdfs) - 1))]
    layers, weights, bias = folded(net)
    weights = np.concatenate([weights, silence[0].numpy()[None]])
    bias = np.concatenate([bias, silence[1].numpy()])
    bias[[0, -1]] -= decoding.blank_penalty
    bias[-1] += decoding.silence_bonus
    model = b"\0B" + kaldi.transition_model(pdfs, loop_pdfs, loops)
    model += kaldi.network(layers, weights, bias, INPUTS)
    for name in ("am", "conf"):
        (out / name).mkdir(parents=True, exist_ok=True)
    (out / "am" / "final.mdl").write_bytes(model)
    (out / "conf" / "mfcc.conf").write_text(mfcc_conf(), "utf-8")
    (out / "conf" / "model.conf").write_text(model_conf(decoding, word_ends(told)), "utf-8")


def phone_pdfs(phones_txt: str) -> list[int]:
    """Return the pdf of phones 1, 2, ... of a `phones.txt`; RecipeError for an unknown phone."""
    named = [line.split() for line in phones_txt.splitlines() if line.strip()]
    known = {int(number): name for name, number in named if not name.startswith("#")}
    pdfs: list[int] = []
    for number in range(1, len(known)):
        name = known.get(number, "")
        unit = NOISE if name == "SPN" else name.rsplit("_", 1)[0]
        if name == "SIL":
            pdfs.append(len(UNITS))
            continue
        if unit not in UNIT_IDS:
            raise RecipeError(f"phone {number} ({name!r}) has no unit; see recipe/phones.py")
        pdfs.append(UNIT_IDS[unit])
    return pdfs


def word_ends(phones_txt: str) -> list[int]:
    """Return silence and the phones that end a word: after its emission such a phone is blank.

    Counted as silence they let an utterance end a little sooner.
    """
    named = [line.split() for line in phones_txt.splitlines() if line.strip()]
    return [int(number) for name, number in named if name == "SIL" or name.endswith("_E")]


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


def model_conf(decoding: Decoding, silence: list[int]) -> str:
    """Return the options of the decoder and of Vosk's own end-pointing.

    `silence` are the phones whose frames count as trailing silence; how likely the sentence is to
    end there (Kaldi's rules 2 to 4) is given no say, since callers' sentences rarely end well.
    """
    rules = "".join(
        f"--endpoint.rule{rule}.min-trailing-silence={decoding.trailing_s:g}\n"
        for rule in (2, 3, 4)
    )
    return (
        f"--min-active={decoding.min_active}\n--max-active={decoding.max_active}\n"
        f"--beam={decoding.beam:g}\n--lattice-beam={decoding.lattice_beam:g}\n"
        f"--acoustic-scale={decoding.acoustic_scale:g}\n--frame-subsampling-factor={STEP}\n"
        f"--frames-per-chunk={decoding.chunk}\n"
        f"--endpoint.silence-phones={':'.join(map(str, silence))}\n{rules}"
    )
