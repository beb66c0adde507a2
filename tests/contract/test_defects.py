"""panoramisk 1.4's five defects, each shown on it bare and then gone from our client."""

import asyncio

import pytest

from gateway.errors import SwitchTimeout, SwitchUnreachable

from .bench import PATIENCE_S, Bench, bare, close_bare
from .replay import ReplaySwitch, byte_by_byte
from .script import MUTE, find, load, login_of, reply_to

ORIGINATE = {
    "Channel": "Local/answer@contract/n",
    "Context": "contract",
    "Exten": "key",
    "Priority": "1",
}


# 1. A reply ending in "successfully queued" to an action without an `Async` header.


async def test_bare_dies_of_a_reply_that_says_queued():
    failures: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    async with ReplaySwitch(load("bare_queued")) as switch:
        manager = bare(switch.port)
        await manager.connect()
        lost = loop.create_future()
        manager.on_disconnect = lambda *_: lost.set_result(None)
        manager.send_action({"Action": "Originate", **ORIGINATE, "Async": "true"})
        manager.connect = lambda: None
        manager.send_action({"Action": "PlayDTMF", "Channel": "ld-7.caller.1", "Digit": "1"})
        await asyncio.wait_for(lost, PATIENCE_S)
    assert [type(failure) for failure in failures] == [KeyError]


async def test_ours_takes_a_reply_that_says_queued():
    steps = load("dial")
    async with ReplaySwitch(steps) as switch, Bench(switch.port) as bench:
        await bench.ami.send("Originate", ORIGINATE)
        reply = await bench.ami.send("PlayDTMF", {"Channel": "ld-6.caller.1", "Digit": "1"})
        assert reply.get("Message") == "DTMF successfully queued"
        await bench.ami.send("Hangup", {"Channel": "Local/answer@contract-00000001;1"})
        ((_, sent),) = await switch.got("Originate")
        assert sent.header("Async") == "true", "or it blocks the connection while it rings"
        assert bench.ami.connected


# 2. What was not acknowledged is sent again after a reconnect.


async def test_bare_replays_an_originate_after_a_reconnect():
    async with ReplaySwitch(load("bare_replay", 1), load("bare_replay", 2)) as switch:
        manager = bare(switch.port)
        await manager.connect()
        await manager.authenticated_future
        manager.send_action({"Action": "Originate", **ORIGINATE, "Async": "true"})
        await switch.got("Originate")
        switch.drop()
        sent = await asyncio.wait_for(switch.got("Originate", 2), PATIENCE_S)
        await close_bare(manager)
    assert [conn for conn, _ in sent] == [1, 2], "the target rings twice"


async def test_ours_never_replays_and_says_the_outcome_is_unknown():
    login = login_of(load("key"))
    handshake = load("key")[: reply_to(load("key"), "CoreSettings") + 1]
    assert handshake[: len(login)] == login
    once = [*handshake, load("key")[find(load("key"), "Originate")]]
    async with ReplaySwitch(once, handshake) as switch, Bench(switch.port) as bench:
        asking = asyncio.create_task(bench.ami.send("Originate", ORIGINATE))
        await switch.got("Originate")
        switch.drop()
        with pytest.raises(SwitchTimeout, match="unknown"):
            await asking
        await bench.true(lambda: bench.links == [True, False, True])
        await bench.ami.send("Ping")
        assert len(await switch.got("Originate")) == 1


# 3. UTF-8 cut by a TCP read.


async def test_bare_loses_characters_cut_by_a_read():
    steps = load("key")
    event = steps[find(steps, "UserEvent")]
    async with ReplaySwitch([*login_of(steps), event], cut=byte_by_byte) as switch:
        manager = bare(switch.port)
        heard: asyncio.Queue[str] = asyncio.Queue()
        manager.register_event("UserEvent", lambda _, event: heard.put_nowait(event.caller))
        await manager.connect()
        assert await asyncio.wait_for(heard.get(), PATIENCE_S) != "张三丰"
        await close_bare(manager)


async def test_ours_keeps_characters_cut_by_a_read():
    async with ReplaySwitch(load("key"), cut=byte_by_byte) as switch, Bench(switch.port) as bench:
        await bench.ami.send("Originate", ORIGINATE)
        event = await bench.until("UserEvent")
        assert (event.get("Caller"), event.get("CallerIDName")) == ("张三丰", "张三丰")


# 4. Half-open connections: the peer is gone and no packet says so.


async def test_bare_never_notices_a_peer_that_is_silent():
    async with ReplaySwitch([*login_of(load("key")), MUTE]) as switch:
        manager = bare(switch.port)
        await manager.connect()
        await manager.authenticated_future
        for _ in range(50):
            manager.ping()
            manager.pinger.cancel()
        await switch.got("Ping", 50)
        assert manager._connected, "50 unanswered pings and it still thinks it is connected"
        await close_bare(manager)


async def test_ours_leaves_a_silent_peer_and_reconnects():
    steps = load("key")
    handshake = steps[: reply_to(steps, "CoreSettings") + 1]
    async with ReplaySwitch(handshake) as switch:
        async with Bench(switch.port, heartbeat_s=0.01, action_timeout_s=0.3) as bench:
            await switch.got("Ping", 3)
            switch.muted = True
            await bench.true(lambda: False in bench.links)
            with pytest.raises(SwitchUnreachable):
                await bench.ami.send("Originate", ORIGINATE)
            switch.muted = False
            await bench.true(lambda: bench.links == [True, False, True])
            await bench.ami.send("Ping")
        assert await switch.got("Login", 2)


# 5. No action time-outs.


async def test_bare_waits_for_ever():
    steps = load("bare_replay")
    async with ReplaySwitch(steps) as switch:
        manager = bare(switch.port)
        await manager.connect()
        await manager.authenticated_future
        asked = manager.send_action({"Action": "Originate", **ORIGINATE, "Async": "true"})
        await switch.got("Originate")
        # The connection lives and answers, so nothing will ever end this wait.
        assert (await manager.send_action({"Action": "Ping"})).success
        assert not asked.done()
        await close_bare(manager)


async def test_ours_gives_up_in_time_and_stays_connected():
    steps = load("key")
    unanswered = [*steps[: reply_to(steps, "CoreSettings") + 1], steps[find(steps, "Originate")]]
    async with ReplaySwitch(unanswered) as switch, Bench(switch.port) as bench:
        with pytest.raises(SwitchTimeout, match=r"no reply in 0\.05 s"):
            await bench.ami.send("Originate", ORIGINATE, timeout=0.05)
        assert (await bench.ami.send("Ping")).get("Ping") == "Pong"
        assert bench.links == [True]
