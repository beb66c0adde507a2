"""The dispatch encoder as torch learns it."""

import numpy as np
import torch
from e5_file import Base, Layer
from torch import nn
from torch.nn import functional as fn

LEVEL = 4.0
"""Scale of the averaged state before the heads: it makes them learn as fast as the layers."""
URGENCIES = ["normal", "urgent", "emergency"]
_HEAD = 32
"""Width of an attention head."""
_EPS = 1e-12


class Block(nn.Module):
    """A layer, with dropout while it learns."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        for name in ("qkv", "qkv_bias", "out", "out_bias", "up", "up_bias", "down", "down_bias"):
            setattr(self, name, nn.Parameter(torch.tensor(np.array(getattr(layer, name)))))
        for name, pair in (("norm", layer.norm), ("last_norm", layer.last_norm)):
            for end, part in zip(("weight", "bias"), pair, strict=True):
                setattr(self, f"{name}_{end}", nn.Parameter(torch.tensor(np.array(part))))

    def forward(self, state: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        texts, length, width = state.shape
        asked = (state @ self.qkv + self.qkv_bias).view(texts, length, 3, width // _HEAD, _HEAD)
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        mask = there[:, None, None, :]
        mixed = fn.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(texts, length, width) @ self.out + self.out_bias
        state = self._normed(state + fn.dropout(mixed, 0.1, self.training), "norm")
        inner = fn.gelu(state @ self.up + self.up_bias, approximate="tanh")
        inner = inner @ self.down + self.down_bias
        return self._normed(state + fn.dropout(inner, 0.1, self.training), "last_norm")

    def _normed(self, state: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias")
        return fn.layer_norm(state, (state.shape[-1],), weight, bias, _EPS)

    def layer(self) -> Layer:
        """Return what was learnt."""
        held = {name: value.detach().numpy() for name, value in self.named_parameters()}
        norms = {
            name: (held.pop(f"{name}_weight"), held.pop(f"{name}_bias"))
            for name in ("norm", "last_norm")
        }
        return Layer(**held, **norms)


class Net(nn.Module):
    """The encoder, of which the `frozen` lowest layers stay, and heads for class and urgency."""

    def __init__(self, base: Base, frozen: int, classes: int) -> None:
        super().__init__()
        self._table = torch.tensor(base.table.of(np.arange(len(base.texts))))
        self._position = torch.tensor(np.array(base.position))
        self._norm = [torch.tensor(np.array(part)) for part in base.first_norm]
        self._width = base.table.steps.shape[1]
        self.frozen = nn.ModuleList(Block(layer) for layer in base.layers[:frozen])
        self.frozen.requires_grad_(requires_grad=False)
        self.blocks = nn.ModuleList(Block(layer) for layer in base.layers[frozen:])
        self.target = nn.Linear(self._width, classes)
        self.urgency = nn.Linear(self._width, len(URGENCIES))
        for head in (self.target, self.urgency):
            nn.init.normal_(head.weight, std=0.02)

    def forward(self, rows: torch.Tensor, there: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return scores of class and urgency for texts (texts, pieces), of which some are there."""
        state = self.states(rows, there)
        mean = (state * there[..., None]).sum(1) / there.sum(1)[:, None]
        mean = fn.dropout(mean, 0.1, self.training) * LEVEL
        return self.target(mean), self.urgency(mean)

    def states(self, rows: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Return the last layer's states (texts, pieces, width)."""
        with torch.no_grad():
            state = self._table[rows] + self._position[: rows.shape[1]]
            state = fn.layer_norm(state, (self._width,), *self._norm, _EPS)
            for block in self.frozen.eval():
                state = block(state, there)
        for block in self.blocks:
            state = block(state, there)
        return state

    def layers(self) -> list[Layer]:
        """Return all layers, lowest first."""
        return [block.layer() for block in (*self.frozen, *self.blocks)]
