"""`python -m asr_models.recipe STAGE`: make the model step by step; each stage resumes."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from asr_models.recipe.paths import SHIPPED, Paths, default_paths

app = typer.Typer(help=__doc__, no_args_is_help=True)
SEED = 1
_PATHS = default_paths()

Work = Annotated[Path, typer.Option(help="Folder for everything made on the way.")]
Data = Annotated[Path, typer.Option(help="Folder with recorded words and messages.")]
Out = Annotated[Path, typer.Option(help="Folder of the finished model.")]
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


@app.command()
def language(work: Work = _PATHS.work, data: Data = _PATHS.data) -> None:
    """Estimate the language model of all texts and prune it to size."""
    from asr_models.recipe.lm import build

    build(Paths(work, data), SEED)


@app.command()
def graph(work: Work = _PATHS.work, out: Out = SHIPPED) -> None:
    """Write graph/ of the model: lexicon and language model for decoding."""
    from asr_models.recipe import lm
    from asr_models.recipe.graph import build
    from asr_models.recipe.lexicon import lexicon
    from asr_models.recipe.vocabulary import LETTERS, speakable

    model, ids = lm.load(work / "lm")
    usable = filter(speakable, ids)
    build(lexicon([*LETTERS, *usable]), model, ids, out / "graph", work / "graph")


@app.command()
def voices(work: Work = _PATHS.work, data: Data = _PATHS.data, ship: bool = False) -> None:
    """Make the evaluation's audio; --ship also writes the sample that the tests use."""
    from asr_models.recipe import evalset

    evalset.make(Paths(work, data), SEED)
    if ship:
        evalset.ship(Paths(work, data), SEED)


@app.command()
def evaluate(
    work: Work = _PATHS.work,
    data: Data = _PATHS.data,
    out: Out = SHIPPED,
    measured: Annotated[Path | None, typer.Option(help="Write the figures there, JSON.")] = None,
) -> None:
    """Print what the model hears of every evaluation set; of the shipped sample without a voice."""
    from asr_models.recipe.evaluate import report

    if find_spec("ai_edge_litert") and find_spec("jieba"):
        from asr_models.recipe import evalset

        if data.is_dir():
            recorded(work, data)
        evalset.make(Paths(work, data), SEED)
    report(out, work / "eval", measured, SEED)


@app.command()
def export(
    work: Work = _PATHS.work,
    out: Out = SHIPPED,
    checkpoint: Annotated[str, typer.Option(help="last.pt or phase1.pt.")] = "last.pt",
) -> None:
    """Write am/ and conf/ of the model for the graph that is in its folder."""
    from asr_models.recipe.export import Decoding
    from asr_models.recipe.export import export as write
    from asr_models.recipe.silence import silence_of
    from asr_models.recipe.train import averaged

    net = averaged(work / "train" / checkpoint)
    silence = silence_of(net, work / "clips", SEED)
    write(net, silence, out / "graph" / "phones.txt", out, Decoding())


@app.command()
def manifest(
    work: Work = _PATHS.work,
    out: Out = SHIPPED,
    measured: Annotated[Path | None, typer.Option(help="Figures of the evaluation, JSON.")] = None,
) -> None:
    """Hash the model's files and write down what it was made from."""
    from asr_models.recipe.facts import training
    from asr_models.recipe.manifest import kept, write

    figures = json.loads(measured.read_text("utf-8")) if measured else kept(out)
    write(out, training(work, SEED), figures)


@app.command(name="all")
def everything(
    work: Work = _PATHS.work, data: Data = _PATHS.data, out: Out = SHIPPED, workers: Workers = 2
) -> None:
    """Run every stage in order; what is done is not done again."""
    synth(work, data, None, workers)
    recorded(work, data)
    train(work, data, workers)
    language(work, data)
    graph(work, out)
    export(work, out)
    manifest(work, out)


if __name__ == "__main__":
    app()
