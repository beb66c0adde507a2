"""Parts of the speech bench that need no server: legs, scores, the search, the picture."""

import xml.etree.ElementTree as ET

import pytest

from gateway.lab.bench.streams.feed import Heard
from gateway.lab.bench.streams.legs import RATE, legs
from gateway.lab.bench.streams.level import Arm, Level
from gateway.lab.bench.streams.overload import as_json as overload_json
from gateway.lab.bench.streams.report import as_json, picture
from gateway.lab.bench.streams.score import Final, Score, distance
from gateway.lab.bench.streams.search import Search
from gateway.lab.bench.streams.soak import Memory


def test_legs_are_half_silence_and_always_the_same() -> None:
    made, again = legs(20, 60.0), legs(20, 60.0)
    assert all(len(one.pcm) == 60 * RATE for one in made)
    share = sum(one.speech_share() for one in made) / len(made)
    assert share == pytest.approx(0.5, abs=0.06)
    assert [one.spoken for one in made] == [one.spoken for one in again]
    assert len({one.spoken for one in made}) == 20
    assert len(made[0].wide()) == 60 * RATE * 4


def test_what_is_said_is_where_the_leg_says() -> None:
    (leg,) = legs(1, 30.0)
    for one in leg.spoken:
        start, end = int(one.start_s * RATE), int(one.end_s * RATE)
        assert abs(int(leg.pcm[start])) > 200
        assert abs(int(leg.pcm[end - 1])) > 200
        assert one.end_s < 29.01


def test_a_score_of_finals_that_came_late_in_two_parts_and_one_that_never_came() -> None:
    (leg,) = legs(1, 30.0)
    _, second, *_, last = leg.spoken
    finals = [
        Final(one.text, one.start_s, one.end_s, one.end_s + 0.6)
        for one in leg.spoken
        if one not in (second, last)
    ]
    middle = (second.start_s + second.end_s) / 2
    finals += [
        Final(second.text[1:], middle, second.end_s + 0.05, second.end_s + 0.7),
        Final("", second.start_s - 0.05, middle, middle + 0.6),
    ]
    score = Score()
    score.add(leg, finals)
    assert score.wrong == 1 + len(last.text)
    assert score.unheard == 1
    assert score.end_to_final_s[:2] == [pytest.approx(0.6), pytest.approx(0.7)]
    assert score.starts_off_s[1] == pytest.approx(-0.05)
    assert score.ends_off_s[1] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [("", "", 0), ("报警", "报警", 0), ("报警", "", 2), ("打架", "打假了", 2), ("", "喂", 1)],
)
def test_distance(said: str, heard: str, wrong: int) -> None:
    assert distance(said, heard) == wrong


def level(arm: Arm, streams: int, p95_s: float, cpu: float = 0.95) -> Level:
    return Level(
        arm=arm,
        streams=streams,
        p50_s=p95_s / 2,
        p95_s=p95_s,
        max_s=p95_s,
        cer=3.0,
        characters=100,
        final_p50_s=0.6,
        final_p95_s=0.7,
        final_in_time=0.97,
        words_in_place=0.9,
        unheard=0,
        gaps={},
        cpu=cpu,
        rss_mb=100.0,
        feeder_late_s=0.01,
        by_leg=[(1, 20), (0, 30)] * (streams // 2),
    )


@pytest.mark.parametrize(
    ("limit", "fine", "found"), [(57, 2, 57), (57, 8, 55), (58, 4, 57), (200, 2, 120), (3, 2, 3)]
)
async def test_the_search_finds_the_largest_in_time(limit: int, fine: int, found: int) -> None:
    search = Search()

    async def measure(streams: int) -> Level:
        return level("ours", streams, 0.1 if streams <= limit else 3.0)

    await search.run(measure, start=20, step=20, fine=fine, most=120)
    assert search.best == found


async def test_a_level_that_was_late_once_is_measured_again() -> None:
    waits = iter([3.0, 0.1, 3.0, 3.0])
    search = Search()

    async def measure(streams: int) -> Level:
        return level("ours", streams, next(waits), cpu=0.5)

    await search.run(measure, start=10, step=10, fine=10, most=100)
    assert search.best == 10


def test_the_report_compares_and_draws() -> None:
    found = {
        "plain": Search([level("plain", 20, 0.2), level("plain", 30, 9.0)]),
        "ours": Search([level("ours", 40, 0.1), level("ours", 60, 0.7)]),
    }
    told = as_json(found, "demo")
    assert told["streams_per_core"] == {"plain": 20, "ours": 40}
    assert (told["ratio"], told["aim"]["met"]) == (2.0, True)
    assert told["cer"] == {"plain": 2.0, "ours": 2.0}
    assert told["cer_equal"]
    root = ET.fromstring(picture(found))
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2


def memory(*mb: float) -> Memory:
    return Memory(warm_s=10.0, samples=[(at * 5.0, value) for at, value in enumerate(mb)])


def test_memory_is_judged_after_the_warm_up() -> None:
    assert memory(50, 90, 100, 104, 109).flat
    assert memory(50, 90, 100, 104, 109).drift == pytest.approx(0.09)
    assert not memory(100, 100, 100, 104, 111).flat
    assert not memory(100, 100, 100, 80).flat
    assert not memory(100).flat


def test_overload_wants_the_admitted_in_time_and_the_others_marked() -> None:
    def told(wait_s: float, refused: int, **gaps: int) -> bool:
        heard = Heard(waits_s=[wait_s] * 10, refused=set(range(refused)), gaps=dict(gaps))
        return bool(overload_json(heard, 10, 30, lived=True)["ok"])

    assert told(0.3, 20)
    assert not told(1.1, 20)
    assert not told(0.3, 19)
    assert not told(0.3, 30)
    assert not told(0.3, 20, behind=1)
