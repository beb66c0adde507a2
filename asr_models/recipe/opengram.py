"""The open-gram trigram of web text, out of Debian's package `sunpinyin-data` (CC-BY-SA 3.0).

It gives breadth that our own text has not. The file is SunPinyin's threaded model (its header
and node layout are in that project's `src/slm/slm.h`): order, a flag, sizes of the levels,
quantised tables of probabilities and of back-off weights, then the levels of the trie.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr_models.recipe.errors import RecipeError
from asr_models.recipe.ngrams import (
    BITS,
    END,
    ORDER,
    START,
    Backoff,
    Floats,
    Keys,
    find,
    history,
    with_backoff,
)
from asr_models.recipe.paths import Paths

PACKAGE = "sunpinyin-data"
_TABLE_PROB, _TABLE_BOW, _WORD = 1 << 16, 1 << 14, (1 << 18) - 1
_MASK = (1 << BITS) - 1
_BOUNDARIES = (0, 70, 71, 72, 73, 74, 75, 78, 79)
"""Ids of the unknown gap and of ，。；？！：、…: all end a clause."""


def folder(paths: Paths) -> Path:
    """Return where `lm_sc.t3g` and `pydict_sc.bin` are, the package unpacked when needed."""
    installed = next(Path("/usr/lib").glob("*/sunpinyin/data"), None)
    if installed is not None:
        return installed
    work = paths.sub("opengram")
    found = next(work.glob("usr/lib/*/sunpinyin/data"), None)
    if found is not None:
        return found
    if shutil.which("apt-get") is None:
        raise RecipeError(f"unpack Debian's package {PACKAGE} (dpkg-deb -x) in {work}")
    subprocess.run(["apt-get", "download", PACKAGE], cwd=work, check=True)  # noqa: S603, S607
    package = next(work.glob(f"{PACKAGE}_*.deb"))
    subprocess.run(["dpkg-deb", "-x", str(package), str(work)], check=True)  # noqa: S603, S607
    return next(work.glob("usr/lib/*/sunpinyin/data"))


def words(data: Path) -> list[str]:
    """Return the dictionary's words by id; ids below 100 are signs."""
    raw = (data / "pydict_sc.bin").read_bytes()
    start = int(np.frombuffer(raw, "<u4", 3)[2])
    text = raw[start:].decode("utf-32-le")
    return text.split("\0")


class OpenGram:
    """The model as read, in its own word ids."""

    def __init__(self, data: Path) -> None:
        raw = (data / "lm_sc.t3g").read_bytes()
        head = np.frombuffer(raw, "<u4", 6)
        if head[0] != ORDER or head[1] != 0:
            raise RecipeError(f"{data}/lm_sc.t3g is no trigram; take {PACKAGE} 0.1.22")
        self.words = words(data)
        prob = np.frombuffer(raw, "<f4", _TABLE_PROB, 24).astype(np.float64)
        bow = np.frombuffer(raw, "<f4", _TABLE_BOW, 24 + 4 * _TABLE_PROB).astype(np.float64)
        at = 24 + 4 * (_TABLE_PROB + _TABLE_BOW) + 12 * int(head[2])
        keys: list[Keys] = []
        probs: list[Floats] = []
        bows: list[Floats] = []
        parent = np.zeros(int(head[3]), np.int64)
        for level in (1, 2):
            size = int(head[2 + level])
            node = np.frombuffer(raw, "<u4", 3 * size, at).reshape(-1, 3).astype(np.int64)
            at += 12 * size
            # The last node of a level only marks where the children of the one before end.
            keys.append((parent[: size - 1] << BITS) | (node[:-1, 0] & _WORD))
            probs.append(prob[node[:-1, 1] & 0xFFFF])
            bows.append(bow[node[:-1, 0] >> 18])
            child = (node[:, 1] >> 16) + (node[:, 2] >> 25 << 16)
            child[-1] = int(head[3 + level]) - 1  # left open in the file
            parent = np.repeat(keys[-1], np.diff(child))
        leaf = np.frombuffer(raw, "<u4", 2 * int(head[5]), at).reshape(-1, 2).astype(np.int64)
        keys.append((parent << BITS) | (leaf[:-1, 0] & _WORD))
        probs.append(prob[((leaf[:-1, 1] >> 25 & 3) << 14) + (leaf[:-1, 0] >> 18)])
        bows.append(np.ones(len(probs[-1])))
        self.model = Backoff(tuple(keys), tuple(probs), tuple(bows))

    def unigrams(self) -> dict[str, float]:
        """Return the words with their probabilities."""
        ids, prob = self.model.keys[0].tolist(), self.model.prob[0].tolist()
        found = ((self.words[word], share) for word, share in zip(ids, prob, strict=True))
        return {word: share for word, share in found if word}

    def over(self, vocabulary: Mapping[str, int]) -> Backoff:
        """Return the model over our word ids; what ends a clause becomes START and END."""
        ours = np.full(_WORD + 1, -1, np.int64)
        for number, word in enumerate(self.words):
            ours[number] = vocabulary.get(word, -1)
        size = max(vocabulary.values()) + 1
        unigrams = self._unigrams(ours, size, self._in_pieces(vocabulary))
        levels = [(np.arange(size, dtype=np.int64), unigrams)]
        for order in (2, 3):
            keys, prob = self._level(ours, order)
            _, known = find(levels[-1][0], history(keys))
            levels.append((keys[known], prob[known]))
        return with_backoff([keys for keys, _ in levels], [prob for _, prob in levels])

    def _in_pieces(self, vocabulary: Mapping[str, int]) -> dict[int, float]:
        """Return the shares of words that the model only has in pieces, the best two of them."""
        shares = self.unigrams()
        numbers = {word: number for number, word in enumerate(self.words) if word}
        unknown = [word for word in vocabulary if word not in shares and len(word) > 1]
        splits = [(word, at) for word in unknown for at in range(1, len(word))]
        known = [(w, at) for w, at in splits if w[:at] in shares and w[at:] in shares]
        pairs = [(numbers[word[:at]] << BITS) | numbers[word[at:]] for word, at in known]
        joint = self.model.given(np.array(pairs, np.int64), 2)
        best: dict[int, float] = {}
        for (word, at), share in zip(known, joint.tolist(), strict=True):
            number = vocabulary[word]
            best[number] = max(best.get(number, 0.0), shares[word[:at]] * share)
        return best

    def _unigrams(self, ours: Keys, size: int, pieces: Mapping[int, float]) -> Floats:
        target, prob = ours[self.model.keys[0]], self.model.prob[0]
        out = np.full(size, 1e-9)
        out[target[target >= 0]] = prob[target >= 0]
        out[list(pieces)] = [max(share, 1e-9) for share in pieces.values()]
        out[END] = prob[np.isin(self.model.keys[0], _BOUNDARIES)].sum()
        out[START] = 0.0
        return out / out.sum()

    def _level(self, ours: Keys, order: int) -> tuple[Keys, Floats]:
        keys = self.model.keys[order - 1]
        place = [(keys >> (BITS * (order - 1 - i))) & _MASK for i in range(order)]
        ends = np.isin(place[-1], _BOUNDARIES)
        starts = np.isin(place[0], _BOUNDARIES)
        mapped = [ours[one] for one in place]
        mapped[-1] = np.where(ends, END, mapped[-1])
        mapped[0] = np.where(starts, START, mapped[0])
        usable = np.all([one >= 0 for one in mapped], axis=0)
        packed = sum(one << (BITS * (order - 1 - i)) for i, one in enumerate(mapped))
        found, at = np.unique(packed[usable], return_inverse=True)
        prob = np.bincount(at, self.model.prob[order - 1][usable])
        begins = found >> (BITS * (order - 1)) == START
        prob[begins] = self._after_boundary(keys, packed, usable & starts, found[begins], order)
        return found, np.minimum(prob, 1.0)

    def _after_boundary(
        self, keys: Keys, packed: Keys, chosen: NDArray[np.bool_], found: Keys, order: int
    ) -> Floats:
        """Return P(w | boundary, ...) of `found`, averaged over the boundaries by frequency."""
        rest = (1 << (BITS * (order - 1))) - 1
        pairs = np.unique(np.stack([packed[chosen], keys[chosen] & rest]), axis=1)
        total, weight = np.zeros(len(pairs[0])), np.zeros(len(pairs[0]))
        for boundary in _BOUNDARIES:
            at, there = find(self.model.keys[0], np.array([boundary]))
            if not there[0]:
                continue
            full = (np.int64(boundary) << (BITS * (order - 1))) | pairs[1]
            share = np.full(len(full), self.model.prob[0][at[0]])
            if order == ORDER:
                share = share * self.model.given(history(full), order - 1)
            total += share * self.model.given(full, order)
            weight += share
        at, _ = find(found, pairs[0])
        return np.bincount(at, total / weight, len(found)).astype(np.float64)
