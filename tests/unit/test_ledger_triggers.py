"""When the final ticket is due, in virtual time."""

from gateway.calls.facts import TicketDelivered
from gateway.calls.view import CallView
from gateway.ledger.triggers import DEBOUNCE_S, SPEECH_WAIT_S, Triggers, rings
from gateway.tickets.sample import SampleCall

CALL = SampleCall("call-1")


class Clocked:
    """Triggers told facts at chosen times."""

    def __init__(self):
        self.view, self.triggers = CallView(id=CALL.call_id), Triggers()

    def told(self, facts, at):
        for fact in facts:
            self.view.apply(fact)
            self.triggers.see(fact, self.view, at)
        return self


def given_ended(at=100.0):
    live = [*CALL.started(), *CALL.rings(), *CALL.answers()]
    return Clocked().told(live, 0).told(CALL.ends(), at)


def test_nothing_is_due_while_the_call_lives():
    live = Clocked().told([*CALL.started(), *CALL.rings(), *CALL.answers()], 0)
    assert live.triggers.next_at() is None


def test_final_waits_for_the_last_words():
    call = given_ended(at=100)
    assert call.triggers.take(100) == []
    assert call.triggers.next_at() == 100 + SPEECH_WAIT_S
    assert call.triggers.take(100 + SPEECH_WAIT_S) == [call.view]
    assert call.triggers.next_at() is None


def test_final_is_due_when_every_leg_is_heard():
    call = given_ended(at=100).told(CALL.closed()[:2], 100.1)
    assert call.triggers.take(100.1) == []
    call.told(CALL.closed()[2:], 100.2)
    assert call.triggers.take(100.2) == [call.view]


def test_call_nobody_answered_waits_for_nobody():
    [started, *_] = CALL.started()
    call = Clocked().told([started, CALL.ends()[-1]], 5)
    assert call.triggers.take(5) == [call.view]


def test_late_facts_are_gathered():
    call = given_ended(at=100).told(CALL.closed(), 100)
    call.triggers.take(100)
    call.told([CALL.said("u8", CALL.caller, 50, "喂")], 110).told([CALL.decided()], 110.5)
    assert call.triggers.take(110.9) == []
    assert call.triggers.take(110 + DEBOUNCE_S) == [call.view]


def test_news_of_the_ticket_itself_asks_for_no_revision():
    call = given_ended(at=100).told(CALL.closed(), 100)
    call.triggers.take(100)
    told = TicketDelivered(call_id=CALL.call_id, ticket_id="t", revision=1, attempts=1)
    call.told([told, *CALL.closed()], 101)
    assert call.triggers.next_at() is None


def test_only_ringing_rings():
    assert [rings(fact) for fact in CALL.rings()] == [False, True]
    assert not any(rings(fact) for fact in CALL.answers())
