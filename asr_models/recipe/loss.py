"""The loss: every unit is emitted in exactly one output frame, all other frames are blank.

Where it is known when a syllable sounds, its units must be emitted in their own frames (a
*window*); this converges several times faster than free alignment and gives true word times. A
recorded word is one window as a whole.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_NEVER = -1e30


@dataclass(frozen=True)
class Windows:
    """N windows over the flattened (batch x frames) outputs of a batch; all int64.

    `labels`, `low` and `high` are (N, L): unit i may be emitted in frames `low` <= t < `high` of
    the window; rows with fewer units end with label 0.
    """

    start: Tensor
    length: Tensor
    count: Tensor
    labels: Tensor
    low: Tensor
    high: Tensor

    def __len__(self) -> int:
        return len(self.start)


def window_loss(log_probs: Tensor, windows: Windows) -> Tensor:
    """Return the negative log likelihood of each window, (N,).

    `log_probs` is (frames, units). A forward pass over all windows at once: state i has emitted
    the first i units.
    """
    longest = int(windows.length.max())
    step = torch.arange(longest)
    inside = step[None, :] < windows.length[:, None]
    frame = torch.where(inside, windows.start[:, None] + step[None, :], 0)
    blank = torch.where(inside, log_probs[:, 0][frame], 0.0)
    units = log_probs.shape[1]
    spot = frame[:, :, None] * units + windows.labels[:, None, :]
    allowed = (step[None, :, None] >= windows.low[:, None, :]) & (
        step[None, :, None] < windows.high[:, None, :]
    )
    emit = torch.where(allowed & inside[:, :, None], log_probs.reshape(-1)[spot], _NEVER)
    states = windows.labels.shape[1]
    alpha = torch.full((len(windows), states + 1), _NEVER)
    alpha[:, 0] = 0.0
    never = torch.full((len(windows), 1), _NEVER)
    for t in range(longest):
        moved = torch.cat([never, alpha[:, :-1] + emit[:, t]], dim=1)
        alpha = torch.logaddexp(alpha + blank[:, t : t + 1], moved)
    return -alpha.gather(1, windows.count[:, None])[:, 0]


def batch_loss(log_probs: Tensor, groups: list[Windows], silent: Tensor) -> Tensor:
    """Return the loss per unit of a batch.

    `log_probs` is (batch, frames, units); `silent` (batch, frames) marks frames of no window,
    which must all be blank.
    """
    flat = log_probs.reshape(-1, log_probs.shape[-1])
    total = -(flat[:, 0] * silent.reshape(-1)).sum()
    count = torch.zeros(())
    for group in groups:
        if len(group):
            total = total + window_loss(flat, group).sum()
            count = count + group.count.sum()
    return total / count.clamp(min=1)
