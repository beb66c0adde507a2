"""Text as recognition would have heard it, to learn from."""

import random
from functools import cache

from gateway.dispatch import corpus, sound
from gateway.dispatch.mishear import Mishearing

CLAUSES = ["楼下有人打架", "手里拿着刀", "快点派人过来", "在人民路口"]
TIMES = 400


@cache
def ear() -> Mishearing:
    """Made where a test runs: its dictionary takes a second to load."""
    return Mishearing(line.text for line in corpus.lines())


def heard() -> list[list[str]]:
    chance = random.Random(5)
    return [ear().hear(CLAUSES, chance) for _ in range(TIMES)]


def test_the_same_is_heard_with_the_same_chance() -> None:
    assert heard() == heard()


def test_most_pauses_are_lost() -> None:
    pauses = sum(len(one) - 1 for one in heard())
    assert 0.1 < pauses / TIMES / (len(CLAUSES) - 1) < 0.3


def test_most_characters_are_heard_and_what_is_not_often_sounds_alike() -> None:
    said = "".join(CLAUSES)
    whole = [one for one in map("".join, heard()) if len(one) == len(said)]
    assert 0.1 < sum(one == said for one in whole) / TIMES < 0.5
    wrong = [(a, b) for one in whole for a, b in zip(said, one, strict=True) if a != b]
    assert 0.04 < len(wrong) / len(whole) / len(said) < 0.15
    alike = sum(sound.heard(a) == sound.heard(b) for a, b in wrong)
    assert 0.3 < alike / len(wrong) < 0.7


def test_a_caller_is_never_made_silent() -> None:
    chance = random.Random(5)
    assert all(ear().hear(["刀"], chance) for _ in range(TIMES))


def test_what_has_no_sound_is_left_as_it_is() -> None:
    alone = Mishearing(["刀"])
    chance = random.Random(5)
    assert {"".join(alone.hear(["A1234", "X"], chance)) for _ in range(50)} <= {"A1234X", "A1234"}
