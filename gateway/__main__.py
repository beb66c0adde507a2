"""The `liandong` command."""

import asyncio
import os
import sys
from typing import Annotated

import typer

from gateway import app as processes
from gateway import commands, log, settings, supervisor
from gateway.errors import ConfigError, LiandongError

_ROLES = {"serve", *supervisor.ROLES}
cli = typer.Typer(
    name="liandong",
    help="Liandong (联动): links the 12345 hotline and the 110 line on Asterisk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Config = commands.Config
_log_flags: list[str] = []


@cli.callback()
def _prepare(
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_json: Annotated[bool, typer.Option(help="Logs as JSON lines.")] = False,
) -> None:
    log.configure(log_level.upper(), json=log_json)
    _log_flags[:] = ["--log-level", log_level, *(["--log-json"] if log_json else [])]
    supervisor.stop_with_supervisor()


@cli.command()
def serve(config: Config = None) -> None:
    """Run the gateway: control with API, recognition, delivery."""
    workers = settings.load(config).speech.worker_count  # a mistake is told once, here
    argv = [sys.executable, "-m", "gateway", *_log_flags, "{role}"]
    if config is not None:
        argv += ["--config", str(config)]
    roles = ["control", *["recognise"] * workers, "deliver"]
    raise typer.Exit(asyncio.run(supervisor.supervise(argv, roles)))


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


def _command(arguments: list[str]) -> str:
    """Return the command's name: the first argument that is no option, nor the value of one."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        at += 2 if arguments[at] == "--log-level" else 1
    return arguments[at] if at < len(arguments) else ""


def main() -> None:
    """Entry point: errors of ours are one line, not a traceback.

    Exit status 78 (EX_CONFIG) for settings that need mending, 1 for the rest.
    """
    # The gateway's own processes start without what only people at a terminal need.
    serves = _command(sys.argv[1:]) in _ROLES
    if serves:
        log.guard_threads()
    else:
        commands.mount(cli)
    try:
        cli()
    except LiandongError as error:
        print(f"liandong: {error}", file=sys.stderr)  # noqa: T201
        status = os.EX_CONFIG if isinstance(error, ConfigError) else 1
        raise SystemExit(status) from error
    except Exception as error:
        if not serves:
            raise
        print(f"liandong died\n{log.frames(error)}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
