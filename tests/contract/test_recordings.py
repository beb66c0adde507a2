"""Every recording through the client: each action answered, each event delivered as it was."""

import pytest

from gateway.errors import SwitchRefused

from .bench import Bench
from .replay import ReplaySwitch
from .script import Step, load, reply_to

SCENES = ["key", "no_answer", "busy", "room", "queue", "dial", "refused"]
OUR_OWN = {"Login", "CoreSettings"}


def live_events(steps: list[Step]) -> list[Step]:
    """The recorded events that belong to no list."""
    lists = {
        step.header("ActionID")
        for step in steps
        if step.header("EventList") == "start" and not step.header("Event")
    }
    return [s for s in steps if s.header("Event") and s.header("ActionID") not in lists]


async def repeat(bench: Bench, steps: list[Step]) -> None:
    """Ask again what was asked when the recording was made."""
    for step in (s for s in steps if s.kind == "action" and s.header("Action") not in OUR_OWN):
        headers = {k: v for k, v in step.headers() if k not in {"Action", "ActionID"}}
        if headers.get("Channel") == "/^Local/":  # made before the client refused to hang up many
            headers["Channel"] = "Local/answer@contract-00000001;1"
        answer = steps[reply_to(steps, step.header("Action"))]
        verb = bench.ami.collect if answer.header("EventList") == "start" else bench.ami.send
        if answer.header("Response") == "Error":
            with pytest.raises(SwitchRefused):
                await verb(step.header("Action"), headers)
        else:
            reply = await verb(step.header("Action"), headers)
            assert reply.get("Message") == answer.header("Message")


@pytest.mark.parametrize("scene", SCENES)
async def test_every_event_arrives_once_in_order_and_whole(scene: str):
    steps = load(scene)
    expected = live_events(steps)
    async with ReplaySwitch(steps) as switch, Bench(switch.port) as bench:
        await repeat(bench, steps)
        await bench.true(lambda: len(bench.events) >= len(expected))
        assert [event.name for event in bench.events] == [s.header("Event") for s in expected]
        for event, step in zip(bench.events, expected, strict=True):
            recorded = {k: v for k, v in step.headers() if k != "ActionID"}
            assert {key: event.get(key) for key in recorded} == recorded
            if "Timestamp" in recorded:
                assert event.timestamp == float(recorded["Timestamp"])
        assert bench.ami.version.startswith("22.10.1")


async def test_a_list_holds_its_items_and_its_end():
    async with ReplaySwitch(load("room")) as switch, Bench(switch.port) as bench:
        originates = [s for s in load("room") if s.header("Action") == "Originate"]
        for step in originates:
            await bench.ami.send("Originate", {"Channel": step.header("Channel")})
        channels = await bench.ami.collect("CoreShowChannels")
        rooms = await bench.ami.collect("ConfbridgeList", {"Conference": "ld-recorded-1"})
        ids = {e.get("Uniqueid") for e in channels.events if e.name == "CoreShowChannel"}
        assert {"ld-4.caller.1", "ld-4.target.1"} <= ids
        assert channels.events[-1].get("EventList") == "Complete"
        assert [e.name for e in rooms.events].count("ConfbridgeList") == 2


async def test_no_answer_is_told_by_the_originate_response():
    """The late event carries the action's own id and must reach the stream, not vanish."""
    async with ReplaySwitch(load("no_answer")) as switch, Bench(switch.port) as bench:
        reply = await bench.ami.send("Originate", {"Channel": "Local/ring@contract/n"})
        failed = await bench.until("OriginateResponse")
        assert failed.get("ActionID") == reply.get("ActionID")
        assert (failed.get("Response"), failed.get("Reason")) == ("Failure", "3")


def test_no_recording_holds_a_secret():
    from .bench import SECRET
    from .script import RECORDINGS

    recordings = list(RECORDINGS.glob("*.jsonl"))
    assert len(recordings) >= len(SCENES)
    for path in recordings:
        text = path.read_text()
        assert SECRET not in text
        # Recordings of the whole connection have the login; those of events alone have none.
        assert ("Secret: ********" in text) == ("Action: Login" in text)
