"""Which moments make which stage."""

import json
from pathlib import Path

import pytest

from gateway.lab.bench.decisions import JournalReader
from gateway.lab.bench.stages import STAGES, Decisions, Moments, stages
from gateway.lab.witness import Seen

TARGET = "Local/110@liandong-target-00000001;1"
FAR_END = "Local/110@liandong-target-00000001;2"


def seen(name: str, ms: float, **headers: str) -> Seen:
    """An event `ms` after the key; the witness itself came to it a second later."""
    return Seen(name, 1001.0 + ms / 1000, {"Timestamp": f"{1000 + ms / 1000:.6f}"} | headers)


def transfer() -> list[Seen]:
    return [
        seen("UserEvent", 2, UserEvent="LiandongKey"),
        seen("ConfbridgeJoin", 6, Channel="PJSIP/1001-00000002"),
        seen("Newchannel", 7, Channel=TARGET),
        seen("Newchannel", 7, Channel=FAR_END),
        seen("ConfbridgeJoin", 8, Channel="PJSIP/city-00000001"),
        seen("DialBegin", 10, Channel=FAR_END, DestChannel="PJSIP/2001-00000003"),
        seen("DialBegin", 11, Channel=FAR_END, DestChannel="PJSIP/2002-00000004"),
        seen("ConfbridgeJoin", 504, Channel=TARGET),
    ]


MOMENTS = Moments(key=1000.0, invite=1000.009, answer=1000.5)
DECIDED = Decisions(seen=1000.0025, move=1000.003, ring=1000.005)


def test_every_stage_of_a_transfer_by_the_gateway() -> None:
    ms = {name: round(value, 3) for name, value in stages(MOMENTS, transfer(), DECIDED).items()}
    assert ms == {
        "key_invite": 9.0,
        "key_event": 2.0,
        "event_seen": 0.5,
        "seen_move": 0.5,
        "move_ring": 2.0,
        "ring_channel": 2.0,
        "event_channel": 5.0,
        "channel_dial": 3.0,
        "dial_invite": -1.0,
        "event_joined": 6.0,
        "answer_joined": 4.0,
    }
    assert set(ms) <= set(STAGES)


def test_without_a_gateway_its_own_stages_are_absent() -> None:
    ms = stages(MOMENTS, transfer())
    assert {"event_seen", "seen_move", "move_ring", "ring_channel"}.isdisjoint(ms)
    assert {"key_invite", "event_channel", "answer_joined"} <= set(ms)


def test_the_parts_of_the_gateway_add_up() -> None:
    ms = stages(MOMENTS, transfer(), DECIDED)
    parts = ("event_seen", "seen_move", "move_ring", "ring_channel")
    assert sum(ms[part] for part in parts) == pytest.approx(ms["event_channel"])


def test_a_blind_transfer_knows_only_the_whole() -> None:
    assert set(stages(Moments(1000.0, 1000.003), [])) == {"key_invite"}


def test_both_in_the_room_means_both_and_not_the_target() -> None:
    alone = [one for one in transfer() if "city" not in one.get("Channel")]
    assert "event_joined" not in stages(MOMENTS, alone, DECIDED)


def test_an_event_without_a_stamp_counts_when_the_witness_saw_it() -> None:
    event = Seen("UserEvent", 1000.25, {"UserEvent": "LiandongKey"})
    assert stages(MOMENTS, [event])["key_event"] == pytest.approx(250.0)


def journal(folder: Path, *entries: dict[str, str], end: str = "\n") -> None:
    with (folder / "journal-20260302.jsonl").open("a") as file:
        file.write("\n".join(json.dumps(entry) for entry in entries) + end)


def at(second: int, **entry: str) -> dict[str, str]:
    return entry | {"at": f"1970-01-01T00:00:{second:02d}+00:00"}


def test_decisions_are_those_of_the_last_transfer_since_the_last_look(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path)
    assert reader.decisions() == Decisions()
    journal(tmp_path, at(1, kind="transfer.requested"), at(2, kind="intent", do="MoveToRoom"))
    assert reader.decisions() == Decisions(seen=1.0, move=2.0)
    journal(tmp_path, at(5, kind="transfer.requested"), at(6, kind="intent", do="RingTarget"))
    assert reader.decisions() == Decisions(seen=5.0, ring=6.0)
    assert reader.decisions() == Decisions()


def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path)
    journal(tmp_path, at(3, kind="transfer.requested"), end="")
    assert reader.decisions() == Decisions()
    journal(tmp_path)
    assert reader.decisions() == Decisions(seen=3.0)


def test_decisions_of_calls_at_a_time_are_told_apart_by_their_rooms(tmp_path: Path) -> None:
    journal(
        tmp_path,
        at(1, kind="transfer.requested", call_id="one"),
        at(2, kind="transfer.requested", call_id="two"),
        at(3, kind="intent", do="MoveToRoom", call_id="one"),
        at(4, kind="intent", do="MoveToRoom", call_id="two"),
        at(5, kind="intent", do="RingTarget", call_id="two", room="ld-2"),
        at(6, kind="intent", do="RingTarget", call_id="one", room="ld-1"),
        at(7, kind="transfer.requested", call_id="not rung yet"),
    )
    assert JournalReader(tmp_path).by_room() == {
        "ld-1": Decisions(seen=1.0, move=3.0, ring=6.0),
        "ld-2": Decisions(seen=2.0, move=4.0, ring=5.0),
    }
