"""`liandong dispatch report | places`: what was advised wrongly, routing, and places."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from gateway.dispatch import divisions, evaluate, places, routing, taxonomy
from gateway.dispatch.cli_exit import or_exit
from gateway.dispatch.corpus import rows
from gateway.dispatch.suggest import Dispatcher

PLACES = {
    Path("tests/data/dispatch_places/first.tsv"): 0.99,
    Path("tests/data/dispatch_places/none.tsv"): 1.0,
    Path("tests/data/asr_eval/places.txt"): 0.945,
}
"""Files of sentences, with the share of streets and towns that must be right."""
AREA = "321323"
"""The area of the profile that the sentences are read for."""
SHOWN = {Path("tests/data/dispatch_places/first.tsv"), Path("tests/data/dispatch_places/none.tsv")}
"""Files whose misses may be looked at; the others' lines stay unread."""
ANSWERED = ".gz"


def report(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Folders of evaluation rows, or answered messages (.jsonl.gz)."),
    ],
    count: Annotated[
        int, typer.Option("--rows", help="Only so many messages, drawn at random; 0: all.")
    ] = 0,
    keep: Annotated[
        Path | None,
        typer.Option(help="Ids and units proposed so far (.jsonl): a run cut off goes on."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--sample", help="Write 100 messages here (.csv) to check.")
    ] = None,
) -> None:
    """List the rows advised wrongly; of answered messages, say how often the unit was right."""
    dispatcher = or_exit(lambda: Dispatcher(taxonomy.load()))
    typer.echo(dispatcher.version)
    for path in paths:
        if path.suffix == ANSWERED:
            _routing(dispatcher, path, count, keep, out)
        else:
            _wrong(dispatcher, path)


def places_command(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of sentences (tests/data/dispatch_places).")
    ] = None,
    area: Annotated[str, typer.Option(help="Division code of the profile.")] = AREA,
) -> None:
    """Print how often the place of a sentence gets the right code; exit 1 below the floors."""
    raise typer.Exit(1 if tell_places(files, area) else 0)


def tell_places(files: list[Path] | None = None, area: str = AREA) -> bool:
    """Print the figures by file; say whether one is below its floor."""
    known = or_exit(divisions.load)
    failed = False
    for path in files or list(PLACES):
        found = or_exit(lambda path=path: places.read(path, known))  # type: ignore[misc]
        placed = places.run(found, known, area)
        shares = places.shares(placed)
        missed = shares["all"].value < PLACES.get(path, 0.0)
        failed |= missed
        typer.echo(f"\n== {path}: street or town right ({divisions.CODE_SYSTEM})")
        for name, share in shares.items():
            typer.echo(f"{name:>18} {share}{'  BELOW THE FLOOR' * (missed and name == 'all')}")
        for one in placed if path in SHOWN else ():
            if not one.right:
                typer.echo(f"{one.sentence.code or '-'} -> {one.code or '-'}  {one.sentence.text}")
    return failed


def _wrong(dispatcher: Dispatcher, folder: Path) -> None:
    for row, got in evaluate.run(dispatcher, or_exit(lambda: rows(folder))).rows:
        want = evaluate.class_name(row.platform, row.item), row.urgency
        have = ("-", "normal")
        if got:
            have = evaluate.class_name(got.platform, got.item), got.urgency
        if want != have:
            why = "、".join(span.text for span in got.evidence[:3]) if got else ""
            typer.echo(f"{row.id}: {'/'.join(want)} -> {'/'.join(have)}  [{why}]  {row.text}")


def _routing(
    dispatcher: Dispatcher, path: Path, count: int, keep: Path | None, out: Path | None
) -> None:
    found, unnamed = or_exit(lambda: routing.read(path))
    typer.echo(f"{len(found)} replies name a unit, {unnamed} name none")
    if count:
        chance = random.Random(routing.SEED)  # noqa: S311 - the same rows every time
        found = chance.sample(found, min(count, len(found)))

    def shown(messages: Iterable[routing.Answered]) -> Iterator[routing.Answered]:
        console = Console(stderr=True)
        yield from track(messages, "messages", total=len(found), console=console)

    routed = routing.route(dispatcher, found, shown, keep)
    for line in routing.tables(routed):
        typer.echo(line)
    if out is not None:
        routing.sample(routed, out)
        typer.echo(f"{out}: fill in whether label and unit are right")
