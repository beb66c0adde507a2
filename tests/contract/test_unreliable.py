"""Duplicated, reordered and late messages, made by editing what the switch really said."""

import asyncio
import time

import pytest

from gateway.errors import SwitchRefused, SwitchTimeout, SwitchUnreachable

from .bench import Bench
from .replay import ReplaySwitch
from .script import Step, find, load, login_of, reply_to

ORIGINATE = {"Channel": "Local/answer@contract/n"}


def handshake(steps: list[Step]) -> list[Step]:
    return steps[: reply_to(steps, "CoreSettings") + 1]


def of_list(steps: list[Step], action: str) -> list[Step]:
    """The action, its reply, its items and its end, as recorded."""
    wanted = steps[find(steps, action)].header("ActionID")
    return [step for step in steps if step.header("ActionID") == wanted]


async def test_a_duplicated_event_is_delivered_twice_as_it_came():
    steps = load("key")
    at = find(steps, "UserEvent")
    twice = [*steps[: at + 1], steps[at], *steps[at + 1 :]]
    async with ReplaySwitch(twice) as switch, Bench(switch.port) as bench:
        await bench.ami.send("Originate", ORIGINATE)
        await bench.until("UserEvent", 2)
        first, second = bench.named("UserEvent")
        assert first.headers == second.headers
        assert first.received <= second.received


async def test_a_duplicated_reply_answers_nothing_else():
    steps = load("dial")
    at = reply_to(steps, "Originate")
    twice = [*steps[: at + 1], steps[at], *steps[at + 1 :]]
    async with ReplaySwitch(twice) as switch, Bench(switch.port) as bench:
        assert "Originate" in (await bench.ami.send("Originate", ORIGINATE)).get("Message")
        reply = await bench.ami.send("PlayDTMF", {"Channel": "ld-6.caller.1", "Digit": "1"})
        assert reply.get("Message") == "DTMF successfully queued"


async def test_a_duplicated_list_does_not_leak_into_the_stream():
    steps = load("room")
    listed = of_list(steps, "CoreShowChannels")
    script = [*handshake(steps), *listed, *listed[1:], steps[find(steps, "ConfbridgeJoin")]]
    async with ReplaySwitch(script) as switch, Bench(switch.port) as bench:
        reply = await bench.ami.collect("CoreShowChannels")
        assert len(reply.events) == len(listed) - 2
        await bench.until("ConfbridgeJoin")
        assert bench.named("CoreShowChannel") == []
        assert bench.named("CoreShowChannelsComplete") == []


async def test_replies_in_the_wrong_order_reach_their_own_askers():
    steps = load("room")
    asked, *answer = of_list(steps, "CoreShowChannels")
    other, *other_answer = of_list(steps, "ConfbridgeList")
    script = [*handshake(steps), asked, other, *other_answer, *answer]
    async with ReplaySwitch(script) as switch, Bench(switch.port) as bench:
        channels, members = await asyncio.gather(
            bench.ami.collect("CoreShowChannels"), bench.ami.collect("ConfbridgeList")
        )
        assert channels.events[-1].name == "CoreShowChannelsComplete"
        assert members.events[-1].name == "ConfbridgeListComplete"


async def test_live_events_between_a_reply_and_its_list_stay_live():
    steps = load("room")
    listed = of_list(steps, "CoreShowChannels")
    leave, agent_done = steps[find(steps, "ConfbridgeLeave")], load("queue")
    complete = agent_done[find(agent_done, "AgentComplete")]
    mixed = [*listed[:2], leave, listed[2], complete, *listed[3:]]
    async with ReplaySwitch([*handshake(steps), *mixed]) as switch, Bench(switch.port) as bench:
        reply = await bench.ami.collect("CoreShowChannels")
        names = [step.header("Event") for step in listed[2:]]
        assert [event.name for event in reply.events] == names
        # AgentComplete ends like the end of a list, but it is no part of this one.
        assert [e.name for e in bench.events] == ["FullyBooted", "ConfbridgeLeave", "AgentComplete"]


async def test_events_in_the_wrong_order_are_delivered_in_the_order_they_came():
    steps = load("room")
    join, leave = steps[find(steps, "ConfbridgeJoin")], steps[find(steps, "ConfbridgeLeave")]
    script = [*handshake(steps), leave, join]
    async with ReplaySwitch(script) as switch, Bench(switch.port) as bench:
        await bench.until("ConfbridgeJoin")
        assert [e.name for e in bench.events[1:]] == ["ConfbridgeLeave", "ConfbridgeJoin"]
        # The switch's own clock tells the true order.
        assert bench.events[2].timestamp < bench.events[1].timestamp


async def test_a_reply_after_its_time_out_answers_nobody():
    steps = load("dial")
    asked, late = steps[find(steps, "Originate")], steps[reply_to(steps, "Originate")]
    after, answer = steps[find(steps, "PlayDTMF")], steps[reply_to(steps, "PlayDTMF")]
    script = [*handshake(steps), asked, after, late, answer]
    async with ReplaySwitch(script) as switch, Bench(switch.port) as bench:
        with pytest.raises(SwitchTimeout):
            await bench.ami.send("Originate", ORIGINATE, timeout=0.05)
        reply = await bench.ami.send("PlayDTMF", {"Channel": "ld-6.caller.1", "Digit": "1"})
        assert reply.get("Message") == "DTMF successfully queued"
        assert bench.links == [True]


async def test_the_result_of_a_timed_out_originate_still_arrives():
    """Its outcome was unknown until now: this event is how the gateway learns it."""
    steps = load("no_answer")
    at = reply_to(steps, "Originate")
    without_reply = [*steps[:at], *steps[at + 1 :]]
    async with ReplaySwitch(without_reply) as switch, Bench(switch.port) as bench:
        with pytest.raises(SwitchTimeout):
            await bench.ami.send("Originate", ORIGINATE, timeout=0.05)
        assert (await bench.until("OriginateResponse")).get("Response") == "Failure"


async def test_a_list_that_times_out_halfway_leaves_nothing_behind():
    steps = load("room")
    listed, other = of_list(steps, "CoreShowChannels"), of_list(steps, "ConfbridgeList")
    script = [*handshake(steps), *listed[:3], other[0], *listed[3:], *other[1:]]
    async with ReplaySwitch(script) as switch, Bench(switch.port) as bench:
        with pytest.raises(SwitchTimeout):
            await bench.ami.collect("CoreShowChannels", timeout=0.05)
        reply = await bench.ami.collect("ConfbridgeList")
        assert {event.name for event in reply.events} == {
            "ConfbridgeList",
            "ConfbridgeListComplete",
        }
        assert [event.name for event in bench.events] == ["FullyBooted"]


async def test_a_second_event_header_does_not_end_the_connection():
    """A dialplan can write UserEvent(X,Event: Y); the switch's own name comes first."""
    steps = load("key")
    forged = Step("message", steps[find(steps, "UserEvent")].text + "\r\nEvent: Hangup")
    script = [*handshake(steps), forged]
    async with ReplaySwitch(script) as switch, Bench(switch.port) as bench:
        event = await bench.until("UserEvent")
        assert event.all("Event") == ("UserEvent", "Hangup")
        assert bench.named("Hangup") == []
        assert (await bench.ami.send("Ping")).get("Ping") == "Pong"


async def test_a_handler_that_fails_costs_one_event():
    steps = load("key")

    async with ReplaySwitch(steps) as switch:
        bench = Bench(switch.port)
        seen, collect = [], bench.ami._on_event

        def fragile(event):
            collect(event)
            seen.append(event.name)
            if event.name == "Newchannel":
                raise ValueError("a bug")

        bench.ami._on_event = fragile
        async with bench:
            await bench.ami.send("Originate", ORIGINATE)
            await bench.until("UserEvent")
            assert "Newchannel" in seen
            assert bench.links == [True]


async def test_wrong_secret_is_refused_and_can_be_tried_again():
    login = login_of(load("key"))
    no = "Response: Error\r\nActionID: {}\r\nMessage: Authentication failed"
    refusal = [login[0], Step("message", no.format(login[0].header("ActionID")))]
    steps = load("key")
    async with ReplaySwitch(refusal, steps) as switch:
        bench = Bench(switch.port)
        with pytest.raises(SwitchRefused, match="Authentication failed"):
            await bench.ami.start()
        assert not bench.ami.connected
        await bench.ami.start()
        assert bench.ami.connected
        await bench.ami.close()


async def test_nobody_there_is_unreachable_in_time():
    async with ReplaySwitch([]) as switch:
        port = switch.port
    with pytest.raises(SwitchUnreachable, match=str(port)):
        await Bench(port).ami.start()
    with pytest.raises(SwitchUnreachable, match="nothing was sent"):
        await Bench(port).ami.send("Originate", ORIGINATE)


async def test_a_peer_that_is_no_switch_is_unreachable():
    async with ReplaySwitch([]) as switch:
        with pytest.raises(SwitchUnreachable, match="Login"):
            await Bench(switch.port, action_timeout_s=0.1).ami.start()


async def test_the_clock_of_the_switch_is_known_from_the_start():
    async with ReplaySwitch(load("key")) as switch:
        switch.clock = time.time() + 90
        async with Bench(switch.port) as bench:
            assert bench.ami.clock_offset_s == pytest.approx(90, abs=1)
