"""The call matrix: every pair is played, and what was seen is judged as the rules say."""

import itertools
from dataclasses import replace

import pytest

from gateway.errors import ConfigError
from gateway.lab.matrix.__main__ import choose
from gateway.lab.matrix.acts import ACTS
from gateway.lab.matrix.expect import RULES, expected
from gateway.lab.matrix.judge import Seen, problems
from gateway.lab.matrix.pairs import pairs_of, pairwise
from gateway.lab.matrix.run import in_order, plan_of, town_key
from gateway.lab.matrix.show import as_json, last_line
from gateway.lab.matrix.table import VERBS, Row, every_row

ROWS = pairwise(every_row())
TRANSFER = Row("one switch", "12345->110", "answered", "transfer", "answered")
TALKING = Seen("completed", "", "CT", {"C": "T", "T": "C"}, rings=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_pair_that_can_be_is_in_some_row(seed: int) -> None:
    wanted = {pair for row in every_row() for pair in pairs_of(row)}
    rows = pairwise(every_row(), seed)
    assert {pair for row in rows for pair in pairs_of(row)} == wanted
    assert len(rows) <= 150
    assert set(rows) <= set(every_row())


def test_every_verb_is_played_with_every_outcome_it_can_have() -> None:
    played = {(row.verb, row.outcome) for row in ROWS}
    assert played == {(name, one) for name, verb in VERBS.items() for one in verb.outcomes}


def test_the_same_seed_is_the_same_table_another_one_is_not() -> None:
    assert ROWS == pairwise(every_row()) != pairwise(every_row(), 2)


def test_every_outcome_can_be_played_and_judged() -> None:
    outcomes = {outcome for verb in VERBS.values() for outcome in verb.outcomes}
    assert outcomes == set(ACTS) == set(RULES)
    assert all(expected(row).ends for row in every_row())


def test_rows_that_share_a_town_come_one_after_the_other() -> None:
    keys = [town_key(row) for row in in_order(ROWS)]
    changes = sum(one != other for one, other in itertools.pairwise(keys))
    assert changes + 1 == len(set(keys))


def test_only_two_switches_have_a_trunk_that_can_be_down() -> None:
    down = [row for row in every_row() if row.outcome == "trunk down"]
    assert {row.topology for row in down} == {"two switches"}
    assert all(plan_of(row).home == row.home for row in down)


def test_a_call_that_ended_as_it_must_holds() -> None:
    assert problems(TRANSFER, TALKING) == []


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Seen("completed", "", "CO", {"C": "O", "O": "C"}), "CO talk, not CT"),
        (Seen("completed", "", "", {}), "nobody talk, not CT"),
        (Seen("completed", "", "CT", {"C": "T", "T": ""}), "T does not hear C"),
        (Seen("completed", "", "CT", {"C": "OT", "T": "C"}), "C hears O"),
        (Seen("completed", "", "CT", {"C": "T", "T": "C"}, rings=2), "rung 2 times"),
        (Seen("returned_to_agent", "busy", "CO"), "returned_to_agent busy, not completed"),
        (Seen(), "transfer never, not completed"),
        (Seen("completed", "", "CT", {"C": "T", "T": "C"}, errors=["dropped: x"]), "dropped: x"),
    ],
)
def test_a_call_that_did_not_says_why(seen: Seen, why: str) -> None:
    assert any(why in one for one in problems(TRANSFER, seen))


def test_the_reason_must_be_the_right_one_but_a_dialplan_alone_does_not_tell() -> None:
    busy = Row("one switch", "12345->110", "at_once", "transfer", "busy 486")
    refer = Row("one switch", "12345->110", "at_once", "REFER", "busy 486")
    seen = Seen("returned_to_queue", "no_answer", "CN", {"C": "N", "N": "C"})
    assert problems(busy, seen)
    assert problems(refer, seen) == []


def test_a_race_may_end_either_way_with_the_caller_talking() -> None:
    row = Row("one switch", "12345->110", "talk", "transfer", "both press")
    assert problems(row, TALKING) == []
    assert problems(row, Seen("cancelled", "", "CO", {"C": "O", "O": "C"})) == []
    assert problems(row, Seen("cancelled", "", "", {}))


GONE = Row("one switch", "12345->110", "talk", "transfer", "caller leaves ringing")


def test_whoever_went_while_it_rang_is_called_back_and_nobody_else() -> None:
    assert problems(GONE, Seen("caller_gone", call_back=True)) == []
    assert problems(GONE, Seen("caller_gone")) == ["nobody is to call back"]
    needless = replace(TALKING, call_back=True)
    assert problems(TRANSFER, needless) == ["a call-back that nobody needs"]


def test_a_transfer_by_phone_alone_is_none_of_ours() -> None:
    row = Row("one switch", "12345->110", "talk", "attended REFER", "answered")
    assert problems(row, replace(TALKING, state="")) == []
    assert problems(row, TALKING)


CONSULT = Row("one switch", "12345->110", "talk", "consult", "answered")


@pytest.mark.parametrize(
    ("hears", "silent", "why"),
    [
        ({"O": "T", "T": "O"}, "", ""),
        ({"C": "O", "O": "T", "T": "O"}, "", "C hears O"),
        ({"O": "CT", "T": "O"}, "", "O hears C"),
        ({"O": "T", "T": "O"}, "C", "C hears nothing"),
    ],
)
def test_in_a_consultation_the_citizen_hears_music_and_no_voice(
    hears: dict[str, str], silent: str, why: str
) -> None:
    seen = Seen("consulting", "", "COT", hears, silent)
    assert problems(CONSULT, seen) == ([why] if why else [])


def test_the_last_line_counts_and_so_does_the_json() -> None:
    results = [(1, TRANSFER, TALKING), (2, TRANSFER, Seen())]
    assert last_line(results) == "1 rows hold, 1 do not"
    assert [one["holds"] for one in as_json(results)] == [True, False]


def test_rows_are_chosen_by_number_and_by_word() -> None:
    table = list(enumerate(in_order(ROWS), 1))
    assert [number for number, _row in choose(table, [], "3-5")] == [3, 4, 5]
    assert all("REFER" in str(row) for _number, row in choose(table, ["REFER"], ""))
    for words, rows in ((["nothing"], ""), ([], "x"), ([], "900")):
        with pytest.raises(ConfigError):
            choose(table, words, rows)
