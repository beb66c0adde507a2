"""Accuracy on the first labelled sentences (tests/data/dispatch_first.jsonl).

The sentences are the authors' own, so these figures flatter: `dev` guided the rules, `held` was
written at the same time and only counted, never looked into while rules were changed. A set
worded by others has to come before the figures mean more than "nothing broke".
"""

import json
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from dispatch_said import engine, suggest
from pypinyin import lazy_pinyin

from gateway.dispatch.cli_train import FLOORS as FLOORS_OF_EVAL
from gateway.dispatch.cli_train import below
from gateway.dispatch.corpus import lines, rows
from gateway.dispatch.evaluate import Share, run

DATA = Path(__file__).parents[1] / "data"
SETS = tuple(FLOORS_OF_EVAL)


def _read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


ROWS = _read("dispatch_first.jsonl")
FLOORS = {
    "dev": {"platform": 0.97, "class": 0.95, "urgency": 0.95},
    "held": {"platform": 0.93, "class": 0.90, "urgency": 0.92},
}


def test_the_set_covers_every_class_and_the_hard_pairs() -> None:
    items = Counter(row["item"] for row in ROWS)
    assert len(ROWS) >= 120
    assert {f"A{n}" for n in range(1, 10)} | {f"B{n}" for n in range(1, 9)} <= items.keys()
    assert min(items.values()) >= 4
    pairs = {row.get("pair") for row in ROWS}
    assert {"A1/B6", "A1/A6", "A7/B1", "A8/guide", "A4/A5", "past", "if", "neg", "quote"} <= pairs


@pytest.mark.parametrize("which", ["dev", "held"])
def test_accuracy(which: str) -> None:
    rows = [row for row in ROWS if row["set"] == which]
    right: Counter[str] = Counter()
    for row in rows:
        got = suggest(row["text"])
        right["platform"] += got is not None and got.platform == row["platform"]
        right["class"] += got is not None and (got.platform, got.item) == (
            row["platform"],
            row["item"],
        )
        right["urgency"] += (got.urgency if got else "normal") == row["urgency"]
    for measure, floor in FLOORS[which].items():
        print(f"{which}: {measure} {right[measure]}/{len(rows)}")
        assert right[measure] / len(rows) >= floor, f"{which} {measure} {right[measure]}"


def test_no_emergency_is_missed_and_few_normal_calls_are_raised() -> None:
    emergencies = [row for row in ROWS if row["urgency"] == "emergency"]
    normal = [row for row in ROWS if row["urgency"] == "normal"]
    missed = [row["text"] for row in emergencies if not _raised(row["text"])]
    raised = [row["text"] for row in normal if _raised(row["text"])]
    print(
        f"emergencies missed {len(missed)}/{len(emergencies)}, raised {len(raised)}/{len(normal)}"
    )
    assert not missed
    assert len(raised) <= 0.02 * len(normal)


def test_danger_told_in_a_roundabout_way() -> None:
    """75 emergencies without the obvious word and 60 ordinary calls with alarming ones.

    On first contact the rules then in force raised 15 of 40 (batch 1) and, widened after it, 18
    of 35 (batch 2), with no false alarm: expect about half of such wordings to be missed. The
    floor below only guards what was learnt from the two batches.
    """
    probe = _read("dispatch_danger_probe.jsonl")
    danger = [row["text"] for row in probe if row["emergency"]]
    ordinary = [row["text"] for row in probe if not row["emergency"]]
    found, false = sum(map(_raised, danger)), sum(map(_raised, ordinary))
    print(f"roundabout: raised {found}/{len(danger)}, false {false}/{len(ordinary)}")
    assert found / len(danger) >= 0.95
    assert false <= 1


def test_one_homophone_in_ten_characters_costs_little() -> None:
    """Recognition's typical error, simulated: a character replaced by one that sounds like it."""
    chance = random.Random(2022)
    alike: dict[str, list[str]] = defaultdict(list)
    level_one = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    for char in b"".join(level_one).decode("gb2312", "ignore"):
        alike[lazy_pinyin(char)[0]].append(char)

    def misheard(text: str) -> str:
        return "".join(
            chance.choice(alike.get(lazy_pinyin(char)[0], [char]))
            if chance.random() < 0.1
            else char
            for char in text
        )

    heard = [(row, suggest(misheard(row["text"]))) for row in ROWS]
    platform = sum(got is not None and got.platform == row["platform"] for row, got in heard)
    urgent = [got for row, got in heard if row["urgency"] == "emergency"]
    kept = sum(got is not None and got.urgency == "emergency" for got in urgent)
    print(f"misheard: platform {platform}/{len(ROWS)}, emergencies {kept}/{len(urgent)}")
    assert platform / len(ROWS) >= 0.93
    assert kept / len(urgent) >= 0.95


@pytest.mark.parametrize("folder", sorted(FLOORS_OF_EVAL))
def test_what_was_reached_stays_reached(folder: str) -> None:
    """Floors of `make dispatch-eval`; the honest figures are in the folder's README."""
    shares = run(engine(), rows(DATA / "dispatch_eval" / folder)).shares
    for name, share in shares.items():
        print(f"{folder}: {name} {share}")
    assert not [name for name, share in shares.items() if below(folder, name, share.value)]


def test_the_sets_are_large_and_cover_every_class() -> None:
    held = [row for d in SETS for row in rows(DATA / "dispatch_eval" / d)]
    assert len(held) >= 600
    assert len({row.id + row.source for row in held}) == len(held)
    assert not {row.text for row in held} & {line.text for line in lines()}
    assert {f"A{n}" for n in range(1, 10)} | {f"B{n}" for n in range(1, 9)} <= {
        row.item for row in held if row.item
    }


def test_wilson_interval_against_a_published_example() -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662."""
    low, high = Share(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def _raised(text: str) -> bool:
    proposal = suggest(text)
    return proposal is not None and proposal.urgency == "emergency"
