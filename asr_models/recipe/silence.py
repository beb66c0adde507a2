"""Teach the network one more output: deep silence, so that pauses are told from blank frames.

Blank is emitted between units as well as in pauses. If the silence phone shared it, a path that
waits inside a longer word would cost no more than one that has come to a pause, and utterances
would not end. The output is blank's score plus a little of a logistic regression on the last
hidden layer.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from asr_models.recipe.batches import Batches, stock
from asr_models.recipe.network import LEFT, RIGHT, STEP, Tdnn

BATCHES, SIZE, ROUNDS = 25, 8, 300
MARGIN = 1
"""Frames (30 ms) from any window that are neither speech nor deep silence."""
GAIN = 0.15
"""How much of the log odds a frame of the silence phone is worth more than blank."""


def silence_of(net: Tdnn, clips: Path, seed: int) -> tuple[Tensor, Tensor]:
    """Return weights (256,) and bias (1,) of the silence output, learnt from fresh stretches."""
    torch.manual_seed(seed)
    held = stock(clips, ("syllables", "words"), 0.2)
    batches = Batches(held, SIZE, seed + 1)
    hidden, labels = [], []
    with torch.no_grad():
        for number in range(BATCHES):
            batch = batches[number]
            found = last_hidden(net, batch.features)
            deep, kept = deep_silence(batch.silent)
            hidden.append(found[kept])
            labels.append(deep[kept])
    inputs, wanted = torch.cat(hidden), torch.cat(labels)
    odds = _regression(inputs, wanted)
    with torch.no_grad():
        weights = net.output.weight[0] + GAIN * odds.weight[0]
        bias = net.output.bias[:1] + GAIN * odds.bias
    return weights.clone(), bias.clone()


def last_hidden(net: Tdnn, features: Tensor) -> Tensor:
    """Return (batch, frames, 256), padded as in training."""
    count = features.shape[1]
    wanted = ((count + STEP - 1) // STEP - 1) * STEP + 1 + LEFT + RIGHT
    first = features[:, :1].expand(-1, LEFT, -1)
    last = features[:, -1:].expand(-1, wanted - count - LEFT, -1)
    return net.hidden((torch.cat([first, features, last], 1) - net.mean) * net.scale)


def deep_silence(silent: Tensor) -> tuple[Tensor, Tensor]:
    """Return which frames lie deep in silence, and which are sure to be one or the other."""
    near = nn.functional.max_pool1d(1 - silent[:, None], 2 * MARGIN + 1, 1, MARGIN)[:, 0]
    deep = near == 0
    return deep.float(), deep | (silent == 0)


def _regression(inputs: Tensor, wanted: Tensor) -> nn.Linear:
    odds = nn.Linear(inputs.shape[1], 1)
    optimiser = torch.optim.Adam(odds.parameters(), lr=0.02)
    for _ in range(ROUNDS):
        loss = nn.functional.binary_cross_entropy_with_logits(odds(inputs)[:, 0], wanted)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return odds
