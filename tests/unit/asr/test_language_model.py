"""Back-off models: counting, estimating, mixing, pruning, and writing them as a graph."""

from pathlib import Path

import numpy as np
import pytest

from asr_models.recipe import grammar, mixture, ngrams
from asr_models.recipe.ngrams import BITS, END, START, Backoff
from asr_models.recipe.prune import prune

WORDS = 14
EVERY = np.arange(WORDS, dtype=np.int64)
HISTORIES = [(3,), (START,), (START, 4), (5, 6), (13, 13)]


def packed(*words: int) -> int:
    key = 0
    for word in words:
        key = (key << BITS) | word
    return key


def sentences(seed: int = 1, count: int = 300) -> list[list[int]]:
    chance = np.random.default_rng(seed)
    return [chance.integers(2, 12, chance.integers(1, 7)).tolist() for _ in range(count)]


def estimated(seed: int = 1) -> Backoff:
    return ngrams.kneser_ney(ngrams.count(sentences(seed)), WORDS)


def total(model: Backoff | mixture.Flowing, history: tuple[int, ...]) -> float:
    keys = (np.int64(packed(*history)) << BITS) | EVERY
    return float(model.given(keys, len(history) + 1).sum())


def test_counts_are_those_of_the_words_and_ends() -> None:
    one, two, three = ngrams.count([[5, 6], [5]])
    assert dict(zip(one[0].tolist(), one[1].tolist(), strict=True)) == {END: 2, 5: 2, 6: 1}
    assert dict(zip(two[0].tolist(), two[1].tolist(), strict=True)) == {
        packed(START, 5): 2, packed(5, 6): 1, packed(5, END): 1, packed(6, END): 1,
    }  # fmt: skip
    assert set(three[0].tolist()) == {
        packed(START, 5, 6), packed(START, 5, END), packed(5, 6, END),
    }  # fmt: skip


@pytest.mark.parametrize("history", HISTORIES)
def test_every_distribution_sums_to_one(history: tuple[int, ...]) -> None:
    model = estimated()
    assert total(model, history) == pytest.approx(1)
    assert total(mixture.Flowing(model, 0.4), history) == pytest.approx(1)
    assert total(prune(model, 150), history) == pytest.approx(1)


def test_words_never_seen_have_some_probability() -> None:
    assert estimated().given(np.array([packed(4, 13)]), 2)[0] > 0


def test_what_was_seen_is_likelier_than_what_was_not() -> None:
    model = ngrams.kneser_ney(ngrams.count([[2, 3]] * 20 + [[4, 5]] * 20 + [[6]]), WORDS)
    seen, crossed = model.given(np.array([packed(2, 3), packed(2, 5)]), 2)
    assert seen > 10 * crossed


def test_the_mixture_has_the_mixed_probability_of_every_listed_ngram() -> None:
    parts = [mixture.Flowing(estimated(1), 0.0), mixture.Flowing(estimated(2), 0.3)]
    both = mixture.mix(parts, [0.7, 0.3])
    for order in (1, 2, 3):
        keys = both.keys[order - 1]
        wanted = 0.7 * parts[0].given(keys, order) + 0.3 * parts[1].given(keys, order)
        assert both.prob[order - 1] == pytest.approx(wanted)
    assert all(total(both, history) == pytest.approx(1) for history in HISTORIES)


def test_weights_go_to_the_model_that_fits() -> None:
    fits, guesses = np.full(50, 0.5), np.full(50, 0.01)
    assert mixture.weights([fits, guesses])[0] > 0.95


def test_pruning_keeps_histories_and_drops_what_costs_least() -> None:
    model = estimated()
    small = prune(model, 150)
    assert sum(map(len, small.keys)) <= 150
    _, known = ngrams.find(small.keys[1], ngrams.history(small.keys[2]))
    assert known.all()
    text = sentences(3)
    whole, less = (mixture.perplexity(mixture.likelihoods(one, text)) for one in (model, small))
    assert less < 1.2 * whole


def test_a_model_that_is_small_enough_is_left_alone() -> None:
    model = estimated()
    assert prune(model, 10_000) is model


def _arcs(path: Path) -> tuple[dict[int, dict[int, tuple[int, float]]], dict[int, float], int]:
    arcs: dict[int, dict[int, tuple[int, float]]] = {}
    finals: dict[int, float] = {}
    start = -1
    for line in path.read_text().splitlines():
        cells = line.split()
        if start < 0:
            start = int(cells[0])
        if len(cells) == 2:
            finals[int(cells[0])] = float(cells[1])
        else:
            source, target, label = map(int, cells[:3])
            assert label not in arcs.setdefault(source, {})
            arcs[source][label] = target, float(cells[4])
    return arcs, finals, start


def test_the_graph_charges_what_the_model_says(tmp_path: Path) -> None:
    model, backoff = prune(estimated(), 150), 99
    labels = np.where(EVERY > END, EVERY + 20, 0)
    grammar.write(model, labels, backoff, tmp_path / "G.txt")
    arcs, finals, state = _arcs(tmp_path / "G.txt")
    sentence = sentences(4, 1)[0]
    spent = 0.0
    for word in sentence:
        while word + 20 not in arcs[state]:
            state, cost = arcs[state][backoff]
            spent += cost
        state, cost = arcs[state][word + 20]
        spent += cost
    while state not in finals:
        state, cost = arcs[state][backoff]
        spent += cost
    spent += finals[state]
    wanted = -np.log(mixture.likelihoods(model, [sentence])).sum()
    assert spent == pytest.approx(wanted, abs=1e-2)
