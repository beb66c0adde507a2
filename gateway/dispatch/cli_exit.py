"""How commands end on bad input: the error says what to do, the status is 2."""

from collections.abc import Callable
from typing import TypeVar

import typer

from gateway.errors import ConfigError

T = TypeVar("T")


def or_exit(read: Callable[[], T]) -> T:
    """Return what `read` returns; tell its ConfigError and leave."""
    try:
        return read()
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
