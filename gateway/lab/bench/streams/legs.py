"""One speaker's part of a call, made of recorded turns: about half speech, half silence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle

import numpy as np
import numpy.typing as npt

from gateway.lab.dialogue import Turn, dialogue, names
from gateway.lab.phones.audio import decode

RATE = 8000
_LOUD = 250
_PAUSE_S = (1.0, 6.0)
"""The other speaker's turn: evenly between these, scaled so that half is silence."""
_SEED = 12345

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Spoken:
    """One utterance of a leg: what is said, and from when to when, in seconds of the leg."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Leg:
    """`pcm`: 8 kHz, as it came through A-law."""

    pcm: Pcm
    spoken: tuple[Spoken, ...]

    @property
    def seconds(self) -> float:
        return len(self.pcm) / RATE

    def wide(self) -> bytes:
        """At 16 kHz, as the PBX sends it to a tap."""
        narrow = self.pcm.astype(np.float32)
        middle = (narrow + np.append(narrow[1:], narrow[-1:])) / 2
        return np.stack([narrow, middle], axis=1).reshape(-1).astype("<i2").tobytes()

    def speech_share(self) -> float:
        return sum(one.end_s - one.start_s for one in self.spoken) / self.seconds


@dataclass(frozen=True)
class _Voice:
    """A turn without the silence around it."""

    text: str
    pcm: Pcm


def legs(count: int, seconds: float, seed: int = _SEED) -> list[Leg]:
    """Return `count` legs that differ, the same ones for the same arguments."""
    speakers = _speakers()
    return [
        _leg(speakers[at % len(speakers)], seconds, np.random.default_rng(seed + at))
        for at in range(count)
    ]


def _leg(turns: Sequence[_Voice], seconds: float, draw: np.random.Generator) -> Leg:
    total = int(seconds * RATE)
    pcm, spoken = np.full(total, _SILENCE, np.int16), []
    first = int(draw.integers(len(turns)))
    # A leg begins anywhere in a turn-taking, so that not all speak at once.
    at = int(draw.uniform(0, _PAUSE_S[1]) * RATE)
    for turn in cycle([*turns[first:], *turns[:first]]):
        end = at + len(turn.pcm)
        # Its final must come before the leg is closed.
        if end > total - RATE:
            break
        pcm[at:end] = turn.pcm
        spoken.append(Spoken(turn.text, at / RATE, end / RATE))
        pause = draw.uniform(0.4, 1.6) * len(turn.pcm) / RATE
        at = end + int(np.clip(pause, *_PAUSE_S) * RATE)
    return Leg(pcm, tuple(spoken))


_SILENCE = int(decode(b"\xd5")[0])


@cache
def _speakers() -> list[list[_Voice]]:
    """Every speaker's turns of every dialogue."""
    found: dict[tuple[str, str], list[_Voice]] = {}
    for name in names():
        for turn in dialogue(name):
            found.setdefault((name, turn.speaker), []).append(_voice(turn))
    return list(found.values())


def _voice(turn: Turn) -> _Voice:
    pcm = decode(turn.path.read_bytes())
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > _LOUD)
    return _Voice(_said(turn.text), pcm[loud[0] : loud[-1] + 1])


def _said(text: str) -> str:
    return "".join(one for one in text if one.isalnum())
