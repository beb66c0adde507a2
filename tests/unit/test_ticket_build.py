"""From a call's read model to its ticket."""

import uuid
from datetime import timedelta

import pytest

from gateway.calls.facts import GapMarked
from gateway.settings import Settings
from gateway.tickets.build import build, digest, ticket_id
from gateway.tickets.masked import masked
from gateway.tickets.sample import CENTRES, START, SampleCall, fold, sample_ticket


def given_ticket(facts, phase="final", revision=1, at=START):
    settings = Settings(centres=CENTRES)
    view = fold(SampleCall().call_id, facts)
    return build(view, settings, phase=phase, revision=revision, created_at=at, updated_at=at)


def test_ticket_id_is_a_uuid7_of_the_calls_start():
    call = fold(SampleCall().call_id, SampleCall().started())
    made = uuid.UUID(ticket_id(call))
    assert made.version == 7
    assert made.int >> 80 == START.timestamp() * 1000


def test_ticket_id_is_the_same_when_the_call_is_told_again():
    one, two = (ticket_id(fold(SampleCall().call_id, SampleCall().started())) for _ in range(2))
    other = SampleCall("another-call")
    assert one == two != ticket_id(fold(other.call_id, other.started()))


def test_preliminary_says_what_is_known_while_the_target_rings():
    call = SampleCall()
    ticket = given_ticket([*call.started(), *call.rings()], phase="preliminary")
    assert ticket.phase == "preliminary"
    assert ticket.updated_by.agent == "1001"
    assert ticket.call.ended_at is None
    assert ticket.transfers[0].state == "ringing"
    assert ticket.transfers[0].target_leg == call.target
    assert ticket.suggestion.evidence[0].text == "路灯快掉下来"
    assert ticket.recording.unbroken is None
    assert not ticket.transcript.complete


def test_final_says_how_it_went():
    ticket = sample_ticket()
    assert ticket.message_status == "Test"
    assert ticket.call.centre_name == "政务服务便民热线"
    assert ticket.call.duration_ms == 60_000
    assert ticket.call.end_reason == "caller_hung_up"
    assert [step.state for step in ticket.transfers[0].steps] == [
        "requested", "ringing", "three_way", "released", "completed",
    ]  # fmt: skip
    assert [(leg.role, leg.centre, leg.ended_by) for leg in ticket.legs] == [
        ("caller", None, "party"), ("agent", "12345", "party"), ("agent", "110", "gateway"),
    ]  # fmt: skip
    assert ticket.transcript.complete
    assert ticket.transcript.utterances[0].role == "caller"


def test_gap_makes_the_transcript_incomplete():
    call = SampleCall()
    gap = GapMarked(
        call_id=call.call_id, leg_id=call.caller, start_ms=1, end_ms=9, why="no_capacity"
    )
    told = [*call.started(), *call.rings(), *call.answers(), *call.ends(), *call.closed()]
    assert given_ticket(told).transcript.complete
    ticket = given_ticket([*told, gap])
    assert not ticket.transcript.complete
    assert ticket.transcript.gaps[0].why == "no_capacity"


def test_words_of_a_leg_nobody_told_of_are_kept():
    call = SampleCall()
    stray = call.said("u9", "unknown-leg", 20, "喂")
    [utterance] = given_ticket([stray]).transcript.utterances
    assert (utterance.text, utterance.role) == ("喂", None)


def test_digest_is_of_what_is_said_not_of_when():
    call = SampleCall()
    told = [*call.started(), *call.ends()]
    first = given_ticket(told)
    again = given_ticket(told, revision=2, at=START + timedelta(hours=1))
    more = given_ticket([*told, call.decided()], revision=2)
    assert digest(first) == digest(again) != digest(more)


@pytest.mark.parametrize("name", ["caller", "call"])
def test_masked_ticket_shows_no_number(name):
    document = sample_ticket().model_dump(mode="json")
    document["transcript"]["utterances"][0]["text"] = "打我手机13812341234"
    shown = masked(document)
    assert "13812341234" not in str(shown)
    assert "138****1234" in str(shown[name])
    assert shown["ticket_id"] == document["ticket_id"]
    assert shown["call"]["called_number"] == "12345"
