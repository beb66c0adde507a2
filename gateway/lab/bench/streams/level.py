"""One number of streams, measured in one arm."""

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gateway.lab.bench.streams.feed import Heard, feed_ours, feed_plain
from gateway.lab.bench.streams.legs import Leg, legs
from gateway.lab.bench.streams.score import Score, share_within
from gateway.lab.bench.streams.server import server
from gateway.lab.redis_lab import RedisLab

Arm = Literal["ours", "plain"]
IN_TIME_S = 0.6
"""p95 of the waits, at most."""
FINAL_WITHIN_S = 0.8
WORDS_WITHIN_S = 0.1
_FEEDER_LATE_S = 0.3


@dataclass(frozen=True)
class Place:
    """Where a level is measured."""

    model: str
    redis: RedisLab
    core: int
    folder: Path
    leg_s: float


@dataclass(frozen=True)
class Level:
    """What came of `streams` at a time. Seconds, and percent for `cer`."""

    arm: Arm
    streams: int
    p50_s: float
    p95_s: float
    max_s: float
    cer: float
    characters: int
    final_p50_s: float
    """From the end of speech to its final."""
    final_p95_s: float
    final_in_time: float
    """Share of utterances final within 0.8 s of the end of speech."""
    words_in_place: float
    """Share of utterances whose first word begins and last word ends within 100 ms of the sound.

    Where the sound begins and ends is told by loudness alone, so that a soft beginning counts as a
    miss; `make asr-eval` has the words' own times.
    """
    unheard: int
    gaps: dict[str, int]
    cpu: float
    """Share of the core."""
    rss_mb: float
    feeder_late_s: float
    waits: list[float] = field(repr=False, default_factory=list)
    by_leg: list[tuple[int, int]] = field(repr=False, default_factory=list)
    """(characters wrong, characters said); the same legs come first at every level."""

    @property
    def in_time(self) -> bool:
        return self.p95_s <= IN_TIME_S and not self.gaps

    @property
    def sound(self) -> bool:
        """Whether the feeder itself kept time."""
        return self.feeder_late_s <= _FEEDER_LATE_S

    def shape(self) -> dict[str, Any]:
        told = asdict(self)
        del told["waits"], told["by_leg"]
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in told.items()
        } | {"in_time": self.in_time, "sound": self.sound}


async def measure(place: Place, arm: Arm, streams: int) -> Level:
    """Start a server, feed it `streams` legs, stop it; raises LabError or TimeoutError."""
    made = legs(streams, place.leg_s)
    notes = place.folder / f"notes-{streams}-{time.monotonic_ns()}.jsonl"
    given: dict[str, Any] = {"model": place.model, "core": place.core}
    if arm == "ours":
        given |= {
            "redis": place.redis.url,
            "notes": str(notes),
            "admits_all": True,
            "max_streams": 0,
        }
    async with server(arm, place.folder, **given) as running:
        before = running.cpu_s()
        if arm == "ours":
            heard = await feed_ours(made, running.port, place.redis.url, notes)
        else:
            heard = await feed_plain(made, running.port)
        cpu = (running.cpu_s() - before) / place.leg_s
        return level_of(arm, made, heard, cpu, running.rss_mb())


def level_of(arm: Arm, made: list[Leg], heard: Heard, cpu: float, rss_mb: float) -> Level:
    """Sum up what came back."""
    score = Score()
    for at, leg in enumerate(made):
        score.add(leg, heard.finals.get(at, []))
    places = [
        max(abs(a), abs(b)) for a, b in zip(score.starts_off_s, score.ends_off_s, strict=True)
    ]
    waits = heard.waits_s or [float("inf")]
    lags = score.end_to_final_s or [float("inf")]
    said = len(score.end_to_final_s) + score.unheard
    return Level(
        arm=arm,
        streams=len(made),
        p50_s=_percentile(waits, 50),
        p95_s=_percentile(waits, 95),
        max_s=max(waits),
        cer=score.cer,
        characters=score.said,
        final_p50_s=_percentile(lags, 50),
        final_p95_s=_percentile(lags, 95),
        final_in_time=sum(one <= FINAL_WITHIN_S for one in lags) / max(1, said),
        words_in_place=share_within(places, WORDS_WITHIN_S),
        unheard=score.unheard,
        gaps=heard.gaps,
        cpu=cpu,
        rss_mb=rss_mb,
        feeder_late_s=heard.late_s,
        waits=waits,
        by_leg=score.by_leg,
    )


def _percentile(values: list[float], at: float) -> float:
    return float(np.percentile(values, at))
