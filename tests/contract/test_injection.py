"""Nothing a caller or a ticket says can become an AMI header."""

import pytest

from gateway.errors import UnsafeValue
from gateway.telephony.ami_values import MAX_LINE

from .bench import Bench, bare, close_bare
from .replay import ReplaySwitch
from .script import load, reply_to

FORGED = "13800000001\r\n\r\nAction: Setvar\r\nActionID: forged\r\nVariable: X\r\nValue: rm"


def test_the_switch_obeyed_an_action_hidden_in_a_value():
    steps = load("bare_forged")
    answers = [step for step in steps if step.header("ActionID") == "forged"]
    assert [step.kind for step in answers] == ["action", "message"]
    assert answers[1].header("Response") == "Success"


async def test_bare_sends_the_hidden_action():
    async with ReplaySwitch(load("bare_forged")) as switch:
        manager = bare(switch.port)
        await manager.connect()
        await manager.authenticated_future
        manager.send_action({"Action": "Setvar", "Value": FORGED, "Variable": "LD_NUMBER"})
        sent = await switch.got("Setvar", 2)
        assert sent[1][1].header("ActionID") == "forged"
        await close_bare(manager)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Value": FORGED}, id="crlf in a value"),
        pytest.param({"Value": "110\rAction: Ping"}, id="cr alone"),
        pytest.param({"Value": "110\nAction: Ping"}, id="lf alone"),
        pytest.param({"Value": "110\0"}, id="nul"),
        pytest.param({"Value": ["ok", FORGED]}, id="in a repeated header"),
        pytest.param({"Value\r\nAction": "Ping"}, id="crlf in a name"),
        pytest.param({"Value: x": "Ping"}, id="colon in a name"),
        pytest.param({"": "Ping"}, id="empty name"),
        pytest.param({"Value": "张" * 400}, id="over-long in bytes, not in characters"),
        pytest.param({"Variable": [f"V{i}=1" for i in range(150)]}, id="too many headers"),
        pytest.param({"action": "Originate"}, id="a second action"),
        pytest.param({"Value": "\ud800"}, id="not encodable"),
    ],
)
async def test_ours_refuses_and_sends_nothing(headers):
    steps = load("key")
    handshake = steps[: reply_to(steps, "CoreSettings") + 1]
    async with ReplaySwitch(handshake) as switch, Bench(switch.port) as bench:
        with pytest.raises(UnsafeValue) as refused:
            await bench.ami.send("Setvar", headers)
        assert "13800000001" not in str(refused.value), "the message must not repeat the value"
        await bench.ami.send("Ping")
        actions = [action.header("Action") for _, action in switch.received]
        assert actions == ["Login", "CoreSettings", "Ping", "Ping"]


async def test_an_action_name_cannot_forge_either():
    steps = load("key")
    handshake = steps[: reply_to(steps, "CoreSettings") + 1]
    async with ReplaySwitch(handshake) as switch, Bench(switch.port) as bench:
        with pytest.raises(UnsafeValue):
            await bench.ami.send("Ping\r\nAction: Originate")


async def test_a_line_of_the_greatest_length_is_sent_whole():
    steps = load("key")
    handshake = steps[: reply_to(steps, "CoreSettings") + 1]
    ping = {"Note": "x" * (MAX_LINE - len("Note: "))}
    async with ReplaySwitch(handshake) as switch, Bench(switch.port) as bench:
        await bench.ami.send("Ping", ping)
        sent = (await switch.got("Ping", 2))[-1][1]
        assert sent.header("Note") == ping["Note"]
        with pytest.raises(UnsafeValue, match="1001 bytes"):
            await bench.ami.send("Ping", {"Note": ping["Note"] + "x"})
