"""What a long run of the lab shows: its report, and a bar that says how far it is."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def report(width: int) -> Console:
    """On standard output; `width` columns where there is no terminal, so that rows stay whole."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else width)


def counting_bar(said: int, width: int | None = None) -> Progress:
    """How many of how many, on standard error; use it with `with`.

    `said`: columns for what is under way; `width`: of all where there is no terminal.
    """
    columns = (TextColumn(f"{{task.description:<{said}}}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True, width=None if sys.stderr.isatty() else width)
    return Progress(*columns, TimeElapsedColumn(), console=console, refresh_per_second=2)
