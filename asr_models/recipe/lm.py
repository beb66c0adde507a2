"""The language model: vocabulary, models of each kind of text, their mixture, pruned to size."""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asr_models.recipe import vocabulary
from asr_models.recipe.mixture import Flowing, likelihoods, mix, perplexity, weights
from asr_models.recipe.ngrams import ORDER, Backoff, Floats, count, kneser_ney
from asr_models.recipe.opengram import OpenGram, folder
from asr_models.recipe.paths import Paths
from asr_models.recipe.prune import prune
from asr_models.recipe.text import Said, citizens, made, spoken
from asr_models.recipe.vocabulary import Cutter

VOCABULARY = 36_000
"""Words taken by frequency; registers and single characters come on top."""
NGRAMS = 540_000
"""What the graph holds in about 18 MB."""
_COPIES, _MADE = 8, 20_000
_GENERAL, _SPOKEN = "general", "spoken"
_THROUGH = {"general": 0.25, "spoken": 0.4, "message": 0.1, "reply": 0.1, "made": 0.6}
"""How often the end of a clause is passed without a pause long enough to end the utterance."""
_TOGETHER = {"a": "a", "b": "a", "d": "a", "e": "a", "f": "a", "g": "a", "n": "a"}
"""Files by the same hand; every other file is by a hand of its own."""
_FLOOR = {"made": 0.02}


@dataclass(frozen=True)
class Words:
    """The vocabulary: ids for the language model, and how text is cut."""

    ids: dict[str, int]
    cutter: Cutter

    def encode(self, text: str) -> list[int]:
        """Return the word ids of `text`."""
        return vocabulary.encode(self.cutter.cut(text), self.ids)


@dataclass(frozen=True)
class Texts:
    """What there is to learn from, by kind."""

    spoken: list[Said]
    written: dict[str, list[Said]]
    dev: list[Said]


def build(paths: Paths, seed: int) -> Path:
    """Make the language model; returns its file, `lm/model.npz`, beside `words.json`."""
    out = paths.sub("lm")
    texts = read(paths, seed)
    general = OpenGram(folder(paths))
    words = _words(paths, texts, general)
    kinds = {kind: _sequences(said, words, seed) for kind, said in texts.written.items()}
    models = {kind: _model(one, words, kind) for kind, one in kinds.items()}
    models[_GENERAL] = Flowing(general.over(words.ids), _THROUGH[_GENERAL])
    share = tune(texts.spoken, models, words, seed)
    models[_SPOKEN] = _model(_sequences(texts.spoken, words, seed), words, _SPOKEN)
    names = sorted(models)
    full = mix([models[name] for name in names], [share[name] for name in names])
    final = prune(full, NGRAMS)
    heldout = [ids for said in texts.dev if (ids := words.encode("".join(said.clauses)))]
    facts = {
        "weights": {name: round(share[name], 4) for name in names},
        "words": len(words.ids),
        "ngrams": [len(keys) for keys in final.keys],
        "dev_sentences": len(heldout),
        "dev_perplexity_full": round(perplexity(likelihoods(full, heldout)), 1),
        "dev_perplexity": round(perplexity(likelihoods(final, heldout)), 1),
    }
    save(out, final, words.ids, facts)
    return out / "model.npz"


def read(paths: Paths, seed: int) -> Texts:
    """Return all texts, the held-out spoken lines apart."""
    written: dict[str, list[Said]] = {"made": made(_MADE, seed)}
    for said in citizens(paths, seed):
        written.setdefault(said.writer, []).append(said)
    return Texts(spoken(_COPIES, seed), written, spoken(1, seed, dev=True))


def tune(
    said: Sequence[Said], models: dict[str, Flowing], words: Words, seed: int
) -> dict[str, float]:
    """Return the mixture's weights, as they fit a writer whose own lines were not learnt from.

    A stranger's wording is what will be heard; lines held out at random are too much like the
    rest of their writer's.
    """
    writers = sorted({_TOGETHER.get(one.writer, one.writer) for one in said})
    columns: dict[str, list[Floats]] = {name: [] for name in (*models, _SPOKEN)}
    for writer in writers:
        own = [one for one in said if _TOGETHER.get(one.writer, one.writer) == writer]
        rest = [one for one in said if _TOGETHER.get(one.writer, one.writer) != writer]
        sample = random.Random(seed).sample(own, min(500, len(own)))  # noqa: S311
        events = [ids for one in sample if (ids := words.encode("".join(one.clauses)))]
        others = _model(_sequences(rest, words, seed), words, _SPOKEN)
        for name, model in {**models, _SPOKEN: others}.items():
            columns[name].append(likelihoods(model, events))
    names = list(columns)
    found = weights([np.concatenate(columns[name]) for name in names])
    share = [
        max(float(part), _FLOOR.get(name, 0.0)) for name, part in zip(names, found, strict=True)
    ]
    return {name: part / sum(share) for name, part in zip(names, share, strict=True)}


def save(out: Path, model: Backoff, ids: dict[str, int], facts: dict[str, object]) -> None:
    """Write model, words and facts (perplexity, weights)."""
    arrays: dict[str, Any] = {}
    for order in range(ORDER):
        arrays[f"keys{order}"] = model.keys[order]
        arrays[f"prob{order}"] = model.prob[order]
        arrays[f"bow{order}"] = model.bow[order]
    part = out / "model.part.npz"
    np.savez(part, **arrays)
    (out / "words.json").write_text(json.dumps(ids, ensure_ascii=False), "utf-8")
    (out / "facts.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    part.replace(out / "model.npz")


def load(folder: Path) -> tuple[Backoff, dict[str, int]]:
    """Return the model and the word ids that `save` wrote."""
    with np.load(folder / "model.npz") as held:
        keys, prob, bow = (
            tuple(held[f"{name}{order}"] for order in range(ORDER))
            for name in ("keys", "prob", "bow")
        )
    ids: dict[str, int] = json.loads((folder / "words.json").read_text("utf-8"))
    return Backoff(keys, prob, bow), ids


def _words(paths: Paths, texts: Texts, general: OpenGram) -> Words:
    shares = vocabulary.candidates(paths, general.unigrams())
    counted = {"message": 0.2, "reply": 0.05, "made": 0.05}
    by_weight = [(0.5, _joined(texts.spoken))]
    by_weight += [(counted[kind], _joined(said)) for kind, said in texts.written.items()]
    always = vocabulary.always(paths)
    chosen = vocabulary.choose(shares, by_weight, always, VOCABULARY)
    return Words(vocabulary.number(chosen), Cutter(chosen))


def _joined(said: Iterable[Said]) -> list[str]:
    return ["".join(one.clauses) for one in said]


def _sequences(said: Iterable[Said], words: Words, seed: int) -> list[list[int]]:
    """Return word ids: spoken lines whole and clause by clause, written ones in short runs."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, no secret
    found: list[list[int]] = []
    for one in said:
        if one.writer in ("message", "reply"):
            start = 0
            while start < len(one.clauses):
                size = chance.choice((1, 1, 2, 3))
                found.append(words.encode("".join(one.clauses[start : start + size])))
                start += size
        else:
            found.append(words.encode("".join(one.clauses)))
            if len(one.clauses) > 1:
                found += [words.encode(clause) for clause in one.clauses]
    return [ids for ids in found if ids]


def _model(sentences: Sequence[Sequence[int]], words: Words, kind: str) -> Flowing:
    return Flowing(kneser_ney(count(sentences), len(words.ids)), _THROUGH[kind])
