"""Write Kaldi's binary `final.mdl`: a transition model and an nnet3 chain network.

Formats: Kaldi hmm/transition-model.cc, hmm/hmm-topology.cc, nnet3/nnet-nnet.cc,
nnet3/am-nnet-simple.cc, matrix/kaldi-matrix.cc and matrix/compressed-matrix.cc.

The topology has one state a phone: its forward arc carries the phone's own pdf and is taken in
the one frame that emits it; its self-loop carries the pdf of blank, which all phones share but
the one of silence, whose arcs both carry a pdf of its own.
Transition ids follow: 2k - 1 is the self-loop and 2k the forward arc of phone k.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_COMPRESS_FROM = 2000
"""Matrices of fewer numbers are written in full."""


@dataclass(frozen=True)
class Layer:
    """`relu(weights x spliced + bias)`, plus the output of layer `residual` where that is given."""

    offsets: tuple[int, ...]
    weights: Floats
    bias: Floats
    residual: bool


def token(text: str) -> bytes:
    return text.encode() + b" "


def integer(value: int) -> bytes:
    return b"\x04" + struct.pack("<i", value)


def real(value: float) -> bytes:
    return b"\x04" + struct.pack("<f", value)


def double(value: float) -> bytes:
    return b"\x08" + struct.pack("<d", value)


def integers(values: Sequence[int]) -> bytes:
    return integer(len(values)) + np.asarray(values, "<i4").tobytes()


def vector(values: Floats) -> bytes:
    return token("FV") + integer(len(values)) + np.asarray(values, "<f4").tobytes()


def matrix(values: Floats) -> bytes:
    """Return a matrix; a large one with two bytes a number (kTwoByteAuto, `CM2`)."""
    if values.size < _COMPRESS_FROM:
        size = integer(values.shape[0]) + integer(values.shape[1])
        return token("FM") + size + np.asarray(values, "<f4").tobytes()
    low, span = float(values.min()), float(np.ptp(values))
    codes = np.rint((values - low) / span * 65535).astype("<u2")
    head: bytes = token("CM2") + struct.pack("<ffii", low, span, *values.shape)
    return head + bytes(codes.tobytes())


def transition_model(
    pdfs: Sequence[int], loop_pdfs: Sequence[int], self_loops: Sequence[float]
) -> bytes:
    """Return the transition model of phones 1 to N.

    Phone i + 1 emits `pdfs[i]` once, then `loop_pdfs[i]`; `self_loops[i]` is the probability of its
    self-loop.
    """
    phones = range(1, len(pdfs) + 1)
    out = token("<TransitionModel>") + token("<Topology>") + integers(phones)
    out += integers([-1, *([0] * len(pdfs))])
    # -1: forward and self-loop pdfs differ; one entry of two states, the second one final.
    out += integer(-1) + integer(1) + integer(2)
    out += integer(0) + integer(1) + integer(2) + integer(0) + real(0.5) + integer(1) + real(0.5)
    out += integer(-1) + integer(-1) + integer(0) + token("</Topology>")
    out += token("<Tuples>") + integer(len(pdfs))
    for phone, pdf, loop in zip(phones, pdfs, loop_pdfs, strict=True):
        out += integer(phone) + integer(0) + integer(pdf) + integer(loop)
    loops = np.log(np.stack([self_loops, 1 - np.asarray(self_loops)], axis=1)).reshape(-1)
    logs = vector(np.concatenate([[0.0], loops]).astype(np.float32))
    return (
        out + token("</Tuples>") + token("<LogProbs>") + logs
        + token("</LogProbs>") + token("</TransitionModel>")
    )  # fmt: skip


def network(layers: Sequence[Layer], weights: Floats, bias: Floats, inputs: int) -> bytes:
    """Return the nnet3 network and the end of the acoustic model, `weights` being the output's."""
    config, components, last = [f"input-node name=input dim={inputs}"], [], "input"
    for number, layer in enumerate(layers, start=1):
        name, before = f"tdnn{number}", last
        config += [
            f"component-node name={name}.affine component={name}.affine input="
            + _spliced(last, layer.offsets),
            f"component-node name={name}.relu component={name}.relu input={name}.affine",
        ]
        size = len(layer.bias)
        components.append((f"{name}.affine", _affine(layer.weights, layer.bias)))
        components.append((f"{name}.relu", _nonlinear("RectifiedLinearComponent", size)))
        last = f"{name}.relu"
        if layer.residual:
            config.append(
                f"component-node name={name}.sum component={name}.sum input=Sum({last}, {before})"
            )
            components.append((f"{name}.sum", _no_op(size)))
            last = f"{name}.sum"
    config.append(f"component-node name=output.affine component=output.affine input={last}")
    config.append("output-node name=output input=output.affine objective=linear")
    components.append(("output.affine", _affine(weights, bias)))
    left = -sum(layer.offsets[0] for layer in layers)
    right = sum(layer.offsets[-1] for layer in layers)
    return _nnet(config, components) + _contexts(left, right)


def _spliced(name: str, offsets: tuple[int, ...]) -> str:
    parts = [name if offset == 0 else f"Offset({name}, {offset})" for offset in offsets]
    return parts[0] if len(parts) == 1 else f"Append({', '.join(parts)})"


def _affine(weights: Floats, bias: Floats) -> bytes:
    inside = token("<LinearParams>") + matrix(weights) + token("<BiasParams>") + vector(bias)
    return token("<FixedAffineComponent>") + inside + token("</FixedAffineComponent>")


def _nonlinear(kind: str, size: int) -> bytes:
    nothing = vector(np.zeros(0, np.float32))
    out = token(f"<{kind}>") + token("<Dim>") + integer(size)
    out += token("<ValueAvg>") + nothing + token("<DerivAvg>") + nothing
    out += token("<Count>") + double(0.0) + token("<OderivRms>") + nothing
    return out + token("<OderivCount>") + double(0.0) + token(f"</{kind}>")


def _no_op(size: int) -> bytes:
    inside = token("<Dim>") + integer(size) + token("<BackpropScale>") + real(1.0)
    return token("<NoOpComponent>") + inside + token("</NoOpComponent>")


def _nnet(config: list[str], components: list[tuple[str, bytes]]) -> bytes:
    # The configuration is text even in binary files; an empty line ends it.
    out = b"<Nnet3> \n" + "\n".join(config).encode() + b"\n\n"
    out += token("<NumComponents>") + integer(len(components))
    for name, component in components:
        out += token("<ComponentName>") + token(name) + component
    return out + token("</Nnet3>")


def _contexts(left: int, right: int) -> bytes:
    priors = token("<Priors>") + vector(np.zeros(0, np.float32))
    return (
        token("<LeftContext>") + integer(left) + token("<RightContext>") + integer(right) + priors
    )
