"""Leave one hand out: how well calls worded by nobody in the training text are placed.

Each training file is one writer's hand. Words are trained on all files but one and measured on
that one: the honest figure to tune by, since the evaluation calls are for measuring alone.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.dispatch import evaluate
from gateway.dispatch.classify import platform_of
from gateway.dispatch.concepts import Concepts
from gateway.dispatch.context import Context
from gateway.dispatch.corpus import Line, Row, chosen, said
from gateway.dispatch.rules import Rules
from gateway.dispatch.sense import Senses
from gateway.dispatch.suggest import Dispatcher
from gateway.dispatch.taxonomy import Taxonomy

LEAST, CLASSES = 400, 15
"""Lines, and different classes, of a file that is worth leaving out."""


def hands(lines: Sequence[Line]) -> list[str]:
    """Return the files (stems) with enough lines and classes to be measured on."""
    targets: dict[str, list[str]] = {}
    for line in lines:
        targets.setdefault(line.source, []).append(line.target)
    return [s for s, of in sorted(targets.items()) if len(of) >= LEAST and len(set(of)) >= CLASSES]


def rows(lines: Sequence[Line], hand: str, taxonomy: Taxonomy, seed: int = 1) -> list[Row]:
    """Return the sentences of `hand` as evaluation rows, one choice of alternatives each."""
    chance = random.Random(seed)  # noqa: S311 - the same rows every time
    return [
        Row(
            id=f"{hand}{number}",
            text=chosen(line.text, chance),
            platform=platform_of(line.target, taxonomy),
            item=line.target if taxonomy.item(line.target) else None,
            urgency=line.urgency,
            source=hand,
        )
        for number, line in enumerate(lines)
        if line.source == hand
    ]


def measured(
    lines: list[Line],
    names: Sequence[str],
    known: Concepts,
    lists: Taxonomy,
    rules: Rules,
    copies: int,
    encoder: Senses | None,
) -> Iterator[tuple[str, evaluate.Outcome]]:
    """Yield each hand with what a model that has not learned from it advises on its sentences.

    `encoder` must not have learned from the hands either; None measures the words alone, since
    the shipped one has learned from all of them.
    """
    from gateway.dispatch import train  # noqa: PLC0415 - scikit-learn, only here

    for name in names:
        others = [line for line in lines if line.source != name]
        made = train.train(said(others, copies, 1), known, Context(rules.context), f"not-{name}")
        if encoder is None:
            made.calibration = replace(made.calibration, sense=0.0)
        dispatcher = Dispatcher(lists, rules, made, senses=encoder)
        yield name, evaluate.run(dispatcher, rows(lines, name, lists))
