"""`liandong models`: which speech models there are, and whether they are whole."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from gateway import settings
from gateway.errors import ConfigError, PullError
from gateway.settings import SpeechSettings
from gateway.speech.cli_options import Config
from gateway.speech.models.home import CURRENT, ModelHome, model_path
from gateway.speech.models.listing import Row, rows
from gateway.speech.models.pull import pull
from gateway.speech.models.registry import KnownModel, known_models
from gateway.speech.models.verify import Report, verify

app = typer.Typer(no_args_is_help=True, help="Speech models: list, fetch, check, choose.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_STEPS = {"download": "downloading", "check": "checking sha256", "unpack": "unpacking"}


@app.command("list")
def list_models(config: Config = None, as_json: AsJson = False) -> None:
    """List the models that are known or here, and which one is in use."""
    speech = settings.load(config).speech
    found = rows(speech)
    if as_json:
        typer.echo(json.dumps([vars(row) for row in found], ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("", "model", "here", "MB", "Hz", "language", "licence"):
        table.add_column(column, no_wrap=column != "model", overflow="fold")
    for row in found:
        table.add_row(*_cells(row))
    Console().print(table)
    for row in found:
        if row.about:
            typer.echo(f"{row.name}: {row.about}")
    home = ModelHome.of(speech)
    typer.echo(f"pulled models: {home.pulled}\nin use: {model_path(speech)}")


@app.command("pull")
def pull_model(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    url: Annotated[str, typer.Option(help="A mirror's address of the zip.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="Take this zip, carried here by hand; no network.")
    ] = None,
    config: Config = None,
) -> None:
    """Fetch a model from its publisher, check it, unpack it; broken off, it goes on later."""
    model = _known(name, anywhere=bool(url or file))
    home = ModelHome.of(settings.load(config).speech)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    try:
        with Progress(*columns, TransferSpeedColumn(), console=console, transient=True) as bar:
            task = bar.add_task(name, total=None)

            def step(what: str, at: int, of: int) -> None:
                bar.update(task, description=_STEPS[what], completed=at, total=of or None)

            pulled = pull(model, home, step, url=url, archive=file)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from here", err=True)
        raise typer.Exit(130) from None
    if not pulled.sha256:
        typer.echo(f"{name} is here already: {pulled.directory}")
        return
    typer.echo(f"{name}: {pulled.directory}\nsha256 of the zip: {pulled.sha256}")
    if pulled.first_use:
        typer.echo(
            "Nobody has vouched for this sha256: it is what came this first time. It is on record "
            "now, and a later zip of this model must be the same. Compare it with another source."
        )
    typer.echo(f"to use it: liandong models use {name}")


@app.command("verify")
def verify_model(
    model: Annotated[
        Path, typer.Argument(metavar="[NAME|DIRECTORY]", help="Default: the one in use.")
    ] = Path(CURRENT),
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Name every missing or broken file; then load the model and let it hear a recording."""
    speech = settings.load(config).speech
    chosen = model_path(speech) if model == Path(CURRENT) else ModelHome.of(speech).directory(model)
    report = verify(chosen)
    if as_json:
        typer.echo(json.dumps(report.model_dump() | {"ok": report.ok}, ensure_ascii=False))
    else:
        _say(report)
    raise typer.Exit(0 if report.ok else 1)


@app.command("use")
def use_model(
    model: Annotated[Path, typer.Argument(metavar="NAME|DIRECTORY")], config: Config = None
) -> None:
    """Choose the model that recognisers take from their next start on."""
    speech = settings.load(config).speech
    _choice_counts(speech)
    chosen = ModelHome.of(speech).choose(model)
    typer.echo(f"in use from now on: {chosen}")
    typer.echo("Recognisers that are running keep their model until they are started again.")


def _choice_counts(speech: SpeechSettings) -> None:
    if speech.model_dir != Path(CURRENT):
        raise ConfigError(
            f"the settings (file or LIANDONG_SPEECH__MODEL_DIR) name {speech.model_dir}, which "
            f'wins over a choice: say model_dir = "{CURRENT}" under [speech], or leave it out'
        )


def _known(name: str, *, anywhere: bool) -> KnownModel:
    if model := known_models().get(name):
        return model
    if not anywhere or Path(name).name != name or name.startswith(".") or name == CURRENT:
        known = ", ".join(known_models())
        raise PullError(f"no model {name} is known here ({known}); others by --url or --file")
    return KnownModel(name=name, language="", sample_rate=0, licence="", about="")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        "*" if row.in_use else "",
        row.name,
        "yes" if row.directory else "",
        f"{row.bytes / 1_000_000:.0f}" if row.bytes else "",
        str(row.sample_rate or ""),
        row.language,
        row.licence,
    )


def _say(report: Report) -> None:
    typer.echo(report.model)
    for problem in report.problems:
        typer.echo(f"  ✗ {problem}")
    if heard := report.heard:
        typer.echo(f"  recording {heard.recording}: {heard.script}")
        typer.echo(f"  heard: {heard.text}")
        typer.echo(
            f"  CER {heard.character_error_rate:.1%}; loaded in {heard.load_s:.1f} s; "
            f"real-time factor {heard.real_time_factor:.3f}"
        )
    typer.echo("whole, and it hears" if report.ok else "cannot be used as it is")
