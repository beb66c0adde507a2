"""The pure machine under every interleaving Hypothesis can think of, in virtual time.

*Alone without audio* means here: the caller's leg is alive and in none of the five places where
somebody or something is heard: with an agent (in the queue's bridge or in the room), in the room
while a target's leg is in it, held by the dialplan (which plays ringing and lets nobody wait past
the ring time), on hold while an operator consults (music; the dialplan fetches back an operator
whom nobody talks to), or in a queue (which plays music). A caller in the room with nobody is such
a one.
"""

import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.calls import commands as c
from gateway.calls import events as e
from gateway.calls.facts import FailureReason, TransferKind
from gateway.calls.state import Rules

from .given import (
    CALL,
    CALLER,
    LI,
    OFFICER,
    OPERATOR,
    SECOND_OPERATOR,
    WANG,
    ZHANG,
    Scene,
    given_call_waiting,
    given_consulting,
    given_moving,
    given_ringing_consult,
    given_ringing_transfer,
    given_talking,
    given_three_way,
    rules,
)
from .invariants import Watch
from .switch_model import LOOK_S, Place, Switch

CHANNELS = (
    CALLER,
    OPERATOR,
    SECOND_OPERATOR,
    OFFICER,
    "7.7",
    f"{CALL}.target.2",
    f"{CALL}.target.3",
)
LEGS = tuple(f"{CALL}.target.{number}" for number in range(2, 6))
FIRE = Rules("talk", 0.0, 30.0, "device", designate_at=0)
LINKS = [
    rules(),
    rules(brief_s=5),
    rules(release="talk"),
    rules(answered_by="device"),
    rules(answered_by="sign"),
    rules(release="at_once", answered_by="sign"),
    rules(hunt=("device", "agent")),
    rules(answered_by="device", hunt=("device",)),
    rules(release="talk", hunt=("agent",)),
    rules(release="at_once", hunt=("agent",)),
    rules(release="talk") | {(one, "119"): FIRE for one in ("12345", "110")},
    rules(brief_s=5) | {(one, "119"): FIRE for one in ("12345", "110")},
    {between: replace(link, designate_at=2) for between, link in rules().items()},
    {between: replace(link, designate_at=2) for between, link in rules("talk").items()},
]
links = st.sampled_from(LINKS)
EXPLORE = int(os.environ.get("LIANDONG_EXPLORE", "0"))
"""So many random examples; 0: the same few hundred every time."""


# --- any words in any order ------------------------------------------------------------------

# Those on the call come up more often than those that are not.
channel = st.sampled_from((*CHANNELS[:2], *CHANNELS, *[LEGS[0]] * 2))
leg = st.sampled_from((*[LEGS[0]] * 3, *LEGS))
party, reason = st.sampled_from([ZHANG, WANG, LI]), st.sampled_from(FailureReason)
COMMANDS = ("MoveToRoom", "MoveAside", "RingTarget", "HangUp", "FetchCaller", "RequeueCaller")
words: st.SearchStrategy[tuple[type[e.Event], dict[str, Any]]] = st.one_of(
    *(
        st.tuples(st.just(kind), st.fixed_dictionaries(fields))
        for kind, fields in (
            (
                e.AgentConnected,
                {"channel": st.just("PJSIP/1001-1"), "unique_id": channel, "party": party},
            ),
            (
                e.RoomJoined,
                {
                    "unique_id": channel,
                    "channel": st.just("PJSIP/1001-1"),
                    "aside": st.booleans(),
                },
            ),
            (e.RoomLeft, {"unique_id": channel, "aside": st.booleans()}),
            (e.HangupRequested, {"unique_id": channel}),
            (e.ChannelEnded, {"unique_id": channel, "cause": st.just(16)}),
            (e.TargetTried, {"leg_id": leg}),
            (e.TargetRinging, {"leg_id": leg}),
            (e.TargetRefused, {"leg_id": leg, "reason": reason}),
            (
                e.TargetAnswered,
                {
                    "leg_id": leg,
                    "channel": st.just("PJSIP/2001-1"),
                    "unique_id": channel,
                    "party": party,
                    "by_agent": st.booleans(),
                    "by_sign": st.booleans(),
                },
            ),
            (e.TargetFailed, {"leg_id": leg}),
            (e.DangerMarked, {"danger": st.booleans()}),
            (e.OwnerDesignated, {"centre": st.sampled_from(["110", "12345"]), "by": st.just("b")}),
            (e.OwnerSettled, {"centre": st.sampled_from(["110", ""]), "by": st.just("a1001")}),
            (e.CallerHeld, {}),
            (e.CallerOnHold, {}),
            (e.CallerRequeued, {}),
            (
                e.Asked,
                {
                    "ask": st.sampled_from(e.Ask),
                    "ref": st.just(""),
                    "target": st.sampled_from(["110", "12345", "119", ""]),
                    "unique_id": st.sampled_from(["", *CHANNELS]),
                    "native": st.booleans(),
                },
            ),
            (
                e.CommandEnded,
                {
                    "name": st.sampled_from(COMMANDS),
                    "ref": st.sampled_from(["t1", "t2", f"{CALL}.agent.1", *LEGS]),
                    "outcome": st.sampled_from(e.Outcome),
                },
            ),
        )
    )
)
starts = st.sampled_from(
    [
        given_call_waiting,
        given_talking,
        given_moving,
        given_ringing_transfer,
        given_three_way,
        given_ringing_consult,
        given_consulting,
    ]
)


def _pass_time(watch: Watch, seconds: float) -> None:
    """As `Scene.wait`, with every deadline watched."""
    scene = watch.scene
    until = scene.at.timestamp() + seconds
    while due := [arm for arm in scene.armed if arm.at.timestamp() <= until]:
        first = min(due, key=lambda arm: arm.at)
        scene.armed.remove(first)
        scene.at = max(scene.at, first.at)
        watch.take(e.DeadlinePassed(scene.at, first.deadline, first.ref))
    scene.at = scene.at.fromtimestamp(until, scene.at.tzinfo)


@settings(max_examples=EXPLORE or 400, derandomize=not EXPLORE, deadline=None)
@given(
    start=starts,
    rules_of=links,
    story=st.lists(st.one_of(words, st.sampled_from([0.1, 2.9, 31.0])), max_size=40),
)
def test_no_word_of_the_switch_can_break_it(start: Any, rules_of: Any, story: list[Any]) -> None:
    watch = Watch(start(rules_of))
    for number, word in enumerate(story):
        if isinstance(word, float):
            _pass_time(watch, word)
            continue
        kind, fields = word
        if kind is e.Asked:
            fields = fields | {"ref": f"t{number + 2}"}
        watch.take(kind(watch.scene.at, **fields))
    _pass_time(watch, 3 * 33 + 1)
    transfer = watch.scene.state.transfer
    # Nothing waits for ever: once time has passed, only people keep a transfer alive.
    assert transfer is None or not transfer.live or transfer.answered


TALKED: dict[e.Ask, list[tuple[type[e.Event], dict[str, Any]]]] = {
    ask: [
        *(
            [(e.CallerOnHold, {})]
            if aside
            else [(e.RoomJoined, {"unique_id": CALLER, "channel": "c"})]
        ),
        (e.RoomJoined, {"unique_id": OPERATOR, "channel": "o", "aside": aside}),
        (e.CommandEnded, {"name": move, "ref": "t1", "outcome": e.Outcome.DONE}),
        (e.TargetRinging, {"leg_id": LEGS[0]}),
        (
            e.TargetAnswered,
            {
                "leg_id": LEGS[0],
                "channel": "PJSIP/2001-1",
                "unique_id": OFFICER,
                "party": LI,
                "by_agent": True,
                "by_sign": True,
            },
        ),
        (e.RoomJoined, {"unique_id": LEGS[0], "channel": "t", "aside": aside}),
        (e.Asked, {"ask": e.Ask.RELEASE, "ref": "r1", "unique_id": OPERATOR}),
        (e.RoomJoined, {"unique_id": CALLER, "channel": "c"}),
        (e.RoomJoined, {"unique_id": LEGS[0], "channel": "t"}),
        (e.ChannelEnded, {"unique_id": OPERATOR, "cause": 16}),
        (e.ChannelEnded, {"unique_id": OFFICER, "cause": 16}),
    ]
    for ask, move, aside in (
        (e.Ask.TRANSFER, "MoveToRoom", False),
        (e.Ask.CONSULT, "MoveAside", True),
    )
}
"""What the switch says of a transfer and of a consultation in which all goes well."""
WORDS = len(TALKED[e.Ask.TRANSFER])


@st.composite
def nearly_in_order(draw: st.DrawFn) -> list[int]:
    """A few words change places with the next, up to two are lost."""
    order = list(range(WORDS))
    for at in draw(st.lists(st.integers(0, WORDS - 2), max_size=5)):
        order[at], order[at + 1] = order[at + 1], order[at]
    lost = draw(st.sets(st.integers(0, WORDS - 1), max_size=2))
    return [place for place in order if place not in lost]


@settings(max_examples=EXPLORE or 300, derandomize=not EXPLORE, deadline=None)
@given(
    ask=st.sampled_from(list(TALKED)),
    rules_of=links,
    order=st.one_of(nearly_in_order(), st.permutations(range(WORDS)).map(lambda all_: all_[3:])),
    pace_s=st.sampled_from([0.0, 0.5]),
)
def test_true_words_in_any_order_with_some_of_them_lost(
    ask: e.Ask, rules_of: Any, order: list[int], pace_s: float
) -> None:
    watch = Watch(given_moving(rules_of, ask))
    for place in order:
        kind, fields = TALKED[ask][place]
        watch.take(kind(watch.scene.at, **fields))
        _pass_time(watch, pace_s)
    _pass_time(watch, 3 * 33 + 1)


asks = st.sampled_from([None, e.Ask.TRANSFER, e.Ask.THREE_WAY, e.Ask.CONSULT])


# --- a plausible switch, and people who do what they like -------------------------------------


class Calls(RuleBasedStateMachine):
    """`faithful`: every word arrives, in order, once; commands end as they truly ended."""

    faithful = True

    @initialize(rules_of=links, ask=asks)
    def begin(self, rules_of: Any, ask: e.Ask | None) -> None:
        """Zhang talks to the citizen; with `ask`, 110 already rings."""
        self.scene: Scene = given_talking(rules_of)
        self.watch = Watch(self.scene)
        self.switch = Switch(self.scene)
        self.asked = 0
        if ask is None:
            return
        self.switch.say(e.Asked, ask=ask, ref="t0", target="110", unique_id=OPERATOR)
        self.hear(1)
        for _ in ("MoveToRoom", "RingTarget"):
            self.obey()
            self.hear(9)

    # The machine and the switch, in their own time.

    @precondition(lambda self: self.switch.said)
    @rule(number=st.integers(1, 6))
    def hear(self, number: int) -> None:
        for _ in range(min(number, len(self.switch.said))):
            kind, fields = self.switch.said.pop(0)
            self._take(kind(self.scene.at, **fields))

    def _take(self, event: e.Event) -> None:
        for command in self.watch.take(event):
            if not isinstance(command, c.Record | c.Arm | c.OpenTap):
                self.switch.ordered.append(command)

    @precondition(lambda self: self.switch.ordered)
    @rule()
    def obey(self) -> None:
        command = self.switch.ordered.pop(0)
        done = self.switch.execute(command)
        self._report(command, e.Outcome.DONE if done else e.Outcome.REFUSED)

    def _report(self, command: Any, outcome: e.Outcome) -> None:
        self.switch.say(
            e.CommandEnded, name=type(command).__name__, ref=command.ref, outcome=outcome
        )

    @rule(seconds=st.sampled_from([0.05, 0.5, 3.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        if seconds >= LOOK_S:
            self._settle()
        self._pass(seconds)
        self.switch.tick()

    def _settle(self) -> None:
        """Words and commands take milliseconds."""
        while self.switch.ordered or self.switch.said:
            if self.switch.ordered:
                self.obey()
            else:
                self.hear(1)

    def _pass(self, seconds: float) -> None:
        seen = len(self.scene.commands)
        _pass_time(self.watch, seconds)
        wanted = self.scene.commands[seen:]
        kinds = c.Record | c.Arm | c.OpenTap
        self.switch.ordered += [one for one in wanted if not isinstance(one, kinds)]

    # People.

    @precondition(lambda self: self.switch.caller is not Place.GONE)
    @rule()
    def caller_hangs_up(self) -> None:
        self.switch.caller_hangs_up()

    def _agents(self) -> list[str]:
        return [one.unique_id for one in self.switch.agents.values() if one.place is not Place.GONE]

    @precondition(lambda self: self._agents())
    @rule(data=st.data())
    def operator_hangs_up(self, data: st.DataObject) -> None:
        self.switch.agent_hangs_up(data.draw(st.sampled_from(self._agents())))

    @precondition(lambda self: self._agents() or self.switch.target)
    @rule(data=st.data(), ask=st.sampled_from(e.Ask))
    def key(self, data: st.DataObject, ask: e.Ask) -> None:
        target = self.switch.target
        people = self._agents() + ([target.leg_id] if target and target.person else [])
        if people:
            self.asked += 1
            self.switch.say(
                e.Asked,
                ask=ask,
                ref=f"t{self.asked}",
                target=data.draw(st.sampled_from(["110", "12345", "119"])),
                unique_id=data.draw(st.sampled_from(people)),
            )

    @rule(centre=st.sampled_from(["110", "12345"]))
    def supervisor_designates(self, centre: str) -> None:
        self.switch.say(e.OwnerDesignated, centre=centre, by="boss")

    @precondition(lambda self: self.switch.target and not self.switch.target.person)
    @rule(how=st.sampled_from(["called", "rings", "early", "person", "busy", "reject", "ends"]))
    def target_does(self, how: str) -> None:
        target = self.switch.target
        assert target is not None
        if how == "called":
            self.switch.target_is_called(target)
        elif how == "rings":
            self.switch.target_rings(target)
        elif how in {"early", "person"}:
            # A link that takes a device's answer for a person's must lead to such devices only.
            device = self.scene.transfer.answered_by == "device"
            self.switch.target_answers(target, person=device or how == "person")
        elif how == "ends":
            self.switch.target_hangs_up(target)
        else:
            reason = FailureReason.BUSY if how == "busy" else FailureReason.REJECTED
            self.switch.target_refuses(target, reason)

    @precondition(lambda self: self.switch.target and self.switch.target.person)
    @rule()
    def officer_hangs_up(self) -> None:
        assert self.switch.target is not None
        self.switch.target_hangs_up(self.switch.target)

    @precondition(lambda self: self.switch.caller is Place.QUEUE)
    @rule()
    def queue_answers(self) -> None:
        self.switch.queue_answers()

    # What must be so.

    @invariant()
    def caller_is_not_dropped(self) -> None:
        if hasattr(self, "switch") and self.faithful:
            assert self.switch.dropped == []

    def teardown(self) -> None:
        if not hasattr(self, "switch"):
            return
        for _ in range(60):
            self._settle()
            self._pass(2)
            self.switch.tick()
        if self.faithful:
            self._caller_is_served()

    def _caller_is_served(self) -> None:
        """Nobody has done anything for two minutes: where is the caller?"""
        switch = self.switch
        assert switch.dropped == []
        if switch.caller in {Place.GONE, Place.QUEUE}:
            return
        assert switch.caller is not Place.HELD, "held for ever"
        assert switch.humans() > 0, f"alone: {switch.caller.value}"
        transfer = self.scene.state.transfer
        if transfer is not None and transfer.kind is TransferKind.ONE_KEY and transfer.live:
            assert switch.target is not None


class UnreliableCalls(Calls):
    """Words get lost, come twice, late and out of order; commands end in doubt."""

    faithful = False

    @precondition(lambda self: self.switch.said)
    @rule(data=st.data(), how=st.sampled_from(["lost", "twice", "late"]))
    def garble(self, data: st.DataObject, how: str) -> None:
        said = self.switch.said
        index = data.draw(st.integers(0, len(said) - 1))
        word = said[index] if how == "twice" else said.pop(index)
        if how != "lost":
            said.insert(data.draw(st.integers(0, len(said))), word)

    @precondition(lambda self: self.switch.ordered)
    @rule(done=st.booleans(), outcome=st.sampled_from([e.Outcome.UNKNOWN, e.Outcome.REFUSED]))
    def obey_in_doubt(self, done: bool, outcome: e.Outcome) -> None:
        command = self.switch.ordered.pop(0)
        if done and outcome is e.Outcome.UNKNOWN:
            self.switch.execute(command)
        self._report(command, outcome)

    @rule(word=words)
    def out_of_nowhere(self, word: Any) -> None:
        kind, fields = word
        self.asked += 1
        self._take(
            kind(self.scene.at, **(fields | ({"ref": f"t{self.asked}"} if kind is e.Asked else {})))
        )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("calls", [Calls, UnreliableCalls])
def test_a_caller_is_never_left(calls: type[Calls]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        calls,
        settings=settings(
            max_examples=EXPLORE or 300,
            stateful_step_count=40,
            derandomize=not EXPLORE,
            report_multiple_bugs=False,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
