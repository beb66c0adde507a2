"""The acoustic network: a TDNN with residual layers, one output each 30 ms.

Every layer is one matrix applied to frames side by side, which is what Kaldi's `Append(Offset())`
is, so weights are written out as they are.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from asr_models.recipe.phones import UNITS

INPUTS = 40
STEP = 3
"""Input frames to one output."""


@dataclass(frozen=True)
class Splice:
    """A layer: frames at these offsets (10 ms each) go in, `size` numbers come out."""

    offsets: tuple[int, ...]
    size: int
    residual: bool


LAYERS: tuple[Splice, ...] = (
    Splice((-2, -1, 0, 1, 2), 256, residual=False),
    Splice((-1, 0, 1), 384, residual=False),  # here the frame rate falls to a third
    *(Splice((-3, 0, 3), 384, residual=True) for _ in range(3)),
    *(Splice((-9, -3, 3), 384, residual=True) for _ in range(2)),
    Splice((-3, 0, 3), 384, residual=True),
    Splice((0,), 256, residual=False),
)
LEFT = -sum(layer.offsets[0] for layer in LAYERS)
RIGHT = sum(layer.offsets[-1] for layer in LAYERS)


class Tdnn(nn.Module):
    """(batch, frames, 40) MFCC to (batch, ceil(frames / 3), units) log probabilities."""

    mean: Tensor
    scale: Tensor

    def __init__(self, drop: float = 0.05) -> None:
        super().__init__()
        width = INPUTS
        self.affine = nn.ModuleList()
        self.norm = nn.ModuleList()
        for layer in LAYERS:
            self.affine.append(nn.Linear(width * len(layer.offsets), layer.size, bias=False))
            self.norm.append(nn.BatchNorm1d(layer.size))
            width = layer.size
        self.output = nn.Linear(width, len(UNITS))
        self.drop = nn.Dropout1d(drop)
        self.register_buffer("mean", torch.zeros(INPUTS))
        self.register_buffer("scale", torch.ones(INPUTS))

    def forward(self, features: Tensor) -> Tensor:
        """Return log probabilities; edges are padded with the first and last frame, as Kaldi."""
        count = features.shape[1]
        wanted = ((count + STEP - 1) // STEP - 1) * STEP + 1 + LEFT + RIGHT
        first = features[:, :1].expand(-1, LEFT, -1)
        last = features[:, -1:].expand(-1, wanted - count - LEFT, -1)
        held = (torch.cat([first, features, last], 1) - self.mean) * self.scale
        scores = self.output(self.hidden(held))
        return torch.log_softmax(scores.float(), dim=-1)

    def hidden(self, held: Tensor) -> Tensor:
        """Return the last hidden layer; no padding is added."""
        rate = 1
        for number, layer in enumerate(LAYERS):
            after = STEP if number == 1 else rate
            spliced = splice(held, layer.offsets, rate, after)
            out = self.normed(number, spliced)
            if layer.residual:
                start = -layer.offsets[0] // rate
                out = self.dropped(out) + held[:, start : start + out.shape[1]]
            held, rate = out, after
        return held

    def dropped(self, out: Tensor) -> Tensor:
        """Return `out` (batch, frames, numbers) with some of the numbers left out throughout."""
        return out * self.drop(out.new_ones(out.shape[0], out.shape[2], 1)).transpose(1, 2)

    def normed(self, number: int, spliced: Tensor) -> Tensor:
        """Return layer `number` of `spliced`: affine, batch norm, rectifier."""
        out: Tensor = self.affine[number](spliced)
        flat: Tensor = self.norm[number](out.reshape(-1, out.shape[-1]))
        return torch.relu(flat).view(out.shape)


def splice(held: Tensor, offsets: tuple[int, ...], rate: int, after: int) -> Tensor:
    """Return frames at `offsets` side by side; `rate` is the frames' step, `after` the result's."""
    if len(offsets) == 1:
        return held
    places = [(offset - offsets[0]) // rate for offset in offsets]
    return _Splice.apply(held, places, after // rate)


class _Splice(torch.autograd.Function):
    """Frames side by side; the gradient is summed in place, in a third of autograd's time."""

    @staticmethod
    def forward(ctx: Any, held: Tensor, places: list[int], stride: int) -> Tensor:
        ctx.places, ctx.stride, ctx.shape = places, stride, held.shape
        room = held.shape[1] - places[-1]
        return torch.cat([held[:, p : p + room : stride] for p in places], dim=-1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        out = grads[0].new_zeros(ctx.shape)
        room = ctx.shape[1] - ctx.places[-1]
        for place, part in zip(ctx.places, grads[0].split(ctx.shape[2], dim=-1), strict=True):
            out[:, place : place + room : ctx.stride] += part
        return out, None, None
