"""Lexicon and language model as the decoder's graphs: ``HCLr.fst`` and ``Gr.fst``.

They are composed while decoding (lookahead), so grammars can be given at run time. Kaldi's
`utils/mkgraph_lookahead.sh` is the model; with one phone of context C is the identity.
kaldifst must never be loaded in one process with vosk: that hangs in dlopen.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asr_models.recipe import grammar, phones
from asr_models.recipe.errors import RecipeError
from asr_models.recipe.lexicon import Pronunciation
from asr_models.recipe.ngrams import Backoff
from asr_models.recipe.vocabulary import UNKNOWN

SILENCE, NOISE = "SIL", "SPN"
BACKOFF = "#0"
_POSITIONS = "BEIS"


@dataclass(frozen=True)
class Costs:
    """What the graph charges, as natural -log probabilities."""

    pause: float = 0.8
    """A pause between words, and as much for none."""
    loop: float = 0.2
    """Each further frame inside a phone: so trailing blanks count as silence, which is free."""
    variant: float = 0.5
    """A pronunciation that is not a word's first."""


def phone_names() -> list[str]:
    """Return the graph's phones by id: `<eps>`, SIL, each unit in four positions, SPN."""
    units = [unit for unit in phones.UNITS if unit not in (phones.BLANK, phones.NOISE)]
    return ["<eps>", SILENCE, *(f"{unit}_{at}" for unit in units for at in _POSITIONS), NOISE]


def positions(reading: Pronunciation, ids: Mapping[str, int]) -> tuple[int, ...]:
    """Return the phones of a word by their place in it (begin, inside, end, single)."""
    if reading == (phones.NOISE,):
        return (ids[NOISE],)
    if len(reading) == 1:
        return (ids[reading[0] + "_S"],)
    places = ["B", *"I" * (len(reading) - 2), "E"]
    return tuple(ids[f"{unit}_{at}"] for unit, at in zip(reading, places, strict=True))


def build(
    lexicon: Mapping[str, Sequence[Pronunciation]],
    model: Backoff,
    ids: Mapping[str, int],
    out: Path,
    work: Path,
    costs: Costs = Costs(),
) -> None:
    """Write the graph folder `out`; `ids` are the language model's word ids.

    Raises RecipeError where the OpenFst tools or kaldifst are missing.
    """
    import kaldifst  # noqa: PLC0415 - see the head of this file

    work.mkdir(parents=True, exist_ok=True)
    (out / "phones").mkdir(parents=True, exist_ok=True)
    names = phone_names()
    phone_ids = {name: number for number, name in enumerate(names)}
    rows = _rows(lexicon, ids, phone_ids, costs)
    most = max(mark for _, _, mark, _ in rows) + 2
    backoff = max(ids.values()) + 1
    lexicon_fst = _lexicon_fst(kaldifst, rows, len(names), most, backoff, costs)
    kaldifst.determinize_star(lexicon_fst, use_log=True)
    kaldifst.minimize_encoded(lexicon_fst)
    states = _hmm(kaldifst, len(names), most, costs)
    kaldifst.arcsort(states, "olabel")
    kaldifst.arcsort(lexicon_fst, "ilabel")
    composed = kaldifst.compose(states, lexicon_fst)
    kaldifst.arcsort(composed, "olabel")
    composed.write(str(work / "HCL.fst"))
    relabel = work / "relabel"
    _fst(
        "fstconvert", "--fst_type=olabel_lookahead", f"--save_relabel_opairs={relabel}",
        work / "HCL.fst", out / "HCLr.fst",
    )  # fmt: skip
    _write_grammar(model, {**ids, BACKOFF: backoff}, relabel, out, work)
    _write_tables(names, most, out)


def _rows(
    lexicon: Mapping[str, Sequence[Pronunciation]],
    ids: Mapping[str, int],
    phone_ids: Mapping[str, int],
    costs: Costs,
) -> list[tuple[int, tuple[int, ...], int, float]]:
    """Return word, phones, disambiguation mark (0 for none) and cost of every pronunciation."""
    said = [
        (ids[word], positions(reading, phone_ids), costs.variant if number else 0.0)
        for word, readings in sorted(lexicon.items())
        for number, reading in enumerate(readings)
    ]
    said.append((ids[UNKNOWN], positions((phones.NOISE,), phone_ids), 0.0))
    alike = Counter(reading for _, reading, _ in said)
    begun = {reading[:size] for _, reading, _ in said for size in range(1, len(reading))}
    used: Counter[tuple[int, ...]] = Counter()
    rows = []
    for word, reading, cost in said:
        mark = 0
        if alike[reading] > 1 or reading in begun:
            used[reading] += 1
            mark = used[reading]
        rows.append((word, reading, mark, cost))
    return rows


def _lexicon_fst(
    kaldifst: Any,
    rows: Sequence[tuple[int, tuple[int, ...], int, float]],
    first_mark: int,
    marks: int,
    backoff: int,
    costs: Costs,
) -> Any:
    arc, fst = kaldifst.StdArc, kaldifst.StdVectorFst()
    loop, start, pause, paused = (fst.add_state() for _ in range(4))
    fst.start = start
    fst.set_final(loop, 0)
    fst.add_arc(start, arc(0, 0, costs.pause, loop))
    fst.add_arc(start, arc(1, 0, costs.pause, paused))
    fst.add_arc(pause, arc(1, 0, 0, paused))
    # The pause has a mark of its own, so that determinising keeps words apart from it.
    fst.add_arc(paused, arc(first_mark + marks - 1, 0, 0, loop))
    for word, reading, mark, cost in rows:
        labels = [*reading, first_mark + mark - 1] if mark else list(reading)
        state = loop
        for place, label in enumerate(labels[:-1]):
            following = fst.add_state()
            fst.add_arc(state, arc(label, 0 if place else word, 0 if place else cost, following))
            state = following
        output = word if len(labels) == 1 else 0
        weight = costs.pause + (cost if len(labels) == 1 else 0)
        fst.add_arc(state, arc(labels[-1], output, weight, loop))
        fst.add_arc(state, arc(labels[-1], output, weight, pause))
    # Back-off in the grammar is a word too: taken between words only, which keeps search narrow.
    fst.add_arc(loop, arc(first_mark + marks - 2, backoff, 0, loop))
    kaldifst.arcsort(fst, "olabel")
    return fst


def _hmm(kaldifst: Any, names: int, marks: int, costs: Costs) -> Any:
    """Return H: a phone is its forward transition and any number of its loops.

    Kaldi numbers the transitions of phone p: 2p-1 the loop, 2p forward. After them come the
    disambiguation marks.
    """
    arc, fst = kaldifst.StdArc, kaldifst.StdVectorFst()
    hub = fst.add_state()
    fst.start = hub
    fst.set_final(hub, 0)
    for phone in range(1, names):
        state = fst.add_state()
        fst.add_arc(hub, arc(2 * phone, phone, 0, state))
        fst.add_arc(state, arc(2 * phone - 1, 0, 0.0 if phone == 1 else costs.loop, state))
        fst.add_arc(state, arc(0, 0, 0, hub))
    for mark in range(marks):
        fst.add_arc(hub, arc(2 * names - 1 + mark, names + mark, 0, hub))
    return fst


def _write_grammar(
    model: Backoff, ids: Mapping[str, int], relabel: Path, out: Path, work: Path
) -> None:
    """Write `Gr.fst` and `words.txt` in the labels that the lookahead graph gave the words."""
    pairs: dict[int, int] = {}
    for line in relabel.read_text().splitlines():
        old, new = map(int, line.split())
        pairs[old] = new
    table = np.zeros(max(ids.values()) + 1, np.int64)
    for old, new in pairs.items():
        table[old] = new
    grammar.write(model, table, pairs[ids[BACKOFF]], work / "G.txt")
    _fst("fstcompile", work / "G.txt", work / "G0.fst")
    _fst("fstarcsort", "--sort_type=ilabel", work / "G0.fst", work / "G.fst")
    _fst("fstconvert", "--fst_type=const", work / "G.fst", out / "Gr.fst")
    labels = {word: pairs[number] for word, number in ids.items() if number in pairs}
    rows = sorted({"<eps>": 0, **labels}.items(), key=lambda item: item[1])
    (out / "words.txt").write_text("".join(f"{word} {label}\n" for word, label in rows), "utf-8")


def _write_tables(names: Sequence[str], marks: int, out: Path) -> None:
    kinds = {"B": "begin", "E": "end", "I": "internal", "S": "singleton"}
    text = "".join(f"{name} {number}\n" for number, name in enumerate(names))
    (out / "phones.txt").write_text(text, "utf-8")
    kind = {SILENCE: "nonword", NOISE: "singleton"}
    rows = [kind.get(name) or kinds[name[-1]] for name in names[1:]]
    boundary = "".join(f"{number} {row}\n" for number, row in enumerate(rows, start=1))
    (out / "phones" / "word_boundary.int").write_text(boundary)
    first = 2 * len(names) - 1
    (out / "disambig_tid.int").write_text("".join(f"{first + mark}\n" for mark in range(marks)))


def _fst(tool: str, *arguments: object) -> None:
    """Run one of Debian's OpenFst tools with its plugins; RecipeError if it fails."""
    if shutil.which(tool) is None:
        raise RecipeError(f"{tool} is missing: install libfst-tools and libfst22-plugins-base")
    plugins = next(Path("/usr/lib").glob("*/fst/[0-9]*"), Path("/usr/lib"))
    environment = {**os.environ, "LD_LIBRARY_PATH": str(plugins)}
    done = subprocess.run(  # noqa: S603
        [tool, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RecipeError(f"{tool} failed: {done.stderr.strip()[-400:]}")
