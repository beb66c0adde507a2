"""`python -m asr_models.recipe STAGE`: make the model step by step; each stage resumes."""

from pathlib import Path
from typing import Annotated

import typer

from asr_models.recipe.paths import Paths, default_paths

app = typer.Typer(help=__doc__, no_args_is_help=True)
SEED = 1
_PATHS = default_paths()

Work = Annotated[Path, typer.Option(help="Folder for everything made on the way.")]
Data = Annotated[Path, typer.Option(help="Folder with recorded words and messages.")]
Workers = Annotated[int, typer.Option(help="Processes.")]


@app.callback()
def main() -> None:
    """Every command is a stage; `all` runs them in order."""


@app.command()
def synth(
    work: Work = _PATHS.work,
    data: Data = _PATHS.data,
    source: Annotated[list[str] | None, typer.Option(help="Which sentences.")] = None,
    workers: Workers = 2,
) -> None:
    """Let the voice say its sentences (12 h of speech take 20 minutes on two cores)."""
    from asr_models.recipe.sayings import SOURCES
    from asr_models.recipe.synth import synthesise

    for name in source or SOURCES:
        synthesise(Paths(work, data), SEED, name, workers)


@app.command()
def recorded(work: Work = _PATHS.work, data: Data = _PATHS.data) -> None:
    """Decode and trim the recorded words and syllables."""
    from asr_models.recipe.recorded import collect

    collect(Paths(work, data))


@app.command()
def train(
    work: Work = _PATHS.work,
    data: Data = _PATHS.data,
    threads: Annotated[int, typer.Option(help="Cores to train on.")] = 2,
) -> None:
    """Train the acoustic network; Ctrl-C saves, and the next start goes on from there."""
    import torch

    from asr_models.recipe.plan import Plan
    from asr_models.recipe.train import Trainer

    torch.set_num_threads(threads)
    if not Trainer(Paths(work, data), Plan()).run():
        raise typer.Exit(130)


if __name__ == "__main__":
    app()
