"""Commands for people: doctor, demo, lab, suggest, tickets, figures, callbacks, models, asr ..."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file (TOML). Default: $LIANDONG_CONFIG."),
]


def mount(cli: typer.Typer) -> None:
    """Add them to `cli`; only now are the modules behind them loaded."""
    from gateway.dispatch.cli import command as suggest
    from gateway.dispatch.cli_train import app as dispatch
    from gateway.lab.cli import demo, lab
    from gateway.ledger.cli import app as figures
    from gateway.ledger.cli_callbacks import app as callbacks
    from gateway.speech.cli_asr import app as asr
    from gateway.speech.cli_models import app as models
    from gateway.speech.cli_transcribe import command as transcribe
    from gateway.tickets.cli import app as tickets

    cli.command()(doctor)
    cli.command("suggest")(suggest)
    cli.add_typer(dispatch, name="dispatch")
    cli.command("demo")(demo)
    cli.add_typer(tickets, name="tickets")
    cli.add_typer(figures, name="figures")
    cli.add_typer(callbacks, name="callbacks")
    cli.add_typer(models, name="models")
    cli.command("transcribe")(transcribe)
    cli.add_typer(asr, name="asr")
    cli.add_typer(lab, name="lab")


def doctor(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at the live PBX and what is around it; say what is missing and how to mend it."""
    from rich.console import Console

    from gateway import settings
    from gateway.telephony.doctor import examine, exit_status, render, to_json

    findings = examine(settings.load(config))
    if as_json:
        typer.echo(to_json(findings))
    else:
        Console().print(render(findings))
    raise typer.Exit(exit_status(findings))
