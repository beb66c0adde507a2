"""Progress bars of the recipe; plain lines where the output is no terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY_S = 30.0


@contextmanager
def bar(title: str, total: int) -> Iterator[Callable[..., None]]:
    """Give a function to call for each step done, with a note to show beside the bar."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(title, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(title, total=total)

        def step(note: str = "", steps: int = 1) -> None:
            progress.update(task, advance=steps, description=f"{title} {note}".strip())

        yield step


def _lines(title: str, total: int) -> Callable[..., None]:
    done, last = 0, 0.0

    def step(note: str = "", steps: int = 1) -> None:
        nonlocal done, last
        done += steps
        if done >= total or time.monotonic() - last > _LINE_EVERY_S:
            last = time.monotonic()
            sys.stderr.write(f"{title}: {done}/{total} {note}\n")
            sys.stderr.flush()

    return step
