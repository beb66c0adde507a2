"""A running average of a network's weights: steadier than the last step's."""

from copy import deepcopy
from typing import Any

import torch

from asr_models.recipe.network import Tdnn

_DECAY = 0.998


class Average:
    """Weights and batch-norm statistics, averaged with a memory of about 500 steps."""

    def __init__(self, net: Tdnn) -> None:
        self._net = deepcopy(net).eval()

    @torch.no_grad()
    def add(self, net: Tdnn, step: int) -> None:
        """Take in the network after `step`; young averages forget faster."""
        keep = min(_DECAY, (1 + step) / (10 + step))
        mine = self._net.state_dict()
        for name, value in net.state_dict().items():
            if value.dtype.is_floating_point:
                mine[name].lerp_(value, 1 - keep)
            else:
                mine[name].copy_(value)

    def network(self) -> Tdnn:
        """Return the averaged network itself, in evaluation mode."""
        return self._net

    def state(self) -> dict[str, Any]:
        """Return its state_dict."""
        return self._net.state_dict()

    def load(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self._net.load_state_dict(state)
