"""Commands for people: doctor, demo, lab, suggest, tickets, figures, callbacks, models, asr ..."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file (TOML). Default: $LIANDONG_CONFIG."),
]

COMMANDS = {
    "suggest": (
        "gateway.dispatch.cli:command",
        "Suggest platform, class and urgency for texts, with the words behind it.",
    ),
    "demo": (
        "gateway.lab.cli:demo",
        "Play one real call from ringing phone to delivered ticket and measure it.",
    ),
    "transcribe": (
        "gateway.speech.cli_transcribe:command",
        "Transcribe recordings: any sample rate, A-law and mu-law too, each channel a speaker.",
    ),
    "dispatch": ("gateway.dispatch.cli_train:app", "Train and measure the dispatch advice."),
    "tickets": ("gateway.tickets.cli:app", "Tickets in the ledger and their way out."),
    "figures": (
        "gateway.ledger.cli:app",
        "Connection rate, waits, who was not served; and the leg log behind them.",
    ),
    "callbacks": (
        "gateway.ledger.cli_callbacks:app",
        "Callers who have gone while nobody had them.",
    ),
    "models": ("gateway.speech.cli_models:app", "Speech models: list, fetch, check, choose."),
    "asr": ("gateway.speech.cli_asr:app", "Speech recognition for other programs."),
    "lab": ("gateway.lab.cli:lab", "A private PBX with two centres, on loopback."),
}
"""Command -> where it is, and what it says of itself."""


def mount(cli: typer.Typer, wanted: str | None = None) -> None:
    """Add them to `cli`; only the module behind `wanted` is loaded (None: every one).

    Together they take two seconds, which a list of commands is not worth.
    """
    cli.command()(doctor)
    for name, (place, about) in COMMANDS.items():
        if wanted not in (name, None):
            cli.command(name, help=about)(_nothing)
            continue
        module, _, attribute = place.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            cli.add_typer(found, name=name)
        else:
            cli.command(name)(found)


def _nothing() -> None:
    """Stands for a command in the list of them."""


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
