"""`liandong dispatch train | eval | report`: make the model, and say how good it is."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.dispatch import cli_report, concepts, corpus, evaluate, guard, hands, sense, taxonomy
from gateway.dispatch import rules as rule_data
from gateway.dispatch.cli_exit import or_exit
from gateway.dispatch.context import Context
from gateway.dispatch.datafile import packaged
from gateway.dispatch.suggest import Dispatcher

app = typer.Typer(help="Train and measure the dispatch advice.", no_args_is_help=True)
app.command()(cli_report.report)
app.command(name="places")(cli_report.places_command)

COPIES = 5
SEED = 1
SETS = Path("tests/data/dispatch_eval")
FLOORS = {
    name: dict(zip(("platform", "class", "urgency", "emergency recall"), reached, strict=True))
    for name, reached in {
        "tuned": (0.955, 0.915, 0.905, 0.97),
        "second": (0.92, 0.87, 0.855, 0.98),
        "third": (0.88, 0.76, 0.82, 0.92),
        "fourth": (0.945, 0.885, 0.865, 0.99),
        "fifth": (0.925, 0.885, 0.835, 0.985),
        "sixth": (0.94, 0.845, 0.845, 0.965),
        "seventh": (0.97, 0.95, 0.92, 0.985),
        "eighth": (0.975, 0.95, 0.90, 0.985),
    }.items()
}
"""What each set of calls must reach: what was measured, less one or two calls."""
APART = ("seventh", "eighth")
"""Sets by which no threshold or weight was chosen: what is to be expected of unseen calls."""
CHECKED = [SETS / name for name in FLOORS]
CEILINGS = {
    "tuned": 0.02,
    "second": 0.037,
    "third": 0.08,
    "fourth": 0.027,
    "fifth": 0.026,
    "sixth": 0.05,
    "seventh": 0.018,
    "eighth": 0.018,
}
"""Normal calls raised to emergency, at most."""

Texts = Annotated[Path | None, typer.Option(help="Folder of training sentences (*.txt).")]
Rows = Annotated[list[Path] | None, typer.Argument(help="Folders of evaluation rows (*.jsonl).")]


@app.command()
def train(
    texts: Texts = None,
    out: Annotated[Path | None, typer.Option(help="Where the model goes.")] = None,
    check: Annotated[
        list[Path] | None, typer.Option(help="Folders of calls that guard danger recall.")
    ] = None,
    encoder: Annotated[
        Path | None, typer.Option(help="A new encoder (.npz), judged and put in force together.")
    ] = None,
    version: Annotated[str, typer.Option(help="Name of the new model.")] = "2026.6",
    seed: Annotated[int, typer.Option(help="Same seed, same model.")] = SEED,
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="Leave one hand's file out at a time; write nothing.")
    ] = False,
    hand: Annotated[
        list[str] | None, typer.Option(help="With --by-hand: only this file (its name, no .txt).")
    ] = None,
) -> None:
    """Train; keep the old model when the new one would hear less danger."""
    if by_hand or hand:
        _by_hand(texts, encoder, hand or [])
        return
    from gateway.dispatch import train as training  # noqa: PLC0415 - scikit-learn, only here

    path = out or packaged("model.npz")
    known, rules, lists = concepts.load(), rule_data.load(taxonomy.load()), taxonomy.load()
    senses = or_exit(lambda: sense.load(encoder))
    lines = or_exit(lambda: corpus.lines(texts))
    said = corpus.said(lines, COPIES, seed)
    typer.echo(f"{len(lines)} sentences, {len(said)} texts")
    made = training.train(said, known, Context(rules.context), version)
    folders = [folder for folder in check or CHECKED if folder.is_dir()]
    rows = or_exit(lambda: [row for folder in folders for row in corpus.rows(folder)])
    new = guard.recall(Dispatcher(lists, rules, made, senses=senses), rows)
    old = guard.in_force(path, rows, lists, rules)
    typer.echo(f"danger recall: new {new}; in force {'none' if old is None else f'{old:.3f}'}")
    if old is not None and (not rows or new.value < old):
        why = "would hear less danger" if rows else "was not checked; name calls with --check"
        typer.echo(f"{path} left as it is: the new model {why}", err=True)
        raise typer.Exit(1)
    guard.install(made, path, new.value if rows else None, encoder)
    typer.echo(f"{path}: {path.stat().st_size} bytes")


def _by_hand(texts: Path | None, encoder: Path | None, asked: list[str]) -> None:
    lines = or_exit(lambda: corpus.lines(texts))
    lists = taxonomy.load()
    senses = or_exit(lambda: sense.load(encoder)) if encoder else None
    typer.echo("words and the encoder given" if senses else "words alone (the encoder knows all)")
    names = asked or hands.hands(lines)
    if unknown := set(names) - {line.source for line in lines}:
        typer.echo(f"no training file {', '.join(sorted(unknown))}; see --texts", err=True)
        raise typer.Exit(2)
    rules = rule_data.load(lists)
    whole = evaluate.Outcome()
    for name, outcome in hands.measured(
        lines, names, concepts.load(), lists, rules, COPIES, senses
    ):
        whole.rows += outcome.rows
        _shares(f"without {name}", outcome)
    _shares("all of them", whole)
    _tables(whole)


def _shares(title: str, outcome: evaluate.Outcome) -> None:
    typer.echo(f"\n== {title} ({len(outcome.rows)} rows)")
    for measure, share in outcome.shares.items():
        typer.echo(f"{measure:>18} {share}")


@app.command(name="eval")
def evaluate_command(
    rows: Rows = None,
    floors: Annotated[bool, typer.Option(help="Fail below the floors reached.")] = True,
) -> None:
    """Print accuracy by source with confusion tables; exit 1 below the floors."""
    failed = False
    dispatcher = or_exit(lambda: Dispatcher(taxonomy.load()))
    typer.echo(dispatcher.version)
    apart, known = evaluate.Outcome(), evaluate.Outcome()
    for folder in rows or CHECKED:
        found = or_exit(lambda folder=folder: corpus.rows(folder))  # type: ignore[misc]
        typer.echo(f"\n== {folder} ({len(found)} rows)")
        outcome = evaluate.run(dispatcher, found)
        (apart if folder.name in APART else known).rows += outcome.rows
        for name, share in outcome.shares.items():
            missed = floors and below(folder.name, name, share.value)
            failed |= missed
            typer.echo(f"{name:>18} {share}{'  BELOW THE FLOOR' if missed else ''}")
        _by_source(dispatcher, found)
        _tables(outcome)
    if rows is None:
        _shares(f"{' and '.join(APART)} together: no threshold or weight was chosen by them", apart)
        _shares("the others together: looked at since, and thresholds chosen by them", known)
    failed |= cli_report.tell_places() and floors
    raise typer.Exit(1 if failed else 0)


def below(folder: str, measure: str, value: float) -> bool:
    """Say whether a measure of a set of calls is worse than what was once reached."""
    if measure == "normal raised":
        return value > CEILINGS.get(folder, 1.0)
    return value < FLOORS.get(folder, {}).get(measure, 0.0)


def _by_source(dispatcher: Dispatcher, rows: list[corpus.Row]) -> None:
    typer.echo("\nby source: platform | class | emergencies heard | normal raised")
    for source, held in evaluate.by_source(rows).items():
        shares = evaluate.run(dispatcher, held).shares
        cells = [shares[n] for n in ("platform", "class", "emergency recall", "normal raised")]
        shown = " | ".join(f"{s.right}/{s.of}" for s in cells)
        low, high = cells[1].interval
        typer.echo(f"{source:>18}: {shown}   class 95 % {100 * low:.0f}-{100 * high:.0f}")


def _tables(outcome: evaluate.Outcome) -> None:
    typer.echo("\nclass (rows: labelled, columns: advised)")
    typer.echo(
        outcome.confusion(
            lambda row: evaluate.class_name(row.platform, row.item),
            lambda got: evaluate.class_name(got.platform, got.item) if got else "-",
        )
    )
    typer.echo("\nurgency")
    typer.echo(
        outcome.confusion(lambda row: row.urgency, lambda got: got.urgency if got else "normal")
    )
    typer.echo("\nconfidence: band, mean, right")
    for band, mean, share in outcome.calibration():
        typer.echo(f"  {band}  {mean:.2f}  {share}")


if __name__ == "__main__":
    app()
