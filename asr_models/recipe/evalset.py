"""The evaluation's audio: sentences by the recipe's voice, and recorded words kept from training.

Telephone A-law at 8 kHz with silence around. Needs the dependency group `model` (the voice);
what is made once is kept in the work folder.
"""

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from asr_models.recipe import clips, phones, utterances
from asr_models.recipe.framing import LEAD_S, framed, in_noise
from asr_models.recipe.paths import REPOSITORY, Paths
from asr_models.recipe.progress import bar
from asr_models.recipe.text import clauses
from asr_models.recipe.utterances import RATE, Utterance
from asr_models.recipe.voice import Style, Voice, assets

FOLDER = REPOSITORY / "tests" / "data" / "asr_eval"
SENTENCES = FOLDER / "hotline.txt"
SAMPLE, SAMPLE_EVERY = "spoken", 5
"""The shipped sample: every fifth sentence of the set `hotline`, 64 in all."""
_HAN = re.compile(r"[㐀-鿿]+")


@dataclass(frozen=True)
class Spelled:
    """A sentence as the voice takes it; `ends` are the places of each character's last phone."""

    text: str
    phones: tuple[str, ...]
    ends: tuple[int, ...]


def spell(sentence: str) -> Spelled | None:
    """Return `sentence` read word by word, None where a character has no reading."""
    parts = clauses(sentence, random.Random(1))  # noqa: S311 - no secret
    said = ["".join(_HAN.findall(part)) for part in parts]
    out, ends = ["sil"], []
    for clause in filter(None, said):
        for word in phones.words(clause):
            read = phones.word_phones(word)
            if read is None:
                return None
            for first, second in zip(read[::2], read[1::2], strict=True):
                ends.append(len(out) + 1)
                out += [first, second, "#0"]
        out[-1] = "#3"
    out[-1] = "sil"
    text = " ".join(filter(None, said))
    return Spelled(text, tuple(out), tuple(ends)) if ends else None


def speak(voice: Voice, sentence: Spelled, style: Style) -> Utterance:
    """Return the sentence spoken, with silence around it."""
    spoken = voice.speak(list(sentence.phones), style)
    times = LEAD_S + spoken.ends / RATE
    # The two phones of a character begin where the one before them ends.
    chars = tuple((float(times[end - 2]), float(times[end])) for end in sentence.ends)
    whole = len(chars) == len(sentence.text.replace(" ", ""))  # not so with 儿 in one syllable
    return framed(Utterance(sentence.text, spoken.samples, chars[-1][1], chars if whole else ()))


def make(paths: Paths, seed: int) -> Path:
    """Make every set that is not there yet; returns their folder.

    The recorded words need the stage `recorded` and are left out where that has not run.
    """
    out = paths.sub("eval")
    todo: dict[str, Callable[[], Iterable[Utterance]]] = {
        "hotline": lambda: _spoken(paths, lambda _: Style()),
        "noise": lambda: in_noise(utterances.load(out, "hotline"), seed),
        "speakers": lambda: _spoken(paths, lambda number: _other(seed + number)),
    }
    words = paths.sub("clips", "recorded") / "test.npz"
    if words.exists():
        todo["words"] = lambda: _recorded(words)
    for name, build in todo.items():
        if not (out / f"{name}.jsonl").exists():
            utterances.save(out, name, list(build()))
    return out


def ship(paths: Paths, seed: int) -> None:
    """Write the sample that the repository holds; figures of the model stay comparable by it."""
    every = utterances.load(make(paths, seed), "hotline")
    utterances.save(FOLDER, SAMPLE, every[::SAMPLE_EVERY])


def _spoken(paths: Paths, style: Callable[[int], Style]) -> list[Utterance]:
    lines = SENTENCES.read_text("utf-8").splitlines()
    wanted = [sentence for line in lines if (sentence := spell(line))]
    voice = Voice(assets(paths))
    found: list[Utterance] = []
    with bar("voice: evaluation", len(wanted)) as tick:
        for number, sentence in enumerate(wanted):
            found.append(speak(voice, sentence, style(number)))
            tick()
    return found


def _other(seed: int) -> Style:
    chance = random.Random(seed)  # noqa: S311 - reproducible, no secret
    return Style(chance.uniform(0.82, 1.18), chance.uniform(0.9, 1.2), chance.uniform(0.85, 1.15))


def _recorded(path: Path) -> Iterable[Utterance]:
    """Yield the recorded words that are kept from training; their times are not known."""
    for clip in clips.load([path]):
        end = LEAD_S + len(clip.samples) / RATE
        yield framed(Utterance(clip.text, clip.samples, end))
