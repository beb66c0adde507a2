"""``python -m asr_models.recipe.dispatched``: what the telephone costs the dispatch advice.

The evaluation calls as text, and the same spoken (callers.py), heard by the product's own command
(overheard.py), and advised on. Exit status 1 where more is lost than may be.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from asr_models.recipe import callers, overheard
from asr_models.recipe.errors import RecipeError
from asr_models.recipe.overheard import Utterance
from asr_models.recipe.paths import REPOSITORY, SHIPPED, default_paths
from asr_models.recipe.progress import bar
from asr_models.recipe.scoring import rate, score
from gateway.calls.facts import UtteranceHeard
from gateway.dispatch import corpus, evaluate, taxonomy
from gateway.dispatch.cli_train import CHECKED
from gateway.dispatch.suggest import Dispatcher, Proposal

WORK = default_paths().work.with_name("dispatch-speech")
MOST_LOST = 0.05
"""Share of platforms and of classes that speech may cost."""
LEAST_HEARD = 0.97
"""Share of emergencies that must be heard as such."""
_SHOWN = ("platform", "class", "emergency recall", "normal raised")


@dataclass(frozen=True)
class Call:
    """An evaluation row with its set, as it was heard."""

    name: str
    row: corpus.Row
    heard: tuple[Utterance, ...] = ()

    @property
    def raw(self) -> str:
        """All that was heard, as the recogniser gave it."""
        return " ".join(one.text_raw for one in self.heard)


@dataclass
class Pair:
    """The same calls advised on as text and as heard."""

    text: evaluate.Outcome
    speech: evaluate.Outcome

    def lost(self, measure: str) -> float:
        """Return by how much speech is worse, as a share."""
        return self.text.shares[measure].value - self.speech.shares[measure].value


def sample(calls: Sequence[Call], count: int | None) -> list[Call]:
    """Return `count` calls drawn at random, the same ones each time; a larger sample holds them."""
    drawn = list(calls)
    random.Random(1).shuffle(drawn)  # noqa: S311 - no secret
    return drawn[:count]


def spoken(call: Call) -> list[UtteranceHeard]:
    """Return what was heard of a call as its caller's utterances."""
    return [
        evaluate.said(one.text, number).model_copy(
            update={"start_ms": one.start_ms, "end_ms": one.end_ms, "text_raw": one.text_raw}
        )
        for number, one in enumerate(call.heard, start=1)
    ]


def advise(dispatcher: Dispatcher, calls: Sequence[Call]) -> Pair:
    """Return the advice on `calls` as text and as speech."""
    pair = Pair(evaluate.Outcome(), evaluate.Outcome())
    with bar("advice", len(calls)) as tick:
        for call in calls:
            written = dispatcher.suggest([evaluate.said(call.row.text)])
            pair.text.rows.append((call.row, written))
            pair.speech.rows.append((call.row, dispatcher.suggest(spoken(call))))
            tick()
    return pair


def table(calls: Sequence[Call], every: Pair) -> tuple[str, bool]:
    """Return the figures by set as Markdown, and whether speech costs no more than it may."""
    lines = [f"| set | calls | CER % | {' | '.join(_SHOWN)} |", "|---" * (3 + len(_SHOWN)) + "|"]
    for name in (*dict.fromkeys(call.name for call in calls), "all"):
        kept = [at for at, call in enumerate(calls) if name in (call.name, "all")]
        part = Pair(
            evaluate.Outcome([every.text.rows[at] for at in kept]),
            evaluate.Outcome([every.speech.rows[at] for at in kept]),
        )
        cer = rate([score(calls[at].row.text, calls[at].raw) for at in kept])
        measured = f"{cer.percent:.1f} ({cer.low:.1f}-{cer.high:.1f})"
        for kind, outcome in (("text", part.text), ("speech", part.speech)):
            cells = " | ".join(_cell(outcome.shares[one]) for one in _SHOWN)
            shown = measured if kind == "speech" else "-"
            lines.append(f"| {name}, {kind} | {len(kept)} | {shown} | {cells} |")
    costs = {measure: every.lost(measure) for measure in ("platform", "class")}
    recall = every.speech.shares["emergency recall"].value
    lines += ["", "; ".join(f"{one}: {100 * lost:+.1f} points lost" for one, lost in costs.items())]
    return "\n".join(lines), max(costs.values()) <= MOST_LOST and recall >= LEAST_HEARD


def changed(calls: Sequence[Call], pair: Pair) -> list[str]:
    """Return the emergencies and alarms that only the text or only the speech raised."""
    return [
        f"{call.name}/{call.row.id} {call.row.urgency}: {_urgency(text)} as text,"
        f" {_urgency(heard)} as heard: {call.row.text} -> {'/'.join(u.text for u in call.heard)}"
        for call, (_, text), (_, heard) in zip(calls, pair.text.rows, pair.speech.rows, strict=True)
        if "emergency" in (_urgency(text), _urgency(heard)) and _urgency(text) != _urgency(heard)
    ]


def _cell(share: evaluate.Share) -> str:
    if not share.of:
        return "-"
    low, high = share.interval
    return f"{100 * share.value:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def _urgency(got: Proposal | None) -> str:
    return got.urgency if got else "normal"


def main(
    rows: Annotated[int | None, typer.Option(min=1, help="Only so many calls, at random.")] = None,
    model: Annotated[Path, typer.Option(help="Speech model.")] = SHIPPED,
    work: Annotated[Path, typer.Option(help="Where speech and what was heard is kept.")] = WORK,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    errors: Annotated[bool, typer.Option(help="List alarms that changed.")] = False,
) -> None:
    """Speak the evaluation calls, hear them, and compare the advice with that on the text."""
    calls = [
        Call(folder.name, row) for folder in CHECKED for row in corpus.rows(REPOSITORY / folder)
    ]
    calls = sample(calls, rows)
    files = callers.speak(
        [call.row.text for call in calls], default_paths(), work / "audio", workers
    )
    heard = overheard.hear(files, model, work / "heard", workers)
    calls = [replace(call, heard=tuple(said)) for call, said in zip(calls, heard, strict=True)]
    calls.sort(key=lambda call: [folder.name for folder in CHECKED].index(call.name))
    dispatcher = Dispatcher(taxonomy.load())
    pair = advise(dispatcher, calls)
    shown, kept = table(calls, pair)
    typer.echo(f"{dispatcher.version}\n\n{shown}")
    for line in changed(calls, pair) if errors else ():
        typer.echo(line)
    raise typer.Exit(0 if kept else 1)


if __name__ == "__main__":
    try:
        typer.run(main)
    except RecipeError as error:
        sys.exit(str(error))
