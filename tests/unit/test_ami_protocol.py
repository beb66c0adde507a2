"""Splitting, routing and limits of the protocol, without a socket."""

import asyncio
import logging
import socket
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import SwitchTimeout, SwitchUnreachable
from gateway.telephony import ami_protocol
from gateway.telephony.ami_link import AmiLink
from gateway.telephony.ami_protocol import HardenedProtocol, PendingAction

EVENT = (
    "Event: UserEvent\r\nUserEvent: LiandongKey\r\nCaller: 张三丰\r\nWhere: 泗阳\r\n\r\n".encode()
)


class Pipe(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written = b""
        self.aborted = False

    def write(self, data):
        self.written += data

    def close(self):
        pass

    def abort(self):
        self.aborted = True


class Factory:
    def __init__(self):
        self.events = []
        self.lost = 0

    def dispatch(self, message):
        self.events.append(message)

    def connection_lost(self, exc):
        self.lost += 1


@pytest.fixture
def factory():
    return Factory()


@pytest.fixture
async def protocol(factory):
    protocol = HardenedProtocol()
    protocol.connection_made(Pipe())
    protocol.factory = factory
    return protocol


@pytest.mark.parametrize("cut", range(1, len(EVENT)))
async def test_a_read_may_end_at_any_byte(protocol, factory, cut):
    protocol.data_received(EVENT[:cut])
    protocol.data_received(EVENT[cut:])
    (event,) = factory.events
    assert (event["Caller"], event["Where"]) == ("张三丰", "泗阳")


async def test_bytes_that_are_no_utf8_cost_no_other_character(protocol, factory):
    protocol.data_received(EVENT.replace("三".encode(), b"\xff"))
    assert factory.events[0]["Caller"] == "张\N{REPLACEMENT CHARACTER}丰"


PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        (
            *(b"Event: ", b"Event", b"Response: Follows\r\n", b"Response: ", b"ActionID: 1"),
            *(b"Message: ", b"EventList: start", b": ", b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"\0"),
            *("张三丰".encode(), "😀".encode()[:2], b"\xff\xfe", b"%00%zz", b"x" * 2000),
            *(b"result: %ff", b"ChanVariable: a=b\r\nChanVariable: c", b"Asterisk Call Manager/"),
        )
    ),
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12), st.booleans())
def test_no_bytes_from_the_switch_end_the_connection(pieces: list[bytes], pending: bool) -> None:
    """Nor do they keep the next event from being heard."""
    asyncio.run(_fed(pieces, pending=pending))


async def _fed(pieces, *, pending):
    protocol, protocol_factory = HardenedProtocol(), Factory()
    protocol.connection_made(Pipe())
    protocol.factory = protocol_factory
    action = PendingAction({"Action": "CoreShowChannels", "ActionID": "1"}, listing=True)
    if pending:
        protocol.send(action)
    for piece in pieces:
        protocol.data_received(piece)
    protocol.data_received(b"\r\n\r\n" + EVENT)
    assert not protocol.transport.aborted
    assert not protocol.closed
    assert protocol_factory.events[-1]["UserEvent"] == "LiandongKey"
    protocol.abandon(action)


async def test_a_message_that_cannot_be_handled_costs_only_itself(protocol, factory):
    def fail(message):
        raise ValueError("a bug")

    protocol.factory.dispatch, working = fail, factory.dispatch
    protocol.data_received(EVENT)
    factory.dispatch = working
    protocol.data_received(EVENT)
    assert (protocol.faults, len(factory.events)) == (1, 1)


async def test_a_peer_that_never_ends_a_message_is_dropped(protocol, monkeypatch):
    monkeypatch.setattr(ami_protocol, "MAX_UNPARSED", 1000)
    protocol.data_received(b"x" * 1000)
    assert not protocol.transport.aborted
    protocol.data_received(b"x")
    assert protocol.transport.aborted


async def test_loss_fails_every_pending_action_and_keeps_none(protocol, factory):
    pending = [PendingAction({"Action": name}, listing=False) for name in ("Originate", "Ping")]
    for action in pending:
        protocol.send(action)
    protocol.connection_lost(None)
    for action in pending:
        with pytest.raises(SwitchTimeout, match="unknown"):
            await action.future
    assert protocol.responses == {}
    assert factory.lost == 1
    assert protocol.gone.done()


async def test_loss_before_the_manager_took_over_is_quiet():
    protocol = HardenedProtocol()
    protocol.connection_made(Pipe())
    protocol.connection_lost(None)
    assert protocol.gone.done()


async def test_a_reply_that_is_here_counts_though_our_own_loop_was_late(protocol):
    link = AmiLink("127.0.0.1", 1, on_event=lambda _event: None)
    link.protocol = protocol
    asking = asyncio.create_task(link.ask("Ping", {"ActionID": "1"}, 0.01))
    await asyncio.sleep(0)
    reply = b"Response: Success\r\nActionID: 1\r\nPing: Pong\r\n\r\n"
    # As when a read and the deadline fall due together: reads are run first.
    asyncio.get_running_loop().call_soon(protocol.data_received, reply)
    time.sleep(0.03)  # noqa: ASYNC251
    assert (await asking).get("Ping") == "Pong"


async def test_a_failed_connection_is_told_and_not_tried_again_by_panoramisk(monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        link = AmiLink("127.0.0.1", probe.getsockname()[1], on_event=lambda _event: None)
    tries, connect = [], link.connect
    monkeypatch.setattr(link, "connect", lambda: tries.append(1) or connect())
    link.reconnect_timeout = 0
    with pytest.raises(SwitchUnreachable):
        await link.open(5)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(tries) == 1


async def test_memory_of_finished_lists_is_bounded(protocol):
    for _ in range(1000):
        protocol.abandon(PendingAction({"Action": "CoreShowChannels"}, listing=True))
    assert len(protocol._spent_lists) <= 256


async def test_nothing_of_a_message_or_an_action_reaches_the_logs(protocol, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    protocol.send(PendingAction({"Action": "Login", "Secret": "s3cret"}, listing=False))
    protocol.data_received(EVENT)
    protocol.connection_lost(None)
    shown = caplog.text + "".join(capsys.readouterr())
    assert "s3cret" not in shown
    assert "张三丰" not in shown
