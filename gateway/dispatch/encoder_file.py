"""The file of the dispatch encoder (`data/encoder.npz`): plain arrays, never a pickle.

Pieces and their embeddings, the layers as a graph for onnxruntime, and the heads that read them.
"""

import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.dispatch.encoder import BLOCK, Floats, Table

FORMAT = 2
_ON_GRID = 0.02


class Stored(NamedTuple):
    """What the file holds. `position`: (places, width)."""

    version: str
    texts: list[str]
    """Pieces, and in `scores` how likely each is (log)."""
    scores: Floats
    table: Table
    position: Floats
    first_norm: tuple[Floats, Floats]
    """Weight and bias of what enters the first layer."""
    graph: bytes
    """The layers, from `begun` to `states`; made by tools/encoder_graph.py."""
    heads: dict[str, list[str]]
    weights: dict[str, tuple[Floats, Floats]]
    """By head: weights (width, names) and bias (names)."""
    centre: Floats
    """The usual state of a piece."""


def write(held: Stored, path: Path) -> None:
    """Write the file; embeddings as signed bytes with a scale for 32 of them."""
    about = {"format": FORMAT, "version": held.version, "heads": held.heads}
    arrays: dict[str, NDArray[np.generic]] = {
        "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
        "pieces": np.frombuffer("\n".join(held.texts).encode(), dtype=np.uint8),
        "scores": held.scores.astype(np.float32),
        "position": held.position.astype(np.float16),
        "first_norm": np.stack(held.first_norm),
        "centre": held.centre,
        "graph": np.frombuffer(held.graph, dtype=np.uint8),
    }
    arrays["table"], arrays["table.scale"] = held.table
    for name, (weights, bias) in held.weights.items():
        arrays[f"{name}.head"], arrays[f"{name}.bias"] = weights.astype(np.float32), bias
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    path.write_bytes(file.getvalue())


def read(path: Path) -> Stored:
    """Read the file; OSError, ValueError, KeyError, EOFError or BadZipFile if it is none."""
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
        held: dict[str, NDArray[np.generic]] = {name: file[name] for name in file.files}
    about = json.loads(held["about"].tobytes())
    if about["format"] != FORMAT:
        raise ValueError(f"format {about['format']}, not {FORMAT}")
    first = held["first_norm"].astype(np.float32)
    return Stored(
        about["version"],
        held["pieces"].tobytes().decode().split("\n"),
        held["scores"].astype(np.float32),
        Table(held["table"].astype(np.int8), held["table.scale"].astype(np.float16)),
        held["position"].astype(np.float32),
        (first[0], first[1]),
        held["graph"].tobytes(),
        about["heads"],
        {
            name: (held[f"{name}.head"].astype(np.float32), held[f"{name}.bias"].astype(np.float32))
            for name in about["heads"]
        },
        held["centre"].astype(np.float32),
    )


def packed(rows: Floats) -> Table:
    """Return embeddings as bytes."""
    blocks = rows.reshape(len(rows), -1, BLOCK)
    largest = np.abs(blocks).max(axis=2)
    # Those that already stand on a coarse grid of 4 bits are kept exactly.
    coarse = (largest / 8).astype(np.float16)
    grid = blocks / np.maximum(coarse.astype(np.float32), 1e-12)[..., None]
    exact = np.abs(grid - np.round(grid)).max() < _ON_GRID
    scale = coarse if exact else (largest / 127).astype(np.float16)
    steps = np.round(blocks / np.maximum(scale.astype(np.float32), 1e-12)[..., None])
    return Table(np.clip(steps, -127, 127).astype(np.int8).reshape(rows.shape), scale)
