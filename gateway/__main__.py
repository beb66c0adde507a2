"""The `liandong` command."""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from gateway import app as processes
from gateway import commands, log, settings, supervisor
from gateway.errors import ConfigError, LiandongError
from gateway.supervisor import Role

_ROLES = {"serve", "control", "recognise", "deliver"}
cli = typer.Typer(
    name="liandong",
    help="Liandong (联动): links the 12345 hotline and the 110 line on Asterisk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Config = commands.Config


@cli.callback()
def _prepare(
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_json: Annotated[bool, typer.Option(help="Logs as JSON lines.")] = False,
) -> None:
    log.configure(log_level.upper(), json=log_json)


@cli.command()
def serve(config: Config = None) -> None:
    """Run the gateway: control with API, recognition, delivery."""
    loaded = settings.load(config)
    processes.load_what_all_need()
    recognise = [
        _role("recognise", partial(processes.run_recognition, loaded, number))
        for number in range(loaded.speech.worker_count)
    ]
    control = _role("control", partial(processes.run_control, loaded))
    deliver = _role("deliver", partial(processes.run_delivery, loaded), waits=True)
    raise typer.Exit(supervisor.supervise([control, *recognise, deliver]))


def _role(name: str, work: Callable[[], None], *, waits: bool = False) -> Role:
    return Role(name, partial(_status_of, work, serves=True), waits)


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
    command = _command(sys.argv[1:])
    serves = command in _ROLES
    if serves:
        log.guard_threads()
    else:
        completes = "_LIANDONG_COMPLETE" in os.environ  # the shell asks what could be typed
        commands.mount(cli, None if completes else command)
    raise SystemExit(_status_of(cli, serves=serves))


def _status_of(work: Callable[[], object], *, serves: bool) -> int:
    try:
        work()
    except LiandongError as error:
        print(f"liandong: {error}", file=sys.stderr)  # noqa: T201
        return os.EX_CONFIG if isinstance(error, ConfigError) else 1
    except Exception as error:
        if not serves:
            raise
        print(f"liandong died\n{log.frames(error)}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    main()
