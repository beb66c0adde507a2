"""The leg log from what the machine writes down: who waited, talked, was held, and how long."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from gateway.calls import events as e
from gateway.calls import facts as f
from gateway.calls.facts import FailureReason, LegRole, TransferKind, TransferState
from gateway.calls.leg_log import KINDS, leg_log
from gateway.calls.leg_record import CallLog, LegRecord
from gateway.calls.scripts import LinkedCall

from .given import (
    CALL,
    CALLER,
    CALLER_LEG,
    OFFICER,
    OPERATOR,
    OPERATOR_LEG,
    SECOND_OPERATOR,
    START,
    TARGET,
    WANG,
    ZHANG,
    Scene,
    given_call_waiting,
    rules,
)

SECOND_LEG = f"{CALL}.agent.3"
S = 1000


def given_talking_after(wait_s: float, talk_s: float) -> Scene:
    """The citizen waits, Zhang answers, they talk."""
    scene = given_call_waiting()
    scene.wait(wait_s)
    scene.on(e.AgentConnected, channel="PJSIP/1001-00000002", unique_id=OPERATOR, party=ZHANG)
    scene.wait(talk_s)
    return scene


def given_ringing_after(wait_s: float, talk_s: float, ask: e.Ask = e.Ask.TRANSFER) -> Scene:
    """Then Zhang asks 110 in; both are in the room, 110's phones ring one second later."""
    scene = given_talking_after(wait_s, talk_s)
    scene.asks(ask, OPERATOR)
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    scene.wait(1)
    scene.rings(TARGET)
    return scene


def log(scene: Scene) -> CallLog:
    found = leg_log(scene.facts)
    assert found is not None
    return found


def legs(scene: Scene) -> dict[str, LegRecord]:
    return {leg.id: leg for leg in log(scene).legs}


def spent(leg: LegRecord) -> tuple[int, int, int, int]:
    """Seconds in a queue again, talk, conference, hold."""
    return leg.rewait_ms // S, leg.talk_ms // S, leg.conference_ms // S, leg.hold_ms // S


def test_plain_call() -> None:
    scene = given_talking_after(7, 60)
    scene.hangs_up(CALLER)
    scene.ended(OPERATOR)
    call, of = log(scene).call, legs(scene)
    assert (call.outcome, call.centre, call.wait_ms, call.talk_ms) == (
        "answered", "12345", 7 * S, 60 * S,
    )  # fmt: skip
    assert (call.returned, call.gave_up, call.estimated) == (0, False, False)
    assert spent(of[OPERATOR_LEG]) == (0, 60, 0, 0)
    assert (of[OPERATOR_LEG].agent, of[OPERATOR_LEG].centre) == ("a1001", "12345")
    assert (of[CALLER_LEG].how, of[OPERATOR_LEG].how) == ("party", "switch")
    assert (of[OPERATOR_LEG].wait_ms, of[OPERATOR_LEG].ring_ms) == (None, None)


@pytest.mark.parametrize("wait_s", [3, 40])
def test_abandoned(wait_s: int) -> None:
    scene = given_call_waiting()
    scene.wait(wait_s)
    scene.hangs_up(CALLER)
    call = log(scene).call
    assert (call.outcome, call.answered_at, call.wait_ms) == ("abandoned", None, wait_s * S)


def test_a_caller_whom_the_switch_ends_in_the_queue_is_lost() -> None:
    scene = given_call_waiting()
    scene.wait(20)
    scene.ended(CALLER)
    assert log(scene).call.outcome == "lost"


def test_a_turn_through_the_queue_before_any_answer_is_no_return() -> None:
    scene = given_call_waiting()
    scene.wait(300)
    scene.on(e.CallerRequeued)
    scene.wait(20)
    scene.on(e.AgentConnected, channel="PJSIP/1001-2", unique_id=OPERATOR, party=ZHANG)
    scene.hangs_up(CALLER)
    caller = legs(scene)[CALLER_LEG]
    assert (caller.wait_ms, caller.returns, caller.rewait_ms) == (320 * S, 0, 0)


def test_operator_who_hangs_up_has_ended_the_call() -> None:
    scene = given_talking_after(5, 30)
    scene.hangs_up(OPERATOR)
    scene.wait(1)
    scene.ended(CALLER)
    assert log(scene).call.outcome == "answered"


def test_hang_ups_may_be_told_in_either_order() -> None:
    scene = given_talking_after(5, 30)
    scene.on(e.HangupRequested, unique_id=OPERATOR)
    scene.on(e.ChannelEnded, unique_id=CALLER, cause=16)
    scene.on(e.ChannelEnded, unique_id=OPERATOR, cause=16)
    assert (log(scene).call.end_reason, log(scene).call.outcome) == ("switch", "answered")


def test_the_switch_ends_the_caller_in_mid_talk() -> None:
    scene = given_talking_after(5, 30)
    scene.ended(CALLER)
    scene.ended(OPERATOR)
    assert log(scene).call.outcome == "lost"


def test_transfer_answered() -> None:
    scene = given_ringing_after(5, 60)
    scene.wait(9)
    scene.answers()
    scene.joined(TARGET)
    scene.ended(OPERATOR)
    scene.wait(120)
    scene.hangs_up(OFFICER)
    scene.left(CALLER)
    scene.ended(CALLER)
    call, of = log(scene).call, legs(scene)
    assert call.outcome == "answered"
    assert spent(of[CALLER_LEG]) == (0, 60, 130, 0)
    assert spent(of[OPERATOR_LEG]) == (0, 60, 10, 0)
    target = of[TARGET]
    assert (target.role, target.centre, target.agent) == ("target", "110", "a2001")
    assert target.transfer_id == "t1"
    assert (target.wait_ms, target.ring_ms) == (10 * S, 9 * S)
    assert spent(target) == (0, 0, 120, 0)
    assert (of[OPERATOR_LEG].how, target.how) == ("gateway", "party")


def test_target_does_not_answer_and_the_call_comes_back() -> None:
    scene = given_ringing_after(5, 60)
    scene.wait(40)
    scene.wait(10)
    scene.hangs_up(CALLER)
    scene.ended(OPERATOR)
    call, of = log(scene).call, legs(scene)
    assert call.returned == 1
    in_vain = of["t1#0"]
    assert (in_vain.role, in_vain.how, in_vain.answered_at) == ("target", "no_answer", None)
    assert (in_vain.wait_ms, in_vain.ring_ms) == (33 * S, 32 * S)
    assert (in_vain.centre, in_vain.agent, in_vain.talk_ms) == ("110", "", 0)
    assert spent(of[OPERATOR_LEG]) == (0, 60, 51, 0)


def test_each_place_of_a_hunt_list_has_its_own_record() -> None:
    scene = Scene(rules(hunt=("agent",)))
    scene.on(
        e.CallArrived, room="ld-1", channel="c", unique_id=CALLER, caller_number="1",
        called_number="12345", centre="12345",
    )  # fmt: skip
    scene.wait(1)
    scene.on(e.AgentConnected, channel="a", unique_id=OPERATOR, party=ZHANG)
    scene.asks(e.Ask.TRANSFER, OPERATOR)
    scene.joined(CALLER)
    scene.joined(OPERATOR)
    scene.rings(TARGET)
    scene.on(e.TargetRefused, leg_id=TARGET, reason=FailureReason.BUSY)
    scene.wait(2)
    scene.ended(TARGET)
    second = f"{CALL}.target.3"
    scene.wait(4)
    scene.answers(second)
    scene.joined(second)
    scene.hangs_up(CALLER)
    of = legs(scene)
    assert (of["t1#0"].how, of["t1#0"].wait_ms) == ("busy", 2 * S)
    assert (of[second].transfer_id, of[second].wait_ms) == ("t1", 4 * S)


def test_operator_leaves_while_it_rings_and_the_held_caller_gets_the_target() -> None:
    scene = given_ringing_after(5, 60)
    scene.wait(4)
    scene.hangs_up(OPERATOR)
    scene.left(CALLER)
    scene.on(e.CallerHeld)
    scene.wait(12)
    scene.answers()
    scene.joined(TARGET)
    scene.wait(2)
    scene.joined(CALLER)
    scene.wait(30)
    scene.hangs_up(CALLER)
    scene.ended(OFFICER)
    of = legs(scene)
    assert spent(of[CALLER_LEG]) == (0, 60, 35, 14)
    assert spent(of[TARGET]) == (0, 0, 30, 2)
    assert (of[CALLER_LEG].returns, log(scene).call.outcome) == (0, "answered")


def given_requeued() -> Scene:
    """The operator left, nobody answered: back to the queue, where they wait 20 s so far."""
    scene = given_ringing_after(5, 60)
    scene.hangs_up(OPERATOR)
    scene.left(CALLER)
    scene.on(e.CallerHeld)
    scene.wait(32)
    scene.on(e.CallerRequeued)
    scene.wait(20)
    return scene


def test_requeued_and_answered_by_another() -> None:
    scene = given_requeued()
    scene.on(e.AgentConnected, channel="PJSIP/1002-3", unique_id=SECOND_OPERATOR, party=WANG)
    scene.wait(25)
    scene.hangs_up(CALLER)
    scene.ended(SECOND_OPERATOR)
    call, of = log(scene).call, legs(scene)
    caller = of[CALLER_LEG]
    assert (caller.wait_ms, caller.returns) == (5 * S, 1)
    assert spent(caller) == (20, 85, 1, 32)
    assert (call.returned, call.outcome, call.gave_up) == (1, "answered", False)
    assert spent(of[SECOND_LEG]) == (0, 25, 0, 0)


def test_who_hangs_up_in_the_queue_again_gave_up() -> None:
    scene = given_requeued()
    scene.hangs_up(CALLER)
    call = log(scene).call
    assert (call.outcome, call.gave_up, call.rewait_ms) == ("answered", True, 20 * S)


def test_whom_the_switch_ends_in_the_queue_again_is_lost() -> None:
    scene = given_requeued()
    scene.ended(CALLER)
    assert (log(scene).call.outcome, log(scene).call.end_reason) == ("lost", "last_agent_left")


def test_three_way() -> None:
    scene = given_ringing_after(5, 60, ask=e.Ask.THREE_WAY)
    scene.wait(9)
    scene.answers()
    scene.joined(TARGET)
    scene.wait(100)
    scene.hangs_up(OPERATOR)
    scene.wait(50)
    scene.hangs_up(CALLER)
    scene.hangs_up(OFFICER)
    of = legs(scene)
    assert spent(of[CALLER_LEG]) == (0, 60, 160, 0)
    assert spent(of[OPERATOR_LEG]) == (0, 60, 110, 0)
    assert spent(of[TARGET]) == (0, 0, 150, 0)


def test_a_consultation_is_hold_for_the_caller_and_talk_for_the_others() -> None:
    scene = given_talking_after(5, 60)
    scene.asks(e.Ask.CONSULT, OPERATOR)
    scene.on(e.CallerOnHold)
    scene.joined(OPERATOR, aside=True)
    scene.wait(9)
    scene.answers()
    scene.joined(TARGET, aside=True)
    scene.wait(20)
    scene.asks(e.Ask.JOIN, OPERATOR)
    for leg in (OPERATOR, CALLER, TARGET):
        scene.joined(leg)
    scene.wait(30)
    scene.hangs_up(CALLER)
    scene.hangs_up(OFFICER)
    scene.ended(OPERATOR)
    of = legs(scene)
    assert spent(of[CALLER_LEG]) == (0, 60, 30, 29)
    assert spent(of[OPERATOR_LEG]) == (0, 60, 50, 9)
    assert spent(of[TARGET]) == (0, 0, 50, 0)


def test_caller_gone_while_it_rings() -> None:
    scene = given_ringing_after(5, 60)
    scene.wait(8)
    scene.hangs_up(CALLER)
    of = legs(scene)
    assert (of["t1#0"].how, of["t1#0"].ring_ms) == ("caller_gone", 8 * S)


@pytest.mark.parametrize("stage", ["queue", "talk"])
def test_a_call_that_goes_on_has_no_log(stage: str) -> None:
    scene = given_call_waiting() if stage == "queue" else given_talking_after(5, 5)
    assert leg_log(scene.facts) is None


def test_two_midnights() -> None:
    day_s = 24 * 3600
    scene = given_talking_after(60, day_s)
    scene.wait(day_s)
    scene.hangs_up(CALLER)
    scene.ended(OPERATOR)
    call = log(scene).call
    assert (call.started_at, call.talk_ms) == (START, 2 * day_s * S)


# --- facts missing ----------------------------------------------------------------------------


def without(scene: Scene, gone: Callable[[f.Fact], bool]) -> CallLog:
    found = leg_log([fact for fact in scene.facts if not gone(fact)])
    assert found is not None
    return found


def given_restarted_call() -> Scene:
    scene = given_requeued()
    scene.on(e.AgentConnected, channel="PJSIP/1002-3", unique_id=SECOND_OPERATOR, party=WANG)
    scene.wait(25)
    scene.hangs_up(CALLER)
    scene.ended(SECOND_OPERATOR)
    return scene


def test_without_the_new_facts_the_transfer_tells_of_the_queue() -> None:
    new = {"leg.left_room", "caller.held", "caller.requeued"}
    found = without(given_restarted_call(), lambda fact: fact.kind in new)
    caller = found.legs[0]
    assert (caller.returns, caller.rewait_ms, found.call.estimated) == (1, 20 * S, False)


def test_return_that_nobody_saw_is_estimated() -> None:
    unseen = {"leg.left_room", "caller.held", "caller.requeued", "transfer.changed"}
    found = without(given_restarted_call(), lambda fact: fact.kind in unseen)
    assert (found.call.estimated, found.call.talk_ms) == (True, 85 * S)


def test_legs_whose_end_nobody_saw_end_with_the_call() -> None:
    found = without(given_restarted_call(), lambda fact: fact.kind == "leg.ended")
    assert found.call.estimated
    assert {leg.ended_at for leg in found.legs if leg.role != "target"} == {found.call.ended_at}


def test_call_whose_beginning_nobody_saw() -> None:
    lost = {"call.started", "leg.added"}
    found = without(given_restarted_call(), lambda fact: fact.kind in lost)
    assert (found.call.estimated, found.call.centre) == (True, "")


def test_clock_set_back_is_estimated_and_no_time_is_negative() -> None:
    scene = given_talking_after(5, 30)
    scene.at -= timedelta(hours=1)
    scene.hangs_up(CALLER)
    call = log(scene).call
    assert (call.estimated, call.talk_ms) == (True, 0)


def test_script_of_the_page_gives_a_log() -> None:
    script = LinkedCall("c1")
    found = leg_log([*script.three_way(), *script.ended()])
    assert found is not None
    assert [(leg.role, leg.agent) for leg in found.legs] == [
        ("caller", ""), ("agent", "1001"), ("target", "2001"),
    ]  # fmt: skip
    assert found.call.conference_ms == 55 * S


# --- any facts in any order -------------------------------------------------------------------

LEGS = [f"{CALL}.caller.0", f"{CALL}.agent.1", f"{CALL}.agent.2", f"{CALL}.target.3"]


@st.composite
def any_facts(draw: st.DrawFn) -> list[f.Fact]:
    """Facts that may contradict each other, then the end of the call."""
    at, facts = START, []
    for _ in range(draw(st.integers(0, 25))):
        at += timedelta(seconds=draw(st.integers(-2, 30)))
        head = {"call_id": CALL, "at": at}
        leg = draw(st.sampled_from(LEGS))
        transfer = {"transfer_id": draw(st.sampled_from(["t1", "t2"]))}
        role = LegRole.CALLER if ".caller." in leg else LegRole.AGENT
        state = draw(st.sampled_from(list(TransferState)))
        facts.append(
            draw(
                st.sampled_from(
                    [
                        f.LegAdded(
                            **head, leg_id=leg, role=role, channel="c", unique_id="1", agent="a"
                        ),
                        f.LegAnswered(**head, leg_id=leg),
                        f.LegJoinedRoom(**head, leg_id=leg),
                        f.LegLeftRoom(**head, leg_id=leg),
                        f.LegEnded(**head, leg_id=leg, ended_by="party"),
                        f.CallerHeld(**head),
                        f.CallerRequeued(**head),
                        f.TransferRequested(
                            **head, **transfer, transfer_kind=TransferKind.ONE_KEY,
                            source="12345", target="110", transferor_leg=LEGS[1],
                        ),
                        f.TransferChanged(**head, **transfer, state=state, target_leg=leg),
                    ]
                )
            )
        )  # fmt: skip
    return [*facts, f.CallEnded(call_id=CALL, at=at, reason="switch")]


@settings(deadline=None)
@hypothesis_given(any_facts())
def test_whatever_was_told_times_add_up_and_telling_again_changes_nothing(
    facts: list[f.Fact],
) -> None:
    found = leg_log(facts)
    assert found is not None
    assert leg_log([*facts, *facts]) == found
    assert leg_log([fact for fact in facts if fact.kind in KINDS]) == found
    for leg in found.legs:
        parts = [leg.rewait_ms, leg.talk_ms, leg.conference_ms, leg.hold_ms]
        assert min(parts) >= 0
        life = round((leg.ended_at - leg.started_at).total_seconds() * S)
        assert life >= 0
        assert sum(parts) <= life
        if not leg.estimated:
            assert sum(parts) + (leg.wait_ms or 0) == life


def test_an_answer_found_late_is_marked_as_estimated() -> None:
    scene = given_call_waiting()
    scene.wait(5)
    scene.on(e.AgentConnected, channel="PJSIP/1001-1", unique_id=OPERATOR, party=ZHANG, late=True)
    scene.hangs_up(CALLER)
    scene.ended(OPERATOR)
    assert log(scene).call.estimated


def test_a_phones_own_hold_is_hold_for_both_and_told_once() -> None:
    scene = given_talking_after(5, 10)
    for on, seconds in ((True, 4), (True, 2), (False, 3)):
        scene.on(e.Held, unique_id=OPERATOR, on=on)
        scene.wait(seconds)
    scene.hangs_up(CALLER)
    scene.ended(OPERATOR)
    assert [fact.on for fact in scene.facts if isinstance(fact, f.LegHeld)] == [True, False]
    caller, agent = log(scene).legs
    assert (agent.talk_ms, agent.hold_ms) == (13 * S, 6 * S)
    assert (caller.talk_ms, caller.hold_ms) == (13 * S, 6 * S)


def test_who_is_left_with_one_on_hold_waits_and_others_confer_on() -> None:
    scene = given_ringing_after(5, 10, e.Ask.THREE_WAY)
    scene.answers()
    scene.joined(TARGET)
    scene.on(e.Held, unique_id=OFFICER, on=True)
    scene.wait(7)
    scene.hangs_up(OPERATOR)
    scene.wait(2)
    scene.hangs_up(CALLER)
    scene.ended(OFFICER)
    legs = {leg.role: leg for leg in log(scene).legs}
    assert legs["target"].hold_ms == 9 * S
    assert (legs["caller"].conference_ms, legs["caller"].hold_ms) == (8 * S, 2 * S)
    assert (legs["agent"].conference_ms, legs["agent"].hold_ms) == (8 * S, 0)
