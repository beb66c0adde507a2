"""What a model hears: character error rate, how soon an utterance is final, word times.

Runs with the gateway's own dependencies on audio that has been made (`evalset`) or shipped.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import vosk as untyped_vosk

from asr_models.recipe.framing import NOISE_DB, in_noise
from asr_models.recipe.paths import REPOSITORY
from asr_models.recipe.progress import bar
from asr_models.recipe.scoring import Rate, plain, rate, score
from asr_models.recipe.utterances import RATE, Utterance, load

vosk: Any = untyped_vosk
SETS = ("hotline", "noise", "speakers", "words")
SAMPLE = (REPOSITORY / "tests" / "data" / "asr_eval", "spoken")
CHUNK = RATE // 10
SOON_S = 0.8
CLOSE_S = 0.1


@dataclass(frozen=True)
class Heard:
    """What was recognised of one utterance; times in s from its start."""

    text: str
    words: tuple[tuple[str, float, float], ...]
    final_after_s: float | None
    """From the end of speech to the last words' final result; None if only closing brought it."""


@dataclass(frozen=True)
class Figures:
    """One row of the table; shares are from 0 to 1, None where nothing could be measured."""

    name: str
    cer: Rate
    final_soon: float | None
    times_close: float | None
    """Share of words right in text that begin and end within 100 ms of the truth."""


class Listener:
    """One recogniser over many utterances, as on a line that stays open."""

    def __init__(self, model: Path) -> None:
        vosk.SetLogLevel(-1)
        self._recogniser = vosk.KaldiRecognizer(vosk.Model(str(model)), RATE)
        self._recogniser.SetWords(True)
        self._fed = 0

    def hear(self, one: Utterance) -> Heard:
        """Recognise an utterance, 100 ms at a time."""
        begin, results, final = self._fed, [], None
        for at in range(0, len(one.samples), CHUNK):
            part = one.samples[at : at + CHUNK]
            self._fed += len(part)
            if self._recogniser.AcceptWaveform(part.astype("<i2").tobytes()):
                result = json.loads(self._recogniser.Result())
                if result["text"]:
                    results.append(result)
                    final = (at + len(part)) / RATE - one.end_s
        rest = json.loads(self._recogniser.FinalResult())
        if rest["text"]:
            results.append(rest)
            final = None
        offset = begin / RATE
        words = tuple(
            (word["word"], word["start"] - offset, word["end"] - offset)
            for result in results
            for word in result.get("result", [])
        )
        return Heard(" ".join(result["text"] for result in results), words, final)


def figures(name: str, every: Sequence[Utterance], heard: Sequence[Heard]) -> Figures:
    """Return the figures of a set."""
    scores = [score(one.text, got.text) for one, got in zip(every, heard, strict=True)]
    known = [(one, got) for one, got in zip(every, heard, strict=True) if one.chars]
    soon = [got.final_after_s is not None and got.final_after_s <= SOON_S for got in heard]
    errors = [error for one, got in known for error in time_errors(one, got)]
    return Figures(
        name,
        rate(scores),
        _share(soon),
        _share([error <= CLOSE_S for error in errors]),
    )


def time_errors(one: Utterance, heard: Heard) -> list[float]:
    """Return, for each word heard right, how far its begin or end is off at most (s)."""
    said = plain(one.text)
    words = [(plain(word), start, end) for word, start, end in heard.words]
    matcher = SequenceMatcher(None, said, "".join(word for word, _, _ in words), autojunk=False)
    place: dict[int, int] = {}
    for block in matcher.get_matching_blocks():
        place.update({block.b + i: block.a + i for i in range(block.size)})
    found: list[float] = []
    at = 0
    for word, start, end in words:
        chars = [place.get(at + i) for i in range(len(word))]
        at += len(word)
        first = chars[0] if chars else None
        if first is None or chars != list(range(first, first + len(chars))):
            continue
        truth = one.chars[first][0], one.chars[first + len(chars) - 1][1]
        found.append(max(abs(start - truth[0]), abs(end - truth[1])))
    return found


def table(rows: Iterable[Figures]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| set | sentences | CER % | 95 % interval | final within 0.8 s | words within 100 ms |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cer = f"{row.cer.percent:.1f} | {row.cer.low:.1f}-{row.cer.high:.1f}"
        shares = f"{_percent(row.final_soon)} | {_percent(row.times_close)}"
        lines.append(f"| {row.name} | {row.cer.sentences} | {cer} | {shares} |")
    return "\n".join(lines)


def report(model: Path, sets: Path, measured: Path | None, seed: int) -> None:
    """Print the table of all sets in `sets`; where none are made, of the shipped sample, without
    and with the noise of `seed`.
    """
    listener = Listener(model)
    rows = []
    for name, every in _sets(sets, seed):
        with bar(name, len(every)) as tick:
            heard = [_heard(listener, one, tick) for one in every]
        rows.append(figures(name, every, heard))
    sys.stdout.write(table(rows) + "\n")
    if measured is not None:
        facts = {row.name: asdict(row) for row in rows}
        measured.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def _sets(made: Path, seed: int) -> Iterator[tuple[str, list[Utterance]]]:
    names = [name for name in SETS if (made / f"{name}.jsonl").exists()]
    for name in names:
        yield name, load(made, name)
    if not names:
        sample = load(*SAMPLE)
        yield SAMPLE[1], sample
        yield f"{SAMPLE[1]}, noise {NOISE_DB:g} dB", list(in_noise(sample, seed))


def _heard(listener: Listener, one: Utterance, tick: Callable[[], None]) -> Heard:
    heard = listener.hear(one)
    tick()
    return heard


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
