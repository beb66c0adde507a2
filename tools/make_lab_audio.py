"""Speak the lab's dialogues: raw A-law, 8 kHz, mono, one file a turn (`make lab-audio`).

Reads ``gateway/lab/audio/dialogues.json``, writes the files beside it and their durations into it.
Seeds are the turns' names: a second run on the same machine makes the same bytes.
"""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from asr_models.recipe.errors import RecipeError
from asr_models.recipe.progress import bar
from gateway.lab.dialogue import AUDIO, RATE
from gateway.lab.phones.audio import encode
from tools.telephone_voice import Manner, Speaker, on_a_line


def formatted(book: dict[str, Any]) -> str:
    """Return `book` as JSON with one turn a line."""
    text = json.dumps(book, ensure_ascii=False, indent=1)
    flat = re.sub(r"\{[^{}]*\}|\[[^{}\[\]]*\]", lambda found: " ".join(found[0].split()), text)
    return re.sub(r"(?<=[{\[]) |(?<=\S) (?=[}\]])", "", flat) + "\n"


def replace(path: Path, content: bytes) -> None:
    """Write `content` to `path`, all or nothing."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def make(dialogue: Annotated[list[str] | None, typer.Argument(help="Only these.")] = None) -> None:
    """Speak all dialogues, or those named, into gateway/lab/audio."""
    path = AUDIO / "dialogues.json"
    book = json.loads(path.read_text("utf-8"))
    known = [one["id"] for one in book["dialogues"]]
    if unknown := set(dialogue or ()) - set(known):
        raise RecipeError(f"no dialogue {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [one for one in book["dialogues"] if one["id"] in (dialogue or known)]
    manners = {name: Manner(**one) for name, one in book["voices"].items()}
    speaker = Speaker()
    with bar("lab audio", sum(len(one["turns"]) for one in chosen)) as tick:
        for one in chosen:
            for turn in one["turns"]:
                manner = manners[one["cast"][turn["speaker"]]]
                sound = on_a_line(speaker.say(turn["text"], turn["id"], manner), turn["id"])
                turn["file"] = turn["id"] + ".alaw"
                turn["duration_ms"] = len(sound) * 1000 // RATE
                replace(AUDIO / turn["file"], encode(np.rint(sound)))
                tick(turn["id"])
            # Stopped half-way, the book still tells what the files hold.
            replace(path, formatted(book).encode())


if __name__ == "__main__":
    try:
        typer.run(make)
    except RecipeError as error:
        sys.exit(str(error))
