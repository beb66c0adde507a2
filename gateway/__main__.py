"""The `liandong` command."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway import app as processes
from gateway import log, settings, supervisor
from gateway.dispatch.cli import command as suggest
from gateway.errors import LiandongError
from gateway.lab.cli import demo, lab
from gateway.telephony.doctor import examine, exit_status, render, to_json
from gateway.tickets.cli import app as tickets

cli = typer.Typer(
    name="liandong",
    help="Liandong (联动): links the 12345 hotline and the 110 line on Asterisk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file (TOML). Default: $LIANDONG_CONFIG."),
]


@cli.callback()
def _prepare(
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_json: Annotated[bool, typer.Option(help="Logs as JSON lines.")] = False,
) -> None:
    log.configure(log_level.upper(), json=log_json)
    supervisor.stop_with_supervisor()


@cli.command()
def serve(config: Config = None) -> None:
    """Run the gateway: control with API, recognition, delivery."""
    settings.load(config)  # a mistake is told once, here
    asyncio.run(supervisor.supervise(config))


@cli.command()
def control(config: Config = None) -> None:
    """Run only call control with the API."""
    processes.run_control(settings.load(config))


@cli.command()
def recognise(config: Config = None) -> None:
    """Run only one speech recognition worker."""
    processes.run_recognition(settings.load(config))


@cli.command()
def deliver(config: Config = None) -> None:
    """Run only the delivery of tickets."""
    processes.run_delivery(settings.load(config))


@cli.command()
def doctor(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at the live PBX and what is around it; say what is missing and how to mend it."""
    findings = examine(settings.load(config))
    if as_json:
        typer.echo(to_json(findings))
    else:
        Console().print(render(findings))
    raise typer.Exit(exit_status(findings))


cli.command("suggest")(suggest)
cli.add_typer(tickets, name="tickets")
cli.command("demo")(demo)
cli.add_typer(lab, name="lab")


def main() -> None:
    """Entry point: errors of ours are one line and exit status 1, not a traceback."""
    try:
        cli()
    except LiandongError as error:
        print(f"liandong: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
